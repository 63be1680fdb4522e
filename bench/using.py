"""using.py: the benchmark of `trimtab run`."""
import os
import re
import tempfile

from measure import Figure, NotMeasured

PROMPT = "The old harbour lay quiet in the morning fog, and the keeper of the light"
TOKENS = 128
# "wrote 128 in 2.345 s, ..." (the first token comes from reading the prompt, so one decode less than tokens), and
# "eval time = 2345.67 ms / 127 runs", which counts decodes.
WROTE = re.compile(r"wrote (\d+) in ([\d.]+) s")
EVALUATED = re.compile(r" eval time = +([\d.]+) ms / +(\d+) runs")


def found_in(pattern, outcome, who):
    found = pattern.search(outcome.errors) or pattern.search(outcome.output)
    if not found:
        raise NotMeasured(f"{who} did not say how fast it wrote")
    return found


def our_speed(outcome):
    count, seconds = found_in(WROTE, outcome, "trimtab run").groups()
    return (int(count) - 1) / float(seconds)


def their_speed(bench, command):
    """llama-completion logs from a thread of its own, whose last lines are now and then lost at exit: then once more."""
    for _ in range(6):
        outcome = bench.run(command)
        if EVALUATED.search(outcome.errors + outcome.output):
            break
    milliseconds, runs = found_in(EVALUATED, outcome, "llama-completion").groups()
    return 1000 * int(runs) / float(milliseconds)


def write_both_ways(bench, what, extra):
    """Tokens a second of trimtab run and of llama-completion: same prompt, same length, same likeliest tokens."""
    common = ["-m", bench.model(), "-p", PROMPT, "-n", TOKENS, "-no-cnv", "--temp", 0, "-t", bench.threads, "-c", 1024,
              "--ignore-eos", "--perf", *extra]
    trimtab, completion = bench.program("trimtab"), bench.program("llama-completion")
    ours, peers = [], []
    for _ in bench.turns(f"run, {what}"):
        ours.append(our_speed(bench.run([trimtab, "run", *common])))
        peers.append(their_speed(bench, [completion, *common]))
    return Figure(what, "tokens/s", ours, "llama-completion", peers, (">=", 0.97))


def run(bench):
    """Speed of writing, unsteered and steered, against llama.cpp's own program with the same files."""
    if "\n  run " not in bench.run([bench.program("trimtab"), "--help"]).output:
        raise NotMeasured("this trimtab has no command 'run'")
    yield write_both_ways(bench, "unsteered", ())
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        bench.run([bench.trimtab, "train", "-m", bench.model(), "-o", folder, "--axis", "language", "--samples", 8, "-q"])
        wanted = ("__debias.gguf", "__ornate.gguf")
        files = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(wanted))
        yield write_both_ways(bench, "steered", [word for file in files for word in ("--control-vector", file)])
