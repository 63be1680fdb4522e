"""faulty.py: runs of tests/trimtab_faulty, which is trimtab with one call failing (tests/support/faults.h), and what must hold of each.

A scenario is run once as it is, while every call that could fail is written down together with the way to it: the functions that led
there. Then it is run again and again, each time with another call failing: one for each way, or with `every` each single call.
"""
import dataclasses
import mmap
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

import built

PROGRAM = os.path.join(built.FOLDER, "tests", "trimtab_faulty")
MEMORY, WRITE, ERROR, INTERRUPTED, SHORT, BORNE, ENGINE, RECORD = range(1, 9)  # enum tt_fault
NAMES = dict(zip(range(1, 8), ("memory", "write", "error", "interrupted", "short", "borne", "engine")))
ALTERNATE = 2**64 - 1


class Panel:
    """The file through which the program is told what fails: `panel` in tests/support/faults.c."""

    HEADER = "=IIQQ"  # fault, reached, left, recorded

    def __init__(self, room=1 << 17):
        self.file = tempfile.NamedTemporaryFile(prefix="trimtab-faults-")
        self.file.truncate(struct.calcsize(self.HEADER) + 8 * room)
        self.memory = mmap.mmap(self.file.fileno(), 0)
        self.room = room
        self.environment = {"TRIMTAB_FAULTS": self.file.name}

    def begin(self, fault, nth=0):
        """The nth call of this kind fails from now on, or with ALTERNATE every second one; with RECORD none."""
        struct.pack_into(self.HEADER, self.memory, 0, fault, 0, nth, 0)

    def end(self):
        """How many calls have failed."""
        reached = self.reached()
        struct.pack_into("=I", self.memory, 0, 0)
        return reached

    def reached(self):
        return struct.unpack_from(self.HEADER, self.memory)[1]

    def ways(self):
        """After RECORD: {fault: [the way to each call of that kind]}."""
        recorded = struct.unpack_from(self.HEADER, self.memory)[3]
        assert recorded <= self.room, f"{recorded} calls are more than there is room for"
        found = {fault: [] for fault in NAMES}
        for call in struct.unpack_from(f"={recorded}Q", self.memory, struct.calcsize(self.HEADER)):
            found[call >> 56].append(call & (1 << 56) - 1)
        return found

    def close(self):
        self.memory.close()
        self.file.close()


def chosen(ways, every):
    """The numbers of the calls to fail: all, or the first and the last that were reached in each way."""
    if every:
        return list(range(1, len(ways) + 1))
    first, last = {}, {}
    for number, way in enumerate(ways, 1):
        first.setdefault(way, number)
        last[way] = number
    return sorted({*first.values(), *last.values()})


@dataclasses.dataclass
class Scenario:
    """`arguments` of the program, run in a folder of its own that begins with copies of `files` ({name: path or bytes})."""

    name: str
    arguments: tuple
    files: dict = dataclasses.field(default_factory=dict)
    stdin: bytes = b""
    kept: str = r"(?!)"  # what a run that failed may leave beside whole files: a matching name
    varies: str = r"(?!)"  # what differs from run to run, in files and in what is printed
    resumes: bool = False  # the same command, once more, goes on where one that failed has ended
    findings: bool = False  # what is wrong is the result, on standard output


@dataclasses.dataclass
class Outcome:
    status: int
    stdout: bytes
    stderr: str
    files: dict
    reached: int


def contents(folder):
    root = pathlib.Path(folder)
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


