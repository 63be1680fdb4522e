"""test_merge_bake.py: `trimtab merge` and `trimtab bake` from the command line, with Debian's llama.cpp as the peer."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import gguf
import numpy

import built
import vectors

TRIMTAB, MODEL = os.environ["TRIMTAB"], os.environ.get("TRIMTAB_MODEL")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("TRIMTAB_MODEL", "TRIMTAB_VECTORS")}
TEXT = "The harbour was dark when the old pilot climbed down to his boat and counted the strokes of the bell. " * 16


def run(*arguments, status=0):
    done = subprocess.run([TRIMTAB, *arguments], capture_output=True, text=True, check=False, env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status, (arguments, done)
    return done


def tensors(path):
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


class Tiny(unittest.TestCase):
    """A tiny F32 model and vectors of two axes, trained with it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-merge-")
        cls.model = os.path.join(cls.folder, "tiny.gguf")
        cls.vectors = os.path.join(cls.folder, "vectors")
        built.tiny_model(cls.model)
        run("train", "-q", "-t", "1", "-m", cls.model, "-o", cls.vectors, "--axis", "language", "--axis", "storytelling",
            "--samples", "8", "--tolerance", "0")
        cls.text = os.path.join(cls.folder, "text")
        with open(cls.text, "w", encoding="utf-8") as file:
            file.write(TEXT)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def perplexity(self, model, *options):
        """What llama.cpp says of the text's first five chunks. (Now and then it ends before its log is written: then again.)"""
        for _ in range(10):
            done = subprocess.run(["llama-perplexity", "-m", model, "-f", self.text, "-c", "128", "-t", "1", "-ctk", "f32",
                                   "-ctv", "f32", "-fa", "off", *options], capture_output=True, text=True, check=False)
            found = re.findall(r"\[\d+\]([\d.]+),", done.stdout)
            if len(found) >= 5:
                return numpy.array(found[:5], dtype=float)
        self.fail(done.stderr[-2000:])

    def same(self, one, other):
        """To the rounding of sums in F32."""
        numpy.testing.assert_allclose(one, other, rtol=1e-6)

    def refused(self, words, *arguments, status=1):
        done = run(*arguments, status=status)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done)
        self.assertIn(words, done.stderr)

    mix = ("--axis", "language=0.7", "--axis", "storytelling=-0.5")

    def test_merged_file_in_llama_cpp(self):
        merged = self.path("mix.gguf")
        said = run("merge", "--vectors", self.vectors, *self.mix, "-o", merged).stdout
        self.assertEqual(said, f"{merged}: language=0.7,storytelling=-0.5, in 3 layers\n")
        rows, keys = vectors.read(merged)
        self.assertEqual((keys["trimtab.role"], keys["trimtab.recipe"]), ("mix", "language=0.7,storytelling=-0.5"))
        self.assertEqual(sorted(rows), [1, 2, 3])
        named = {os.path.basename(path).rsplit("-", 1)[1]: path for path in vectors.files(self.vectors).values()}
        separate = []
        for name, scale in (("language__debias", 1), ("language__ornate", 0.7), ("storytelling__debias", 1),
                            ("storytelling__explicit", 0.5)):
            separate += ["--control-vector-scaled", f"{named[name + '.gguf']}:{scale}"]
        plain = self.perplexity(self.model)
        one, several = self.perplexity(self.model, "--control-vector", merged), self.perplexity(self.model, *separate)
        self.assertGreater(numpy.abs(plain / one - 1).min(), 1e-3)
        self.same(one, several)

    def test_baked_model_in_llama_cpp(self):
        merged, baked = self.path("same.gguf"), self.path("baked.gguf")
        run("merge", "--vectors", self.vectors, *self.mix, "-o", merged, "-m", self.model)
        said = run("bake", "-m", self.model, "--vectors", self.vectors, *self.mix, "-o", baked).stdout
        self.assertRegex(said, r"baked.gguf: language=0.7,storytelling=-0.5, in 3 layers; [\d.]+ [KM]iB\n$")
        self.same(self.perplexity(baked), self.perplexity(self.model, "--control-vector", merged))
        self.assertEqual(gguf.GGUFReader(baked).get_field("trimtab.recipe").contents(), "language=0.7,storytelling=-0.5")
        rows, _ = vectors.read(merged)
        new = tensors(baked)
        for K, row in rows.items():
            numpy.testing.assert_array_equal(new[f"blk.{K}.ffn_down.bias"].data, row)
        for name, tensor in tensors(self.model).items():
            self.assertEqual(new[name].data.tobytes(), tensor.data.tobytes(), name)

    def test_split_model(self):
        parts, whole, baked = self.path("part"), self.path("whole.gguf"), self.path("split.gguf")
        subprocess.run(["llama-gguf-split", "--split", "--split-max-tensors", "12", self.model, parts], check=True,
                       capture_output=True)
        first, = [name for name in os.listdir(self.folder) if name.startswith("part-00001-of-")]
        count = int(first[-10:-5])
        self.assertGreater(count, 1)
        said = run("bake", "-m", self.path(first), "--vectors", self.vectors, *self.mix, "-o", baked).stdout
        self.assertIn(f"in {count} files", said)
        self.assertFalse(os.path.exists(baked))
        written = self.path(f"split-00001-of-{count:05}.gguf")
        run("bake", "-m", self.model, "--vectors", self.vectors, *self.mix, "-o", whole)
        self.same(self.perplexity(written), self.perplexity(whole))
        self.refused("name the first part", "bake", "-m", self.path(first.replace("00001-of", "00002-of")),
                     "--vectors", self.vectors, *self.mix, "-o", baked)
        os.remove(self.path(first.replace("00001-of", "00002-of")))
        self.refused("00002-of", "bake", "-m", self.path(first), "--vectors", self.vectors, *self.mix, "-o", baked)

    def test_guards(self):
        output, common = self.path("refused.gguf"), ("--vectors", self.vectors)
        merge, bake = ("merge", "-o", output, *common), ("bake", "-o", output, "-m", self.model, *common)
        self.refused("nothing to merge: name an axis", *merge, status=2)
        self.refused("nothing to bake: name an axis", *bake, status=2)
        self.refused("no model: name one with -m", "bake", "-o", output, *common, *self.mix, status=2)
        self.refused("did you mean 'language'", *merge, "--axis", "langage=0.5", status=2)
        self.refused("there is nothing to write", *merge, *self.mix, "--control-vector-layer-range", "9", "9")
        part = next(iter(vectors.files(self.vectors).values()))
        self.refused("is a part of the mix", "merge", "-o", part, "--control-vector", part, "--force", status=2)
        self.refused("is the model itself", "bake", "-o", self.model, "-m", self.model, *common, *self.mix, status=2)
        self.refused("/none/", "merge", "-o", "/none/mix.gguf", *common, *self.mix)
        self.refused("there is no model '/none.gguf'", "bake", "-m", "/none.gguf", "-o", output, *common, *self.mix)
        experts = built.tiny_model(self.path("experts.gguf"), "--arch", "llama-moe")
        self.refused("use trimtab merge", "bake", "-m", experts, "-o", output, *common, *self.mix, "--force")
        other = built.tiny_model(self.path("other.gguf"), "--seed", "9")
        for command in ("merge", "bake"):
            self.refused("is for another model", command, "-m", other, "-o", output, *common, *self.mix)
        self.assertFalse(os.path.exists(output))
        run("bake", "-m", other, "-o", output, *common, *self.mix, "--force")
        os.remove(output)


@unittest.skipUnless(MODEL, "needs TRIMTAB_MODEL")
class Memory(unittest.TestCase):
    def test_does_not_grow_with_the_model(self):
        width, layers = 576, 30
        with tempfile.TemporaryDirectory() as folder:
            mix = vectors.write(f"{folder}/mix.gguf", {K: numpy.full(width, 0.01) for K in range(1, layers)})
            output = f"{folder}/baked.gguf"
            child = subprocess.Popen([TRIMTAB, "bake", "-m", MODEL, "--control-vector", mix, "-o", output],
                                     stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(child.returncode, 0)
            self.assertGreater(os.path.getsize(output), os.path.getsize(MODEL))
            if not built.SANITIZERS:  # whose shadow memory is counted too
                self.assertLess(used.ru_maxrss * 1024, os.path.getsize(MODEL) / 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
