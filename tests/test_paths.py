"""test_paths.py: a path with spaces, quotes, newlines, orders to a terminal and bytes that are no UTF-8, wherever one can be given: the
files are found and written, what is JSON is valid, what the shell is to read it reads as the same path, and no terminal obeys it."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest
import xml.dom.minidom

import serving
import terminal
from surroundings import ENVIRONMENT, EVALUATION, TRAINING, TRIMTAB, Case


class Paths(Case):
    """The worst that a path can be, everywhere that one can be given."""

    WORST = b"a b\n\xff'\"$x`\x1b[31m"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.worst = os.path.join(os.fsencode(cls.folder), cls.WORST)
        os.mkdir(cls.worst)
        cls.model = shutil.copy(os.fsencode(cls.model), cls.at(b"ti ny\xfe.gguf"))
        cls.vectors = shutil.copytree(os.fsencode(cls.vectors), cls.at(b"v"))

    @classmethod
    def at(cls, name):
        return os.path.join(cls.worst, name)

    def json(self, *arguments):
        """What is printed is JSON, and JSON is UTF-8."""
        return json.loads(self.fine(*arguments).stdout.decode())

    def shown(self, path):
        return path.decode(errors="replace")

    def test_train_and_eval_and_card(self):
        output = self.at(b"out")
        axis, = self.json("train", "-q", "-m", self.model, "-t", "1", "-o", output, *TRAINING, "--keep-states", "--json")["axes"]
        self.assertEqual([os.path.dirname(file) for file in axis["files"]], [self.shown(output)] * 3)
        states, = (os.path.join(output, name) for name in os.listdir(output) if name.endswith(b".states"))
        again = self.fine("train", "-q", "-o", self.at(b"again"), "--from-states", states, *TRAINING[2:]).stdout
        self.assertIn(self.at(b"again/Tiny-llama-language__ornate.gguf"), again)  # a program that reads it gets the file's name
        report = self.at(b"rep\nort\xff.html")
        self.fine("eval", "-m", self.model, "-t", "1", "--vectors", output, *EVALUATION, "--save", "--report", report)
        pathlib.Path(os.fsdecode(report)).read_text(encoding="utf-8")
        self.json("eval", "-m", self.model, "-t", "1", "--vectors", output, *EVALUATION, "--json")
        self.assertEqual(self.fine("card", output).stdout, output + b"/README.md\n")
        pathlib.Path(os.fsdecode(output), "README.md").read_text(encoding="utf-8")

    def test_inspect(self):
        file = shutil.copy(self.at(b"v/tiny-language__ornate.gguf"), self.at(b"si\nde\xe9.gguf"))
        vector, = self.json("inspect", "--json", file)["vectors"]
        self.assertEqual(vector["file"], self.shown(file))
        mix = self.json("inspect", "--json", "--vectors", self.vectors, "--axis", "language=0.5")["mix"]
        self.assertEqual(mix["parts"][1]["file"], self.shown(self.at(b"v/tiny-language__ornate.gguf")))
        self.assertIn("si?de?.gguf", self.fine("inspect", file).stdout.decode())
        self.fine("inspect", "--svg", self.at(b"s\xe9.svg"), file)
        xml.dom.minidom.parse(os.fsdecode(self.at(b"s\xe9.svg")))

    def test_merge_and_bake(self):
        given = ("--vectors", self.vectors, "--axis", "language=0.5")
        merged, baked = self.at(b"mer\nged\xe9.gguf"), self.at(b"ba\nked\xe9.gguf")
        self.assertEqual(self.fine("merge", *given, "-o", merged).stdout, merged + b": language=0.5, in 3 layers\n")
        self.assertTrue(self.fine("bake", "-m", self.model, *given, "-o", baked).stdout.startswith(baked + b": language=0.5, "))
        self.fine("run", "-m", baked, "-t", "1", "-n", "2", "-p", "hello")
        self.fine("merge", "--control-vector", merged, "-o", self.at(b"again.gguf"))  # whose recipe names that file
        again, = self.json("inspect", "--json", self.at(b"again.gguf"))["vectors"]
        self.assertEqual(again["recipe"], "mer?ged?.gguf:1")
        self.assertEqual([name for name in os.listdir(self.worst) if re.search(rb"\.gguf\.", name)], [])  # nothing left half-written

    def test_run_and_serve(self):
        prompt = self.at(b"pro\nmpt\xff")
        pathlib.Path(os.fsdecode(prompt)).write_text("hello", encoding="utf-8")
        said = [self.fine("run", "-m", self.model, "-t", "1", "-n", "4", "--temp", "0", *given).stdout for given in (("-p", "hello"), ("-f", prompt))]
        self.assertEqual(said[0], said[1])
        with serving.Server(self.model, "--vectors", self.vectors) as server:
            self.assertEqual(len(json.loads(server.get("/v1/axes").decode())["axes"]), 3)
            self.assertNotIn("\x1b", server.text())

    def test_command(self):
        """The shell makes the very same path of what is printed."""
        file = self.at(b"v/tiny-language__ornate.gguf")
        for program, word in (("llama.cpp-0.7", file + b":0.5"), ("llama.cpp-legacy", file)):
            line = self.fine("command", "--for", program, "--vectors", self.vectors, "--axis", "language=0.5").stdout
            words = subprocess.run(["bash", "-c", b"printf '%s\\0' " + line], capture_output=True, check=True).stdout.split(b"\0")
            self.assertIn(word, words)
        line = self.fine("command", "--for", "koboldcpp", "-m", self.model, "--vectors", self.vectors, "--axis", "language=0.5").stdout
        self.assertIn(os.fsdecode(self.model), shlex.split(os.fsdecode(line)))

    def test_axes(self):
        # An axis is named by its file: so only the folder's name can be odd.
        file = self.at(b"mine.json")
        pathlib.Path(os.fsdecode(file)).write_bytes(self.fine("axes", "show", "language", "--json").stdout)
        checked, = self.json("axes", "check", "--json", file)["files"]
        self.assertEqual((checked["ok"], checked["file"]), (True, self.shown(file)))
        self.fine("train", "-q", "-m", self.model, "-t", "1", "-o", self.at(b"mine"), "--axis", file, *TRAINING[2:])
        self.refused("is no name for one", "axes", "show", shutil.copy(file, self.at(b"mi ne\xff.json")))

    def test_refusals_are_one_line_of_text(self):
        none, given = self.at(b"none"), ("--vectors", self.at(b"none"), "--axis", "language=1")
        for arguments in (("run", "-m", none, "-p", "x"), ("run", "-m", self.model, "-f", none), ("run", "-m", self.model, "-p", "x", *given),
                          ("train", "-m", self.model, "-o", self.at(b"v/tiny-language__ornate.gguf")), ("inspect", none), ("card", none),
                          ("train", "-m", self.model, "--prompts", none, "-o", none), ("merge", *given, "-o", none), ("command", *given),
                          ("bake", "-m", self.model, *given, "-o", none), ("serve", "-m", none), ("axes", "show", none),
                          ("eval", "-m", self.model, "--vectors", none), ("train", "--from-states", none, "-o", none)):
            with self.subTest(arguments):
                self.refused("/a b??'\"$x`?[31m", *arguments)

    def test_a_terminal_gets_no_orders(self):
        given = ("--vectors", self.vectors, "--axis", "language=0.5")
        for arguments in (("merge", *given, "-o", self.at(b"t.gguf")), ("card", self.vectors), ("axes", "check", self.at(b"none")),
                          ("train", "-q", "-m", self.model, "-t", "1", "-o", self.at(b"t"), *TRAINING)):
            with self.subTest(arguments):
                text, _ = terminal.run_on_terminal([TRIMTAB, *arguments], 80, ENVIRONMENT | {"NO_COLOR": "1"})
                self.assertNotIn("\x1b[31m", text)
                self.assertIn("/a b??'\"$x`?[31m/", text)

    def test_a_models_name(self):
        model = serving.make_model(self.folder, "--name", os.fsdecode(b"Na\xfeme\n\x1b[31m"))
        output = self.at(b"named")
        self.fine("train", "-q", "-m", model, "-t", "1", "-o", output, *TRAINING)
        self.fine("eval", "-m", model, "-t", "1", "--vectors", output, *EVALUATION, "--save")
        evaluation = pathlib.Path(os.fsdecode(output), "Na-me-31m-language__evaluation.json")
        self.assertEqual(json.loads(evaluation.read_text(encoding="utf-8"))["model"]["name"], "Na\ufffdme\n\x1b[31m")
        with serving.Server(model, "--vectors", output) as server:
            self.assertEqual(json.loads(server.get("/v1/axes").decode())["model"]["name"], "Na\ufffdme\n\x1b[31m")


if __name__ == "__main__":
    unittest.main(verbosity=2)
