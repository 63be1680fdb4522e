"""surroundings.py: the program as it is started in surroundings that are not as one would like them, for the tests of those."""

import os
import subprocess

import cases
import serving
from cases import TRIMTAB

ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "TRIMTAB_MODEL", "TRIMTAB_VECTORS")} | {"LC_ALL": "C.UTF-8"}
TRAINING = ("--axis", "language", "--samples", "8", "--tolerance", "0.001")
EVALUATION = ("--axis", "language", "--quick", "--samples", "3", "--text-tokens", "8", "--values", "1", "-q")


def trimtab(*arguments, environment=None, **settings):
    """Output and errors as bytes."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "check": False} | settings
    return subprocess.run([TRIMTAB, *arguments], env=ENVIRONMENT | (environment or {}), **settings)


class Case(cases.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.tiny
        cls.vectors = serving.make_vectors(os.path.join(cls.folder, "v"))

    def fine(self, *arguments, **settings):
        result = trimtab(*arguments, **settings)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def refused(self, words, *arguments, **settings):
        """Status 1, and one sentence."""
        result = trimtab(*arguments, **settings)
        said = [line for line in result.stderr.decode().splitlines() if line.startswith("trimtab:")]
        self.assertEqual((result.returncode, len(said)), (1, 1), result.stderr)
        self.assertIn(words, said[0])
