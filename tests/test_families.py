"""test_families.py: the whole way with every family of models: train two axes, apply each file, merge, bake, serve; and the exact
text that a model is handed.

With TRIMTAB_WRITE=1 in the environment it writes docs/models.md from what it finds; without, it tests that the page says just that.
"""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import jinja2
import numpy

import built
import serving
import vectors
from families import FAMILIES

TRIMTAB = os.environ["TRIMTAB"]
TESTS = os.path.join(os.environ["TRIMTAB_BUILD"], "tests")
DOCUMENT = os.path.join(os.environ["TRIMTAB_SOURCE"], "docs", "models.md")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TRIMTAB_MODEL"}
AXES = {"language": ("simple", "ornate"), "optimism_vs_nihilism": ("optimism", "nihilism")}
SYSTEM, USER = "You are a sailor.", "Tell me of the sea."

found = {}  # layout: {column: cell}


def call(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=ENVIRONMENT)


def distance(a, b):
    return float(numpy.linalg.norm(numpy.subtract(a, b)) / numpy.linalg.norm(b))


def has_command(name):
    return call(TRIMTAB, name, "--help").returncode == 0


class Families(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-families-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def fine(self, *command):
        result = call(*command)
        self.assertEqual(result.returncode, 0, f"{command}: {result.stderr}")
        return result.stdout

    def refused(self, *command):
        """The one sentence of a refusal."""
        result = call(*command)
        self.assertEqual(result.returncode, 1, result.stderr)
        said = [line for line in result.stderr.splitlines() if line.startswith("trimtab:")]
        self.assertEqual(len(said), 1, result.stderr)
        return said[0]

    # ---- The steps ----

    def make(self, family):
        return built.tiny_model(os.path.join(self.folder, family.layout + ".gguf"), "--arch", family.layout)

    def train(self, family, model):
        output = os.path.join(self.folder, family.layout)
        self.fine(TRIMTAB, "train", "-m", model, "-t", "1", "-q", "-o", output, "--samples", "16", "--tolerance", "0.01",
                  *(argument for axis in AXES for argument in ("--axis", axis)))
        files = {}
        for axis, (negative, positive) in AXES.items():
            for suffix in ("debias", negative, positive):
                path = next(p for name, p in vectors.files(output).items() if name.endswith(f"{axis}__{suffix}.gguf"))
                rows, keys = vectors.read(path)
                self.assertEqual(keys["controlvector.model_hint"], family.architecture)
                self.assertTrue(rows)
                for row in rows.values():
                    self.assertTrue(numpy.isfinite(row).all() and row.any(), path)
                files[axis, suffix] = path
        return output, files

    def logits(self, model, *files):
        return [json.loads(line) for line in self.fine(os.path.join(TESTS, "show_logits"), model, USER, *files).splitlines()]

    def apply(self, model, files):
        """Each file has an effect on the logits, and another than the others. (One side's is not the opposite of the other's.)"""
        seen = self.logits(model, *files.values())
        self.assertTrue(numpy.isfinite(seen).all())
        for i, one in enumerate(seen):
            for other in seen[:i]:
                self.assertGreater(distance(one, other), 1e-6)  # on one thread nothing else differs
        self.write(model, "--control-vector", next(iter(files.values())))

    def write(self, model, *steering):
        return self.fine(TRIMTAB, "run", "-m", model, "-t", "1", "--temp", "0", "-n", "24", "-p", USER, *steering)

    def merge(self, model, output):
        merged = os.path.join(self.folder, "merged.gguf")
        mix = ("--axis", "language=8", "--axis", "optimism_vs_nihilism=-8")
        self.fine(TRIMTAB, "merge", "--vectors", output, *mix, "-o", merged)
        plain, steered = self.logits(model, merged)
        self.assertGreater(distance(steered, plain), 1e-6)
        self.assertEqual(self.write(model, "--control-vector", merged), self.write(model, "--vectors", output, *mix))
        return merged, steered

    def bake(self, model, merged, steered):
        """The baked model has, by itself, the logits of the model steered by the merged vector."""
        baked = os.path.join(self.folder, "baked.gguf")
        command = (TRIMTAB, "bake", "-m", model, "--control-vector", merged, "-o", baked)
        if call(*command).returncode:
            self.assertIn("baking is not possible", self.refused(*command))
            self.assertFalse(os.path.exists(baked))
            return "no"
        self.assertLess(distance(self.logits(baked)[0], steered), 0.1 * distance(self.logits(model)[0], steered))
        os.unlink(baked)
        return "yes"

    def serve(self, model, output):
        """Its answers' first probabilities are other ones for each side, and for none."""
        with serving.Server(model, "--vectors", output) as server:
            seen = []
            for steering in ({}, {"language": 8}, {"language": -8}):
                body = {"messages": [{"role": "user", "content": USER}], "max_tokens": 2, "temperature": 0, "logprobs": True,
                        "top_logprobs": 3, "steering": steering}
                request = urllib.request.Request(server.url + "/v1/chat/completions", json.dumps(body).encode(),
                                                 {"Content-Type": "application/json"})
                choice = json.load(urllib.request.urlopen(request, timeout=built.PATIENCE))["choices"][0]
                seen.append(json.dumps(choice["logprobs"]))
            self.assertEqual(len(set(seen)), 3, seen)

    def render(self, model, *messages):
        """The text that trimtab hands to the model, how it is tokenised, and the template's own rendering."""
        arguments = [part for message in messages for part in message.values()]
        text, tokens = self.fine(os.path.join(TESTS, "show_prompt"), model, *arguments).rstrip("\n").rsplit("\n", 1)
        _, keys = vectors.read_keys(model)
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
        environment.globals["tools"] = None
        names = {name: keys["tokenizer.ggml.tokens"][keys[f"tokenizer.ggml.{name}_token_id"]] for name in ("bos", "eos")}
        rendered = environment.from_string(keys["tokenizer.chat_template"]).render(
            messages=messages, add_generation_prompt=True, bos_token=names["bos"], eos_token=names["eos"])
        return text, json.loads(tokens), rendered, keys

    def template(self, family, model):
        user, system = {"role": "user", "content": USER}, {"role": "system", "content": SYSTEM}
        for layout, messages in ((family.user, (user,)), (family.system, (system, user))):
            if not layout:
                continue
            published = layout.format(s=SYSTEM, u=USER)
            text, tokens, rendered, keys = self.render(model, *messages)
            self.assertEqual(rendered.removeprefix(family.begin), published)
            self.assertEqual(text, published)
            begin = keys["tokenizer.ggml.bos_token_id"]
            self.assertEqual(tokens.count(begin), 1 if family.begin else 0, tokens)
            self.assertTrue(not family.begin or tokens[0] == begin)

    # ---- The whole way ----

    def examine(self, family):
        model = self.make(family)
        self.template(family, model)
        if not family.steerable:
            names = f"'{family.architecture}' models cannot be steered"
            sentence = self.refused(TRIMTAB, "train", "-m", model, "-t", "1", "-o", os.path.join(self.folder, "no"))
            self.assertIn(names, sentence)
            self.assertFalse([n for n in os.listdir(os.path.join(self.folder, "no")) if n.endswith(".gguf")])
            other = serving.make_vectors(os.path.join(self.folder, "other"), architecture=family.architecture)
            for command in (("run", "-p", USER, "--vectors", other, "--axis", "language=1"), ("serve", "--port", "0", "--vectors", other)):
                self.assertIn(names, self.refused(TRIMTAB, command[0], "-m", model, "-t", "1", *command[1:]))
            return {"capture": "no", "apply": "no", "bake": "no"}
        output, files = self.train(family, model)
        self.apply(model, files)
        self.serve(model, output)
        if not has_command("bake"):
            return {"capture": "yes", "apply": "yes", "bake": "not yet"}
        return {"capture": "yes", "apply": "yes", "bake": self.bake(model, *self.merge(model, output))}

    def test_document(self):
        """Comes last, by its order in the class: see load_tests."""
        if len(found) < len(FAMILIES):
            self.skipTest("not every family has been gone through")
        if os.environ.get("TRIMTAB_WRITE") == "1":
            with open(DOCUMENT, "w", encoding="utf-8") as file:
                file.write(document())
        with open(DOCUMENT, encoding="utf-8") as file:
            self.assertEqual(file.read(), document(), "TRIMTAB_WRITE=1 ./dev test -R test_families writes it anew")


def add_test(family):
    def test(self):
        found[family.layout] = self.examine(family)

    setattr(Families, "test_" + family.layout.replace("-", "_"), test)


for each in FAMILIES:
    add_test(each)

# ==== The document ====

HEAD = """# Models

A test (`tests/test_families.py`, which also writes this page) goes through every family in this table. It takes a tiny
random model of the architecture, with its kind of tokenizer and its maker's chat layout, captures it, trains it on two
axes, steers it with each of the files in `run` and in `serve`, merges its mix, and bakes it if that is possible.

| stands for | architecture | capture | apply | bake | chat layout |
|---|---|---|---|---|---|
"""

FOOT = """
- **Capture**: a block's contributions add up to the hidden states as libllama computes them, and batches of prompts
  give what single prompts give (`tests/test_architectures.c`). Values beyond half precision's range (65504), as in
  Gemma 2, survive.
- **Apply**: a control vector changes what is written, both through libllama's own adapter (`run`, llama.cpp) and in the
  server's way. A "no" is refused with a sentence that names the architecture, rather than doing nothing.
- **Bake**: a "no" is refused likewise; `trimtab merge` works for all.
- **Chat layout**: the text for a user message, and for a system and a user message if the maker's template takes one,
  equals the maker's layout to the letter, and begins with one beginning-of-text token if the family has it.

## Chat templates

trimtab runs a model's own chat template with llama.cpp's chat code, so it lays out what llama-server lays out. A test
checks this with the templates of models in use (`tests/test_template_report.py`, if there is a folder with them). It
takes 56 templates with eight conversations each: a user message; a system and a user message; three turns; tools; a
tool call with its answer; thinking on and off; a content in parts. Of these, 99.8% equal llama-server's layout and
99.3% that of jinja2, set up as in transformers and given the values that llama-server gives a template. The rest:

- **DeepSeek-V4, three turns**: a newer llama-server writes an empty `<think></think>` before an earlier answer.
  llama.cpp 0.5.0's chat code, which trimtab is built with by default, writes `</think>` alone, as the template says.
- **Gemma 4, a tool call with its answer** (jinja2): the answer is put into the form that Gemma 4 was trained with, as
  llama-server does.
- **Functionary v3.1, tools** (jinja2): jinja2 writes the tools' quotation marks as `&#34;`, since the template marks
  part of the line as safe for HTML; llama.cpp's engine has no notion of HTML.

The engine supports Jinja as models' templates use it, not all of it: `//`, `**` and `{% raw %}` are refused with a
sentence. If a template refuses system messages, or drops them, their text goes in front of the next user message, or of
the last one if none follows.

## Other architectures

A model of another architecture is captured and applied in the same way if libllama loads it, its graph has a place for
control vectors, and the beginning of its hidden states [can be recognised](capture.md#the-callback).
`trimtab train --dry-run -m MODEL` says within seconds whether that is so.
"""


def document():
    rows = []
    for family in FAMILIES:
        cells = found[family.layout]
        rows.append(f"| {family.models} | `{family.architecture}` | {cells['capture']} | {cells['apply']} | {cells['bake']} | equal |\n")
    return HEAD + "".join(rows) + FOOT


def load_tests(loader, tests, _):
    """Families first, in their order; the document, which is made from them, last."""
    names = ["test_" + family.layout.replace("-", "_") for family in FAMILIES] + ["test_document"]
    return unittest.TestSuite(Families(name) for name in names)


if __name__ == "__main__":
    unittest.main(verbosity=2)
