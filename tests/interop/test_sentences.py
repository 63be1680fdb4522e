"""test_sentences.py: what is said of vectors and models that cannot be used: the likely cause, and a remedy that works. Each remedy that is
a command, an option or a value is tried here as it is told."""
import os
import re
import shlex
import struct

import makers
import serving
import vectors
from makers import BLOCKS, repeng, vector


class Disguises(makers.Interop):
    """What lies in a GGUF file's place, as a model and as a vector."""

    kinds = {
        "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 91765440\n",
        "web page": b"\n<!doctype html><html><head><title>model.gguf at main</title></head></html>",
        "XML text": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        "ZIP archive": b"PK\x03\x04" + bytes(60),
        "safetensors": struct.pack("<Q", 40) + b'{"__metadata__":{"format":"pt"}}' + bytes(60),
        "pickle": b"\x80\x02}q\x00(X\x05\x00\x00\x00model" + bytes(40),
        "NumPy": b"\x93NUMPY\x01\x00" + bytes(60),
        "gzip": b"\x1f\x8b\x08" + bytes(60),
        "before GGUF": b"tjgg\x03\x00\x00\x00" + bytes(60),
        "nothing but zeros": bytes(4096),
        "not a GGUF file but text": b"Entry not found",
        "but text: if it was downloaded": b'{"error": "Invalid credentials in Authorization header", "status": 401}\n',
        "but text: if it was": "Datei nicht gefunden: für Öffentlichkeit gesperrt".encode() + "ü".encode() * 400,
        "empty, as after a download": b"",
        "5 bytes are too short": b"GGUF\x03",
    }

    def test_as_a_model_and_as_a_vector(self):
        for kind, content in self.kinds.items():
            path = self.at("file.gguf")
            with open(path, "wb") as file:
                file.write(content)
            for arguments in (("run", "-m", path, "-p", "x"), ("run", "-m", self.model, "-p", "x", "--control-vector", path), ("inspect", path)):
                self.refused(kind, *arguments)

    def test_in_a_folder_they_are_named(self):
        os.makedirs(self.at("v"))
        vector(self.at("v", "happy.gguf"))
        with open(self.at("v", "sad.gguf"), "wb") as file:
            file.write(self.kinds["Git LFS pointer"])
        self.assertIn("sad.gguf' is a Git LFS pointer", self.rows("--vectors", self.at("v"), "--axis", "happy=1")[1])


class Strength(makers.Interop):
    def test_scale_times_length_counts(self):
        weak = vector(self.at("weak.gguf"), {k: row / 1000 for k, row in repeng().items()})
        self.assertEqual(self.run_("--control-vector-scaled", weak, "150")[1], "")  # nothing to do with trimtab's own values
        plain = vector(self.at("plain.gguf"))
        done = self.refused("as long as the model's own hidden state", "run", "-m", self.model, "-p", "x", "--control-vector-scaled", plain, "1e5", status=2)
        remedy = 1e5 * float(re.search(r"multiply the scales by (\S+) at most", done)[1])
        self.run_("--control-vector-scaled", plain, str(remedy))
        self.assertIn("text soon falls apart", self.run_("--force", "--control-vector-scaled", plain, "1e5")[1])

    def test_values_of_sets_are_their_own(self):
        serving.make_vectors(self.at("v"), size=1)
        self.refused("begin with a value between -1 and 1", "run", "-m", self.model, "-p", "x", "--vectors", self.at("v"), "--axis", "language=150")

    def test_a_mix_beyond_its_safe_scale(self):
        serving.make_vectors(self.at("v"), size=1)
        mix = ("--vectors", self.at("v"), "--axis", "language={},optimism_vs_nihilism={}")
        said = self.rows(*(word.format(1, 1) for word in mix))[1]
        factor = float(re.search(r"multiply all by (\S+)", said)[1])
        self.assertEqual(self.rows(*(word.format(factor, factor) for word in mix))[1], "")


class Remedies(makers.Interop):
    def setUp(self):
        super().setUp()
        self.set = serving.make_vectors(self.at("set"), size=1)

    def test_force(self):
        projected = vector(self.at("p.gguf"), keys={"controlvector.operation": "project"})
        twice = vector(self.at("t.gguf"))
        for mix in (("--control-vector", projected), ("--control-vector", f"{twice},{twice}"), ("--control-vector", self.at("set", "tiny-language__ornate.gguf"))):
            self.refused("--force overrides this", "merge", "-o", self.at("x.gguf"), *mix)
            self.rows("--force", *mix)

    def test_the_debias_file_that_is_named(self):
        lone = ("--control-vector", self.at("set", "tiny-language__ornate.gguf"))
        said = self.refused("add --control-vector", "merge", "-o", self.at("x.gguf"), *lone)
        self.rows(*lone, *shlex.split(re.search(r"add (--control-vector '[^']*')", said)[1]))

    def test_the_name_that_was_meant(self):
        said = self.refused("did you mean", "merge", "-o", self.at("x.gguf"), "--vectors", self.set, "--axis", "langauge=1", status=2)
        self.rows("--vectors", self.set, "--axis", re.search(r"did you mean '([^']*)'", said)[1] + "=1")

    def test_a_colon_in_a_name(self):
        os.rename(self.set, self.at("a:b"))
        mix = ("--vectors", self.at("a:b"), "--axis", "language=0.5")
        said = self.refused("colon", "command", "--for", "llama.cpp-0.7", *mix)
        merge = shlex.split(re.search(r"'(trimtab merge -o mix\.gguf)'", said)[1])[1:-1]
        self.trimtab(*merge, self.at("mix.gguf"), *mix)
        self.assertEqual(shlex.split(self.trimtab("command", "--for", "llama.cpp-0.7", "--control-vector", self.at("mix.gguf")).stdout),
                         ["--control-vector", self.at("mix.gguf")])

    def test_koboldcpp(self):
        mix = ("--vectors", self.set, "--axis", "language=0.5")
        line = self.trimtab("command", "--for", "koboldcpp", "-m", self.model, *mix).stdout
        bake = shlex.split(line.split(" && ")[0])
        self.assertEqual((bake[0], bake[-1]), ("trimtab", "steered.gguf"))
        self.trimtab(*bake[1:-1], self.at("steered.gguf"))
        # Where baking is refused no command is printed that would be.
        wide = vector(self.at("wide.gguf"), repeng(width=128))
        self.refused("hidden size", "command", "--for", "koboldcpp", "-m", self.model, "--control-vector", wide)
        other = serving.built.tiny_model(self.at("other.gguf"), "--arch", "qwen2")
        self.refused("baking is not possible", "command", "--for", "koboldcpp", "-m", other, "--control-vector", vector(self.at("v.gguf"), hint="qwen2"))
        self.trimtab("merge", "-m", other, "--control-vector", self.at("v.gguf"), "-o", self.at("merged.gguf"))  # what it advises instead


if __name__ == "__main__":
    makers.unittest.main(verbosity=2)
