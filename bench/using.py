"""using.py: the benchmark of `trimtab run`."""
import os
import tempfile

from measure import Figure, NotMeasured

PROMPT = "The old harbour lay quiet in the morning fog, and the keeper of the light"
TOKENS = 128


def speed(bench, command):
    """Tokens a second as a reader sees them come: from the first behind the prompt, which is shown first, to the last."""
    begin, end, shown = None, None, 0
    for moment, piece in bench.stream(command):
        shown += len(piece)
        if begin is None and shown > len(PROMPT) + 2:
            begin = moment
        if piece.strip():
            end = moment
    if begin is None or end <= begin:
        raise NotMeasured(f"{os.path.basename(str(command[0]))} wrote nothing")
    return (TOKENS - 1) / (end - begin)


def write_both_ways(bench, what, extra):
    """Tokens a second of trimtab run and of llama-completion: same prompt, same length, same likeliest tokens."""
    common = ["-m", bench.model(), "-p", PROMPT, "-n", TOKENS, "-no-cnv", "--temp", 0, "-t", bench.threads, "-c", 1024,
              "--ignore-eos", *extra]
    trimtab, completion = bench.program("trimtab"), bench.program("llama-completion")
    ours, peers = [], []
    for _ in bench.turns(f"run, {what}"):
        ours.append(speed(bench, [trimtab, "run", *common]))
        peers.append(speed(bench, [completion, *common]))
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
