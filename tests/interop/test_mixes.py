"""test_mixes.py: a mix means the same everywhere: random ones go through every command, the server's five ways, the library and the
evaluation, and what they come to is compared.

`merge` shows the rows. Where there is only text to look at, a text under the mix must be the text under its rows as one vector."""
import json
import os
import random
import shlex
import subprocess

import gguf
import numpy

import built
import makers
import serving
import vectors

SOURCE = os.environ["TRIMTAB_SOURCE"]
AXES = {"language": ("simple", "ornate"), "empathy_vs_sociopathy": ("empathy", "sociopathy")}


def random_mixes(count):
    """[{name: value}]: axes and classes, values of both signs, and 0, which is the de-bias vector alone."""
    draw = random.Random(20)
    mixes = [{"language": 0.0}]
    while len(mixes) < count:
        mix = {}
        for axis, classes in AXES.items():
            if draw.random() < 0.75:
                mix[draw.choice((axis, *classes))] = draw.choice((0.0, round(draw.uniform(-1, 1), 3)))
        if draw.random() < 0.5:
            mix["plain"] = round(draw.uniform(-1, 1), 3)
        if mix:
            mixes.append(mix)
    return mixes


def text_of(mix):
    return ",".join(f"{name}={value}" for name, value in mix.items())


