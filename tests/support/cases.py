"""cases.py: what test classes share that run trimtab: a folder with a tiny model in it, and runs that are stopped on the way."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import built

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TRIMTAB_MODEL"}


class Case(unittest.TestCase):
    """`folder`, which goes with the class, and in it the model `tiny`."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.tiny = built.tiny_model(os.path.join(cls.folder, "tiny.gguf"))

    def place(self, name):
        """A path that no other test uses."""
        return os.path.join(self.folder, self.id().rsplit(".", 1)[-1] + "-" + name)

    def started(self, output, *command, batches=3, environment=None):
        """A run of `train` into the folder `output`, somewhere in its capture: some batches are in the states file."""
        process = subprocess.Popen(command, env=environment or ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline, writes = time.monotonic() + built.PATIENCE, set()
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
            writes |= {p.stat().st_mtime_ns for p in pathlib.Path(output).glob("*.states")}
            if len(writes) > batches:
                return process
        process.kill()
        return self.fail(process.communicate()[1])
