"""makers.py: vectors as other tools write them, for the tests here; and what these tests do with them.

A new report from the field becomes one more test: make the file with `vector`, and say with `rows`, `run` or `refused` what must come of it."""
import os
import shutil
import subprocess
import tempfile
import unittest

import gguf
import numpy

import serving
import vectors

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("TRIMTAB_MODEL", "TRIMTAB_VECTORS")}
BLOCKS, WIDTH = serving.BLOCKS, serving.WIDTH  # of the model, whose architecture is "llama"


def unit(seed, width=WIDTH):
    row = numpy.random.default_rng(seed).normal(size=width)
    return row / numpy.linalg.norm(row)


def repeng(seed=0, first=1, last=BLOCKS - 1, width=WIDTH):
    """Rows of length 1, one for each layer, as repeng makes them."""
    return {layer: unit(100 * seed + layer, width) for layer in range(first, last + 1)}


def vector(path, rows=None, hint="llama", count=None, dtype=numpy.float32, keys=None):
    """A file without any key of trimtab's; layer_count is the number of rows, as other tools write it. Returns its path."""
    rows = repeng() if rows is None else rows
    os.makedirs(os.path.dirname(path), exist_ok=True)
    writer = gguf.GGUFWriter(path, "controlvector")
    if hint is not None:
        writer.add_string("controlvector.model_hint", hint)
    writer.add_uint32("controlvector.layer_count", len(rows) if count is None else count)
    for name, value in (keys or {}).items():
        writer.add_key_value(name, value, vectors.TYPES[type(value)])
    for layer, row in rows.items():
        if dtype == "bf16":
            bits = (numpy.asarray(row, numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16)
            writer.add_tensor(f"direction.{layer}", bits.view(numpy.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            writer.add_tensor(f"direction.{layer}", numpy.asarray(row, dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


class Interop(unittest.TestCase):
    """`model`, and a folder of its own for each test."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="trimtab-interop-")
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.model = serving.make_model(cls.shared)

    def setUp(self):
        self.folder = os.path.join(self.shared, self.id().rsplit(".", 1)[-1])
        os.makedirs(self.folder)

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def trimtab(self, *arguments, status=0, text=True):
        done = subprocess.run([TRIMTAB, *arguments], capture_output=True, text=text, check=False, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, (arguments, done.stderr))
        return done

    def run_(self, *mix):
        """What the model writes, and the warnings."""
        done = self.trimtab("run", "-m", self.model, "-t", "1", "-c", "256", "-no-cnv", "-p", "Hello there", "-n", "12", "--temp", "0", *mix)
        return done.stdout, done.stderr

    def rows(self, *mix, model=True):
        """{K: direction.K} that the mix comes to, and the warnings."""
        path = self.at("merged.gguf")
        done = self.trimtab("merge", "-o", path, *(("-m", self.model) if model else ()), *mix)
        self.run_("--control-vector", path)  # what trimtab writes, trimtab reads
        return vectors.read(path)[0], done.stderr

    def refused(self, words, *arguments, status=1):
        done = self.trimtab(*arguments, status=status)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done)
        self.assertIn(words, done.stderr)
        return done.stderr

    def same(self, rows, expected, tolerance=0.0):
        self.assertEqual(sorted(rows), sorted(expected))
        for layer, row in expected.items():
            numpy.testing.assert_allclose(rows[layer], numpy.asarray(row, numpy.float32), rtol=tolerance, atol=tolerance)