class Mixes(makers.Interop):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vectors = serving.make_vectors(os.path.join(cls.shared, "vectors"), AXES, size=1)
        makers.vector(os.path.join(cls.vectors, "plain.gguf"), {k: 4 * row for k, row in makers.repeng(9).items()})
        cls.mixes = random_mixes(6)
        cls.wholes = []  # each mix as one file, in a folder in which it is a vector by itself
        for i, mix in enumerate(cls.mixes):
            path = os.path.join(cls.vectors, f"whole{i}.gguf")
            done = subprocess.run([makers.TRIMTAB, "merge", "-m", cls.model, "-o", path, "--vectors", cls.vectors, "--axis", text_of(mix)],
                                  capture_output=True, text=True, check=False, env=makers.ENVIRONMENT)
            assert done.returncode == 0, done.stderr
            cls.wholes.append(vectors.read(path)[0])

    def test_rows_are_what_the_files_add_up_to(self):
        for mix, whole in zip(self.mixes, self.wholes):
            expected = {k: numpy.zeros(makers.WIDTH) for k in range(1, makers.BLOCKS)}
            for name, value in mix.items():
                axis = next((a for a, classes in AXES.items() if name == a or name in classes), None)
                value = -value if axis and name == AXES[axis][0] else value
                parts = [(f"tiny-{axis}__debias", 1), (f"tiny-{axis}__{AXES[axis][value > 0]}", abs(value))] if axis else [("plain", value)]
                for file, scale in parts:
                    for k, row in vectors.read(os.path.join(self.vectors, file + ".gguf"))[0].items():
                        expected[k] += scale * row.astype(numpy.float64)
            self.same(whole, expected, 1e-6)

    def test_command(self):
        for mix, whole in zip(self.mixes, self.wholes):
            words = shlex.split(self.trimtab("command", "--for", "llama.cpp-legacy", "--vectors", self.vectors, "--axis", text_of(mix)).stdout)
            total = {k: numpy.zeros(makers.WIDTH) for k in whole}
            while words:
                scaled = words.pop(0) == "--control-vector-scaled"
                rows, scale = vectors.read(words.pop(0))[0], float(words.pop(0)) if scaled else 1
                for k, row in rows.items():
                    total[k] += scale * row.astype(numpy.float64)
            self.same(whole, total, 1e-6)

    def test_bake(self):
        for mix, whole in zip(self.mixes, self.wholes):
            path = self.at("baked.gguf")
            self.trimtab("bake", "-q", "-m", self.model, "-o", path, "--vectors", self.vectors, "--axis", text_of(mix))
            tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}
            self.same({k: tensors[f"blk.{k}.ffn_down.bias"] for k in whole}, whole)

    def test_run(self):
        texts = set()
        for i, mix in enumerate(self.mixes):
            by_name = self.run_("--vectors", self.vectors, "--axis", text_of(mix))[0]
            self.assertEqual(by_name, self.run_("--vectors", self.vectors, "--axis", f"whole{i}=1")[0], mix)
            self.assertEqual(by_name, self.run_("--control-vector", os.path.join(self.vectors, f"whole{i}.gguf"))[0], mix)
            texts.add(by_name)
        self.assertGreater(len(texts), len(self.mixes) / 2)  # else the vectors would be too weak to tell

    def test_serve(self):
        presets = self.at("presets.json")
        with open(presets, "w", encoding="utf-8") as file:
            json.dump({f"read{i}": mix for i, mix in enumerate(self.mixes)}, file)
        given = [word for i, mix in enumerate(self.mixes) for word in ("--preset", f"given{i}={text_of(mix)}")]
        with serving.Server(self.model, "--vectors", self.vectors, "--presets", presets, *given) as server:
            client = serving.openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)

            def says(model="tiny", **body):
                answer = client.completions.create(model=model, prompt="Hello there", max_tokens=12, temperature=0, extra_body=body)
                return answer.choices[0].text

            for i, mix in enumerate(self.mixes):
                expected = says(steering={f"whole{i}": 1})
                self.assertEqual(says(steering=mix), expected, mix)
                self.assertEqual(says(steering=text_of(mix)), expected, mix)
                self.assertEqual(says(f"tiny@{text_of(mix)}"), expected, mix)
                self.assertEqual(says(f"given{i}"), expected, mix)
                self.assertEqual(says(f"read{i}"), expected, mix)
                serving.urllib.request.urlopen(serving.urllib.request.Request(
                    server.url + "/v1/steering", json.dumps({"steering": mix}).encode(), {"Content-Type": "application/json"})).read()
                self.assertEqual(says(), expected, mix)
        with serving.Server(self.model, "--vectors", self.vectors, "--axis", text_of(self.mixes[0])) as server:
            client = serving.openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
            self.assertEqual(says(), says(steering={"whole0": 1}))

    def test_library(self):
        program = self.at("steer")
        sanitizers = (f"-fsanitize={built.SANITIZERS}",) if built.SANITIZERS else ()
        subprocess.run(["gcc", *sanitizers, "-o", program, f"{SOURCE}/docs/examples/steer.c", f"-I{SOURCE}/include", f"-L{built.FOLDER}",
                        "-ltrimtab", f"-Wl,-rpath,{built.FOLDER}"], check=True)

        def says(mix):
            done = subprocess.run([program, self.model, self.vectors, mix, "Hello there"], capture_output=True, text=True, check=False,
                                  env=makers.ENVIRONMENT | {"OMP_NUM_THREADS": "1"}, timeout=built.PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        for i, mix in enumerate(self.mixes[:3]):
            self.assertEqual(says(text_of(mix)), says(f"whole{i}=1"), mix)

    def test_eval(self):
        """What is written at a value is what the value's rows write as the de-bias vector of another axis, whose sides are nothing."""
        value = 0.4
        whole, _ = self.rows("--vectors", self.vectors, "--axis", f"language={value}")
        nothing = {k: numpy.zeros(makers.WIDTH) for k in whole}
        for side, rows in (("debias", whole), ("simple", nothing), ("ornate", nothing)):
            makers.vector(self.at("other", f"tiny-language__{side}.gguf"), rows)

        def written(folder, at):
            report = json.loads(self.trimtab("eval", "-q", "-t", "1", "-m", self.model, "--json", "--axis", "language", "--vectors", folder,
                                             "--samples", "3", "--text-tokens", "6", "--values", f"0,{value}").stdout)
            ways = {way["value"]: way for way in report["axes"][0]["values"]}
            by_sample = ways[at]["by_sample"]  # (perplexity is also taken under the message of the class aimed at, if any)
            return [ways[at]["texts"], by_sample["score"], by_sample["relevance"]], report["axes"][0]["unsteered"]["texts"]

        (steered, unsteered), (as_debias, same) = written(self.vectors, value), written(self.at("other"), 0)
        self.assertEqual(steered, as_debias)
        self.assertEqual(unsteered, same)
        self.assertNotEqual(steered[0], unsteered)


if __name__ == "__main__":
    makers.unittest.main(verbosity=2)
