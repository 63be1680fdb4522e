"""test_ranks.py: a training run that mpirun starts, and what every other run is spared."""
import json
import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

import built
import cases
from cases import TRIMTAB

MODULE = os.path.join(built.FOLDER, "trimtab-mpi.so")
# A sanitizer's memory is not UCX's to watch over, which would end the program; and what MPI itself never frees is not our business.
WITHOUT_UCX = {"ASAN_OPTIONS": "detect_leaks=0", "OMPI_MCA_pml": "ob1", "OMPI_MCA_osc": "^ucx", "OMPI_MCA_atomic": "^ucx"}
ENVIRONMENT = cases.ENVIRONMENT | (WITHOUT_UCX if built.SANITIZERS else {})
NO_THREADS = unittest.skipIf("thread" in built.SANITIZERS, "MPI's own threads would be reported")
MPIRUN = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n"]


class Ranks(cases.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ENVIRONMENT["TMPDIR"] = cls.folder  # where MPI leaves its own

    def train(self, name, *before, program=TRIMTAB, env=None):
        output = os.path.join(self.folder, name)
        command = [*before, program, "train", "-m", self.tiny, "-t", "1", "--samples", "12", "--tolerance", "0.01", "-q", "--json", "-o", output,
                   "--axis", "language", "--axis", "storytelling"]
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=env or ENVIRONMENT)
        return result, output

    @NO_THREADS
    def test_two_ranks_write_what_one_writes(self):
        alone, one = self.train("one")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        both, two = self.train("two", *MPIRUN, "2")
        self.assertEqual(both.returncode, 0, both.stderr)
        names = sorted(name for name in os.listdir(one) if name.endswith(".gguf"))
        self.assertEqual(len(names), 6)
        for name in names:
            with open(os.path.join(one, name), "rb") as first, open(os.path.join(two, name), "rb") as second:
                self.assertEqual(first.read(), second.read(), name)
        reports = json.loads(alone.stdout), json.loads(both.stdout)
        for count in ("prompts", "plain_tokens", "computed_tokens"):
            self.assertEqual(reports[0][count], reports[1][count], count)

    @NO_THREADS
    def test_what_is_not_shared_is_done_once(self):
        kept = os.path.join(self.folder, "kept")
        once = [TRIMTAB, "train", "-m", self.tiny, "-t", "1", "--samples", "12", "--tolerance", "0.01", "-q", "--axis", "language"]
        subprocess.run([*once, "-o", kept, "--keep-states"], check=True, capture_output=True, env=ENVIRONMENT)
        states, = pathlib.Path(kept).glob("*.states")
        again = [TRIMTAB, "train", "--from-states", states, "-o", os.path.join(self.folder, "again"), "--tolerance", "0.01", "-q", "--json"]
        for command in ([*once, "--dry-run", "--json", "--tokens-per-second", "1"], again):
            result = subprocess.run([*MPIRUN, "2", *command], capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=built.PATIENCE)
            self.assertEqual(result.returncode, 0, result.stderr)
            json.loads(result.stdout)  # one document

    @NO_THREADS
    def test_a_rank_that_fails_ends_all(self):
        result = subprocess.run([*MPIRUN, "2", TRIMTAB, "train", "-m", "/no/such.gguf", "-q"], capture_output=True, text=True,
                                check=False, env=ENVIRONMENT, timeout=built.PATIENCE)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("/no/such.gguf", result.stderr)

    @NO_THREADS
    def test_a_rank_that_dies_ends_the_run_which_goes_on_later(self):
        """The run with ranks that follow is ended, once some batches are safe, by the death of its second rank."""
        arguments = ["-m", self.tiny, "-t", "1", "--samples", "300", "--tolerance", "0.01", "--axis", "language", "-q"]
        killed = os.path.join(self.folder, "killed")
        run = self.started(killed, *MPIRUN, "2", TRIMTAB, "train", *arguments, "-o", killed, batches=2, environment=ENVIRONMENT)
        os.kill(self.second_rank(run.pid), signal.SIGKILL)
        _, said = run.communicate(timeout=built.PATIENCE)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("rank 1", said)
        self.assertIn("signal 9", said)
        self.assertTrue(list(pathlib.Path(killed).glob("*.states")), "nothing is left to go on with")
        undisturbed = os.path.join(self.folder, "undisturbed")
        for output in (killed, undisturbed):
            subprocess.run([TRIMTAB, "train", *arguments, "-o", output], check=True, env=ENVIRONMENT)
        for name in os.listdir(undisturbed):
            self.assertEqual(pathlib.Path(killed, name).read_bytes(), pathlib.Path(undisturbed, name).read_bytes(), name)

    def second_rank(self, launcher):
        """Process of rank 1, one of mpirun's descendants."""
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == launcher and b"OMPI_COMM_WORLD_RANK=1" in environment:
                return int(entry.name)
        return self.fail("there is no second rank")

    @unittest.skipIf(built.SANITIZERS, "the sanitizer's own look-ups replace what the loader said")
    def test_without_the_module(self):
        bin_folder = os.path.join(self.folder, "elsewhere", "bin")
        os.makedirs(bin_folder)
        program = shutil.copy(TRIMTAB, bin_folder)
        shutil.copy(os.path.join(os.path.dirname(TRIMTAB), "trimtab-chat"), bin_folder)
        result, _ = self.train("none", program=program, env=ENVIRONMENT | {"OMPI_COMM_WORLD_SIZE": "2"})
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("trimtab-mpi.so", result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1)
        result, _ = self.train("none", program=program)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_other_runs_do_not_load_it(self):
        libraries = subprocess.run(["ldd", TRIMTAB], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("libmpi", libraries)


if __name__ == "__main__":
    if not os.path.exists(MODULE) or not shutil.which("mpirun"):
        built.skip_all("there is no MPI")
    unittest.main(verbosity=2)
