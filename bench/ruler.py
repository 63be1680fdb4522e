"""ruler.py: how often a model puts the right passage of a pair higher, by each form of judging: the ruler itself, measured.

axes/passages.json has pairs of short passages for one writing prompt each, of which the one is of the axis' negative class and
the other of its positive one. bench_ruler reads each of them once and tells the score that every form gives it; here the pairs
are counted whose positive passage has the higher score. What was read stays in build/ruler, so that a run which was stopped goes on.

Forms beyond those of src/evaluate/judge.c are made of them: several wordings' mean; and sums of a question's and the likelihood's
scores, each in units of its own scatter over the axis' passages.
"""
import hashlib
import json
import os
import statistics
import subprocess

from measure import Figure, NotMeasured, say

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PASSAGES = os.path.join(SOURCE, "axes", "passages.json")
WANTED = 0.85  # of all pairs
MESSAGE_PAIRS = int(os.environ.get("TRIMTAB_RULER_MESSAGES", "1"))  # the likelihood's, which takes the text anew for each side
MEANS = {"word + about": ("word", "about"), "about + phrases": ("about", "phrases"), "all questions": ("word", "about", "open", "pick", "yes or no", "phrases")}


def digest(*paths):
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            total.update(file.read())
    return total.hexdigest()[:8]


def read_lines(path):
    """What earlier runs left: whole lines only."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file if line.endswith("}\n")]
    return [json.loads(line) for line in lines]


def judge_all(bench, model):
    """One entry a passage, from the file of earlier runs and from bench_ruler."""
    with open(PASSAGES, encoding="utf-8") as file:
        total = sum(2 * len(pairs) for pairs in json.load(file).values())
    version = digest(PASSAGES, os.path.join(SOURCE, "src", "evaluate", "judge.c"))
    folder = os.path.join(SOURCE, "build", "ruler")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{os.path.basename(model)}-{MESSAGE_PAIRS}-{version}.jsonl")
    done = read_lines(path)
    if len(done) == total:
        return done
    program = os.path.join(bench.build, "bench", "bench_ruler")
    with open(path, "w", encoding="utf-8") as file:  # without what was cut off
        file.writelines(json.dumps(entry) + "\n" for entry in done)
    command = [program, model, PASSAGES, str(MESSAGE_PAIRS), str(len(done)), str(bench.threads)]
    with open(path, "a", encoding="utf-8") as file, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for number, line in enumerate(process.stdout, len(done) + 1):
            file.write(line)
            file.flush()
            if number % 10 == 0:
                say(f"ruler: {number} of {total} passages by {os.path.basename(model)}")
    if process.returncode:
        raise NotMeasured(f"bench_ruler ended with status {process.returncode}")
    return read_lines(path)


def scores_of(entries):
    """form -> axis -> pair -> [negative, positive]"""
    forms = {}
    for entry in entries:
        scores = dict(entry["scores"])
        for number in range(len(entry.get("likelihood", []))):
            scores["likelihood" if number == 0 else f"likelihood, {number + 1} pairs"] = statistics.mean(entry["likelihood"][:number + 1])
        for form, score in scores.items():
            forms.setdefault(form, {}).setdefault(entry["axis"], {}).setdefault(entry["pair"], [0, 0])[entry["class"]] = score
    return forms


def add(forms, name, parts, scaled):
    """The sum of some forms, each in units of its scatter over an axis' passages where `scaled`."""
    if not all(part in forms for part in parts):
        return
    made = forms[name] = {}
    for axis in forms[parts[0]]:
        units = [statistics.pstdev([score for pair in forms[part][axis].values() for score in pair]) if scaled else 1 for part in parts]
        made[axis] = {pair: [sum(forms[part][axis][pair][side] / unit for part, unit in zip(parts, units, strict=True)) for side in (0, 1)]
                      for pair in forms[parts[0]][axis]}


def combine(forms):
    for name, parts in MEANS.items():
        add(forms, name, parts, False)
    likelihoods = [form for form in forms if form.startswith("likelihood")]
    if likelihoods:
        for form in ("about", "about + open", "all questions"):
            add(forms, f"{form}, likelihood", (form, likelihoods[-1]), True)
    return forms


def right(pairs):
    return sum(positive > negative for negative, positive in pairs.values())


def table(model, forms):
    axes = list(next(iter(forms.values())))
    yield f"| {os.path.basename(model)} | " + " | ".join(axes) + " | all |"
    yield "|---|" + "---:|" * (len(axes) + 1)
    for form, scores in forms.items():
        counts = [right(scores[axis]) for axis in axes]
        yield f"| {form} | " + " | ".join(map(str, counts)) + f" | {sum(counts)} of {sum(len(scores[axis]) for axis in axes)} |"


def ruler(bench):
    """How often each form of judging, on which eval's figures rest, is right about passages whose class is known."""
    models = [path for path in (os.environ.get("TRIMTAB_LARGE_MODEL"), os.environ.get("TRIMTAB_MODEL")) if path and os.path.exists(path)]
    for model in models:
        forms = combine(scores_of(judge_all(bench, model)))
        say("\n".join(["", *table(model, forms), ""]))
        for form, scores in forms.items():
            counts = [right(pairs) for pairs in scores.values()]
            yield Figure(f"{form}, {os.path.basename(model)}", "right", [sum(counts)], "pairs", [sum(len(pairs) for pairs in scores.values())],
                         (">=", WANTED))
