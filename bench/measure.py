"""measure.py: what the benchmarks of bench.py are made of: programs run and watched, and figures with their spread.

A figure is a pair: trimtab's value and its peer's, measured in turns in one run, so that whatever slows the machine down
for a while slows both. What is compared is the ratio of each turn: its median counts, and its extremes are the spread.
"""
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20


class NotMeasured(Exception):
    """A benchmark cannot run here, and why."""


@dataclasses.dataclass
class Outcome:
    """What a program did: its output, how long it took as a whole, and the most memory that it held (bytes)."""

    output: str
    errors: str
    seconds: float
    peak: int

    def json(self):
        try:
            return json.loads(self.output)
        except ValueError as error:
            raise NotMeasured(f"its output is not JSON: {error}") from error


@dataclasses.dataclass
class Figure:
    """One line of the table. `values` and `peers` go together turn by turn; a limit is a peer whose values are all equal."""

    name: str
    unit: str
    values: list
    peer: str = ""
    peers: list = None
    target: tuple = None  # (">=" or "<=", the ratio's bound)
    inverse: bool = False  # less is better: the ratio is the peer's to trimtab's, "how many times faster"

    def ratios(self):
        if not self.peers:
            return []
        return [peer / value if self.inverse else value / peer for value, peer in zip(self.values, self.peers, strict=True)]

    def met(self):
        """Whether the median reaches the target; None where there is none."""
        if not self.target:
            return None
        sign, bound = self.target
        ratio = statistics.median(self.ratios())
        return ratio >= bound if sign == ">=" else ratio <= bound


class Bench:
    """What every benchmark is given: where things are, how often to measure, and how to run a program."""

    def __init__(self, build, repetitions, threads, folder):
        self.build = os.path.abspath(build)
        self.repetitions = repetitions
        self.threads = threads
        self.folder = folder
        self.trimtab = os.path.join(self.build, "trimtab")
        self.kept = {}  # what one benchmark measured and another can use

    def model(self):
        model = os.environ.get("TRIMTAB_MODEL")
        if not model or not os.path.exists(model):
            raise NotMeasured("TRIMTAB_MODEL names no model; ./dev bench sets it")
        return model

    def program(self, name):
        """Path of a program: one of the build folder's, else one of the system's."""
        own = os.path.join(self.build, name)
        found = own if os.access(own, os.X_OK) else shutil.which(name)
        if not found:
            raise NotMeasured(f"there is no {name} here")
        return found

    def turns(self, what):
        """Numbers the repetitions, and says on standard error where we are."""
        for turn in range(self.repetitions):
            say(f"{what}, {turn + 1} of {self.repetitions}")
            yield turn

    def run(self, command, environment=None):
        """Runs a program to its end. Its peak memory is what the kernel reports of this one child."""
        command = [str(word) for word in command]
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            begin = time.monotonic()
            with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env={**os.environ, **(environment or {})}
            ) as process:
                try:
                    _, status, usage = os.wait4(process.pid, 0)
                except BaseException:
                    process.terminate()
                    raise
                process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.monotonic() - begin
            texts = []
            for stream in (output, errors):
                stream.seek(0)
                texts.append(stream.read().decode(errors="replace"))
        if process.returncode:
            lines = texts[1].strip().splitlines() or ["(it said nothing)"]
            raise NotMeasured(f"{os.path.basename(command[0])} ended with status {process.returncode}: {complaint(lines)}")
        return Outcome(*texts, seconds, usage.ru_maxrss * 1024)

    def stream(self, command):
        """Runs a program to its end: what it wrote to standard output, as pairs of time (s) and bytes."""
        command = [str(word) for word in command]
        pieces = []
        with tempfile.TemporaryFile() as errors:
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process:
                while piece := os.read(process.stdout.fileno(), 1 << 16):
                    pieces.append((time.monotonic(), piece))
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines() or ["(it said nothing)"]
        if process.returncode:
            raise NotMeasured(f"{os.path.basename(command[0])} ended with status {process.returncode}: {complaint(lines)}")
        return pieces

    def train(self, *arguments, before=(), environment=None):
        """One `trimtab train` into a fresh folder: its outcome and its JSON report. `before` comes before the command."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            command = [*before, self.program("trimtab"), "train", "-m", self.model(), "-o", folder, "--json", "-q"]
            outcome = self.run([*command, *arguments], environment)
        return outcome, outcome.json()


def complaint(lines):
    """The line of a failed program's talk that tells most: its own complaint if it is one of ours, else the last line."""
    own = [line for line in lines if line.startswith(("trimtab:", "bench_solver:"))]
    return (own or lines)[-1].strip()


def say(sentence):
    print(f"bench: {sentence}", file=sys.stderr, flush=True)


# ==== Showing figures ====


def short(number):
    if number == 0 or 0.01 <= abs(number) < 1000:
        return f"{number:.3g}"
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:.2e}"


def spread(values):
    middle = short(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({short(min(values))}..{short(max(values))})"


def row_of(benchmark, figure):
    """The cells of one line: name, figure, peer, ratio, target, met?"""
    ratios = figure.ratios()
    peer = ""
    if figure.peers:
        peer = f"{short(statistics.median(figure.peers))} {figure.unit}".strip()
    return [
        f"{benchmark}: {figure.name}",
        f"{short(statistics.median(figure.values))} {figure.unit}",
        f"{peer} {figure.peer}".strip() or "-",
        spread(ratios) if ratios else "-",
        f"{figure.target[0]} {figure.target[1]:g}" if figure.target else "-",
        {True: "yes", False: "no", None: "-"}[figure.met()],
    ]


def print_table(rows):
    """Rows of six cells in columns; a row of two, a benchmark and why it was not measured, takes what room it needs."""
    head = ["name", "figure", "peer", "ratio", "target", "met?"]
    full = [head, *(row for row in rows if len(row) == len(head))]
    widths = [max(len(row[i]) for row in full) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def summary(values):
    if not values:
        return None
    return {"median": statistics.median(values), "least": min(values), "most": max(values), "values": values}


def json_of(benchmark, figure):
    return {
        "benchmark": benchmark,
        "name": figure.name,
        "unit": figure.unit,
        "figure": summary(figure.values),
        "peer_name": figure.peer or None,
        "peer": summary(figure.peers),
        "ratio": summary(figure.ratios()),
        "target": " ".join(map(str, figure.target)) if figure.target else None,
        "met": figure.met(),
    }