class Faults:
    """The runs of one scenario."""

    def __init__(self, scenario):
        self.scenario, self.panel = scenario, Panel()
        self.folder = tempfile.mkdtemp(prefix="trimtab-faults-")
        self.before = {}
        self.expected = self.run(RECORD)
        self.ways = self.panel.ways()
        if self.expected.status:
            raise AssertionError(f"{scenario.name}: {self.expected}")

    def close(self):
        self.panel.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def place(self):
        """Makes the folder anew."""
        shutil.rmtree(self.folder)
        os.mkdir(self.folder)
        for name, content in self.scenario.files.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if isinstance(content, bytes):
                pathlib.Path(path).write_bytes(content)
            else:
                (shutil.copytree if os.path.isdir(content) else shutil.copyfile)(content, path)
        self.before = contents(self.folder)

    def start(self, stdout=subprocess.PIPE):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TRIMTAB_") or k == "TRIMTAB_BUILD"}
        return subprocess.run([PROGRAM, *self.scenario.arguments], cwd=self.folder, input=self.scenario.stdin, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=built.PATIENCE, check=False, env=environment | self.panel.environment)

    def run(self, fault, nth=0, stdout=subprocess.PIPE, anew=True):
        if anew:
            self.place()
        self.panel.begin(fault, nth)
        result = self.start(stdout)
        return Outcome(result.returncode, self.steady(result.stdout or b""), result.stderr.decode(errors="replace"), self.files(), self.panel.end())

    def steady(self, content):
        return re.sub(self.scenario.varies.encode(), b"", content)

    def files(self):
        return {name: self.steady(content) for name, content in contents(self.folder).items()}

    # ==== What must hold ====

    def problem(self, outcome, fault):
        """Why this outcome is not what it should be; None if it is."""
        if outcome.status not in (0, 1, 2):
            return f"it ended with status {outcome.status}"
        if "Sanitizer" in outcome.stderr or "runtime error:" in outcome.stderr:
            return "a sanitizer has a finding"
        if not outcome.status:
            if fault == WRITE and outcome.reached:
                return "it says that all was well, with half a write"
            if outcome.stdout != self.expected.stdout:
                return f"it says that all was well, but printed {outcome.stdout!r}"
            differing = [n for n in {*outcome.files, *self.expected.files} if outcome.files.get(n) != self.expected.files.get(n)]
            return f"it says that all was well, but these files are not as they should be: {differing}" if differing else None
        if not outcome.reached:
            return "nothing failed that it could have met"
        if fault in (INTERRUPTED, SHORT):
            return "an interrupted or short call must not be noticed"
        return self.sentence_problem(outcome) or self.file_problem(outcome)

    def sentence_problem(self, outcome):
        usual = self.expected.stderr.splitlines()
        said = [line for line in outcome.stderr.splitlines() if line.startswith("trimtab: ") and line not in usual]
        if len(said) != 1:
            return None if self.scenario.findings and outcome.stdout.strip() and not said else f"it said {len(said)} sentences"
        if len(said[0]) < len("trimtab: out of memory"):
            return "its sentence says nothing"
        return None

    def file_problem(self, outcome):
        before = {name: self.steady(content) for name, content in self.before.items()}
        for name, content in outcome.files.items():
            if content not in (before.get(name), self.expected.files.get(name)) and not re.fullmatch(self.scenario.kept, name):
                return f"it left '{name}' of {len(content)} bytes behind, which is neither what was there nor what should be"
        missing = before.keys() - outcome.files.keys()
        return f"it removed {sorted(missing)}" if missing else None

    def attempt(self, fault, nth):
        """None, or what is wrong with the run in which this call fails."""
        try:
            outcome = self.run(fault, nth)
        except subprocess.TimeoutExpired:
            return f"{self.scenario.name}: {NAMES[fault]} at call {nth}: it hangs"
        problem = self.problem(outcome, fault)
        if not problem and self.scenario.resumes and any(re.fullmatch(self.scenario.kept, name) for name in outcome.files):
            again = self.run(0, anew=False)
            if again.status or again.files != self.expected.files:
                problem = f"the same command cannot go on: {again.stderr[-2000:]}"
        number = "every second call" if nth == ALTERNATE else f"call {nth}"
        return problem and f"{self.scenario.name}: {NAMES[fault]} at {number}: {problem} (status {outcome.status})\n{outcome.stderr[-2000:]}"

    def attempt_full_output(self):
        """None, or what is wrong with the run whose standard output is a full disk."""
        if not self.expected.stdout:
            return None
        with open("/dev/full", "wb") as full:
            outcome = self.run(0, stdout=full)
        problem = f"it ended with status {outcome.status}" if outcome.status != 1 else self.sentence_problem(outcome) or self.file_problem(outcome)
        return problem and f"{self.scenario.name}: standard output on a full disk: {problem}\n{outcome.stderr[-2000:]}"


def try_all(scenario, every):
    """What is wrong with the runs of a scenario, a sentence or more each, and how many runs there were: each way to each call, or each
    single call."""
    with Faults(scenario) as faults:
        attempts = [(fault, nth) for fault in NAMES for nth in chosen(faults.ways[fault], every)]
        attempts += [(INTERRUPTED, ALTERNATE), (SHORT, ALTERNATE)]
        problems = [faults.attempt(*attempt) for attempt in attempts] + [faults.attempt_full_output()]
    return [problem for problem in problems if problem], len(problems)


def try_some(scenario, count, turn):
    """The same for `count` of the ways to an allocation and one to each other kind of call, other ones at every turn."""
    with Faults(scenario) as faults:
        attempts = [(INTERRUPTED, ALTERNATE)]
        for fault in NAMES:
            numbers = chosen(faults.ways[fault], False)
            wanted = min(count if fault == MEMORY else turn % 2, len(numbers))
            attempts += [(fault, numbers[(turn * 7 + i * len(numbers) // wanted) % len(numbers)]) for i in range(wanted)]
        problems = [faults.attempt(*attempt) for attempt in attempts] + [faults.attempt_full_output()]
    return [problem for problem in problems if problem], len(problems)
