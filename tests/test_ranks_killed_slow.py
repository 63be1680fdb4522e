"""test_ranks_killed_slow.py: runs of one and of several ranks are killed again and again: a rank loses the batch that it was at and
no more, whatever the number of ranks that go on, and the files are those of an undisturbed run.

What a run has begun is counted by a preloaded library (count_batches.c), what is safe is what the next run says it goes on from.
"""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import built

TRIMTAB = os.environ["TRIMTAB"]
MPIRUN = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n"]
KILLS, SAMPLES, BATCH = 20, 600, 5  # a batch of one axis is five samples


class Killed(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="trimtab-")
        self.addCleanup(shutil.rmtree, self.folder)
        small = ("--layers", "2", "--width", "32", "--heads", "2", "--kv-heads", "1", "--ff", "32")
        self.tiny = built.tiny_model(os.path.join(self.folder, "tiny.gguf"), *small)
        self.prompts = os.path.join(self.folder, "prompts.txt")
        pathlib.Path(self.prompts).write_text("Write.\nTell.\n", encoding="utf-8")
        self.counter = pathlib.Path(self.folder, "begun")
        self.environment = {k: v for k, v in os.environ.items() if k != "TRIMTAB_MODEL"}
        self.environment |= {"LD_PRELOAD": os.path.join(built.FOLDER, "tests", "count_batches.so"), "COUNT_BATCHES": str(self.counter),
                             "TMPDIR": self.folder}  # where MPI leaves its own

    def command(self, ranks, output):
        before = [*MPIRUN, str(ranks)] if ranks > 1 else []
        return [*before, TRIMTAB, "train", "-m", self.tiny, "-t", "1", "--samples", str(SAMPLES), "--axis", "language", "--prompts",
                self.prompts, "--hold-out", "0", "--tolerance", "0.001", "-o", output]

    def members(self):
        """The run's processes; the launcher, which inherits the counter's name as they do, first."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"COUNT_BATCHES={self.counter}\0".encode() in environment:
                found.append((b"OMPI_COMM_WORLD_RANK=" in environment, int(entry.name)))
        return [number for _, number in sorted(found)]

    def begun(self):
        return self.counter.stat().st_size if self.counter.exists() else 0

    def start(self, ranks, output, batches):
        """Starts a run and lets it begin so many batches. How many samples did it find there?"""
        before = self.begun()
        said = open(os.path.join(self.folder, "said"), "w+", encoding="utf-8")
        self.addCleanup(said.close)
        run = subprocess.Popen(self.command(ranks, output), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                               env=self.environment)
        self.addCleanup(run.kill)
        deadline, there = time.monotonic() + built.PATIENCE, None
        while time.monotonic() < deadline and run.poll() is None and (self.begun() < before + batches or (before and not there)):
            time.sleep(0.005)
            said.seek(0)  # what a rank says comes through the launcher, in its own time
            there = re.search(r"(\d+) of \d+ samples are there", said.read())
        return run, int(there.group(1)) if there else 0

    def test_each_rank_loses_one_batch_at_most(self):
        dice = random.Random(11)
        output = os.path.join(self.folder, "killed")
        safe = begun = lost = kills = 0
        ranks = 1
        for turn in range(KILLS + 1):
            before = ranks
            ranks = 1 + turn % 3
            run, there = self.start(ranks, output, dice.randint(1, 6))
            time.sleep(dice.uniform(0, 0.05))
            with self.subTest(turn=turn, ranks=before):
                self.assertEqual(there % BATCH, 0)
                self.assertGreaterEqual(there, safe)
                self.assertLessEqual(begun - there // BATCH, lost + before, "a rank captures more than one batch again")
            safe, lost = there, begun - there // BATCH
            if run.poll() is not None or turn == KILLS:
                break
            members = self.members()
            for number in members if turn % 2 else members[-1:]:  # all, or one rank, whose death ends the others
                try:
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            run.wait(timeout=built.PATIENCE)
            while self.members():
                time.sleep(0.01)
            begun = self.begun()
            kills += 1
        self.assertGreaterEqual(kills, KILLS / 2)
        run.wait(timeout=built.PATIENCE)
        self.assertEqual(run.returncode, 0)
        undisturbed = os.path.join(self.folder, "undisturbed")
        subprocess.run(self.command(1, undisturbed), check=True, capture_output=True, env=self.environment)
        for name in os.listdir(undisturbed):
            self.assertEqual(pathlib.Path(killed := os.path.join(output, name)).read_bytes(),
                             pathlib.Path(undisturbed, name).read_bytes(), killed)


if __name__ == "__main__":
    if built.SANITIZERS:
        built.skip_all("a sanitizer must be loaded first of all, before what counts batches")
    if not os.path.exists(os.path.join(built.FOLDER, "trimtab-mpi.so")) or not shutil.which("mpirun"):
        built.skip_all("there is no MPI")
    unittest.main(verbosity=2)
