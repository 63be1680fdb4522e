"""test_vectors.py: vector files and folders of them, as other makers write and publish them."""
import os
import shutil
import unittest

import numpy

import makers
import serving
from makers import BLOCKS, WIDTH, repeng, vector


class Files(makers.Interop):
    def test_hugging_face_names_of_architectures(self):
        plain = vector(self.at("plain.gguf"))
        expected, _ = self.rows("--control-vector", plain)
        for hint in ("mistral", "mixtral", "llama", "Llama", "yi", "MistralForCausalLM", "LlamaForCausalLM", None, ""):
            rows, said = self.rows("--control-vector", vector(self.at(f"{hint}.gguf"), hint=hint))
            self.same(rows, expected)
            self.assertEqual(said, "", hint)

    def test_another_architecture_is_a_warning(self):
        for hint in ("qwen2", "cohere", "Qwen2ForCausalLM", "ForCausalLM", "an architecture of tomorrow"):
            rows, said = self.rows("--control-vector", vector(self.at("other.gguf"), hint=hint))
            self.same(rows, repeng())
            self.assertIn(f"may be for another model: its architecture is '{hint}'", said)

    def test_number_formats(self):
        for dtype, tolerance in (("bf16", 1e-2), (numpy.float16, 1e-3), (numpy.float64, 1e-7), (numpy.float32, 0)):
            rows, said = self.rows("--control-vector", vector(self.at("typed.gguf"), dtype=dtype))
            self.same(rows, repeng(), tolerance)
            self.assertEqual(said, "")

    def test_one_direction_for_every_block_from_0(self):
        rows, said = self.rows("--control-vector", vector(self.at("zero.gguf"), repeng(first=0)))
        self.same(rows, repeng())  # block 0 is out of reach
        self.assertIn("layer 0, which control vectors do not reach", said)

    def test_directions_of_llama_cpp_counted_from_0(self):
        shifted = {layer - 1: row for layer, row in repeng().items()}
        for count in (None, BLOCKS):
            rows, said = self.rows("--control-vector", vector(self.at("shifted.gguf"), shifted, count=count))
            self.same(rows, repeng())
            self.assertIn("counts its directions from 0", said)
        told = vector(self.at("untold.gguf"), shifted)
        self.refused("only the model tells", "merge", "--control-vector", told, "-o", self.at("x.gguf"))

    def test_missing_layers_and_those_beyond_the_model(self):
        self.same(self.rows("--control-vector", vector(self.at("gap.gguf"), {1: repeng()[1], 3: repeng()[3]}))[0], {k: repeng()[k] for k in (1, 3)})
        gap = {k: row for k, row in repeng().items() if k != 2}
        for count in (BLOCKS - 1, BLOCKS):  # the layers that can be steered, and those of the model
            rows, said = self.rows("--control-vector", vector(self.at("gap.gguf"), gap, count=count))
            self.same(rows, gap)
            self.assertEqual(said, "")
        self.refused("but says it is for 1 layers", "inspect", vector(self.at("nonsense.gguf"), gap, count=1))
        rows, said = self.rows("--control-vector", vector(self.at("more.gguf"), repeng(last=BLOCKS + 5)))
        self.same(rows, repeng())
        self.assertIn("those beyond it are not applied", said)
        nothing = vector(self.at("beyond.gguf"), repeng(first=BLOCKS, last=BLOCKS + 2))
        self.refused("is for another model: it steers layer", "run", "-m", self.model, "-p", "x", "--control-vector", nothing)

    def test_rows_of_zeros(self):
        rows = repeng() | {2: numpy.zeros(WIDTH)}
        self.same(self.rows("--control-vector", vector(self.at("some.gguf"), rows))[0], rows)
        self.assertIn("all of its values are 0", self.rows("--control-vector", vector(self.at("all.gguf"), {1: numpy.zeros(WIDTH)}))[1])

    def test_what_cannot_fit(self):
        wide = vector(self.at("wide.gguf"), repeng(width=2 * WIDTH))
        self.refused("hidden size is 128", "run", "-m", self.model, "-p", "x", "--control-vector", wide)
        broken = vector(self.at("nan.gguf"), {1: numpy.full(WIDTH, numpy.nan)})
        self.refused("not finite", "run", "-m", self.model, "-p", "x", "--control-vector", broken)

    def test_merged_without_a_model(self):
        partial = vector(self.at("partial.gguf"), {2: repeng()[2]})
        self.same(self.rows("--control-vector", partial, model=False)[0], {2: repeng()[2]})

    def test_keys_of_other_tools(self):
        named = vector(self.at("named.gguf"), keys={"general.author": "somebody", "repeng.version": 3})
        shown = self.trimtab("inspect", named).stdout
        self.assertRegex(shown, r"general\.author +somebody\n")
        self.assertRegex(shown, r"repeng\.version +3\n")
        self.assertIn('"general.author": "somebody"', self.trimtab("inspect", "--json", named).stdout)
        self.assertIn("the key general.author of", self.rows("--control-vector", named)[1])

    def test_vectors_that_are_not_to_be_added(self):
        for key, value in (("controlvector.operation", "project"), ("controlvector.operation", "ABLATE"), ("dspark.mode", "projection"),
                           ("controlvector.magnitude", 3.5)):
            other = vector(self.at("other.gguf"), keys={key: value})
            self.assertIn(key, self.refused("not made to be added", "run", "-m", self.model, "-p", "x", "--control-vector", other))
        added = vector(self.at("added.gguf"), keys={"controlvector.operation": "Add"})
        self.same(self.rows("--control-vector", added)[0], repeng())

    def test_the_same_file_twice(self):
        path = vector(self.at("happy.gguf"))
        os.symlink(path, self.at("link.gguf"))
        for second in (path, self.at("link.gguf")):
            self.refused("the mix has the file", "merge", "-o", self.at("x.gguf"), "--control-vector", path, "--control-vector", second)


class Sets(makers.Interop):
    def set_of(self, folder, names, seed=0):
        """Files with these names, each with rows of its own: {name: rows}."""
        made = {name: repeng(seed + i) for i, name in enumerate(names)}
        for name, rows in made.items():
            vector(self.at(folder, name), rows)
        return made

    def test_published_version_3(self):
        names = [f"mistral-large:123b-language__{side}.gguf" for side in ("debias", "simple", "ornate")]
        made = self.set_of("v3", names)
        rows, said = self.rows("--vectors", self.at("v3"), "--axis", "language=0.5")
        self.same(rows, {k: made[names[0]][k] + 0.5 * made[names[2]][k] for k in made[names[0]]}, 1e-6)
        self.assertEqual(said, "")
        lone = self.at("v3", names[2])
        self.refused("lacks the de-bias vector", "merge", "-o", self.at("x.gguf"), "--control-vector", lone)

    def test_published_version_2_has_no_debias(self):
        names = [f"c4ai-command-r-v01-outlook__{side}.gguf" for side in ("negative", "positive")]
        made = self.set_of("v2", names)
        for value, name in ((0.5, names[1]), (-0.5, names[0])):
            rows, said = self.rows("--vectors", self.at("v2"), "--axis", f"outlook={value}")
            self.same(rows, {k: 0.5 * row for k, row in made[name].items()}, 1e-6)
            self.assertIn("no de-bias vector", said)
        self.same(self.rows("--control-vector", self.at("v2", names[0]))[0], made[names[0]])

    def test_sets_without_debias_are_evaluated(self):
        self.set_of("measured", [f"any-language__{side}.gguf" for side in ("simple", "ornate")])
        words = ("eval", "-q", "-m", self.model, "-t", "1", "--chat-template", "chatml", "--vectors", self.at("measured"), "--axis",
                 "language", "--samples", "2", "--values", "1", "--text-tokens", "4")
        self.assertIn("language: simple", self.trimtab(*words, "--save").stdout)
        os.unlink(self.at("measured", "any-language__simple.gguf"))
        self.assertIn("only both sides can be evaluated", self.trimtab(*words, status=1).stderr)

    def test_a_damaged_debias_file_is_its_own_axis_alone(self):
        """What another file's name has in it is no matter: 'age' is a part of 'language', and of the folder's name."""
        self.set_of("ages", [f"any-{side}.gguf" for side in ("age__young", "age__old", "language__simple", "language__ornate")])
        with open(self.at("ages", "any-language__debias.gguf"), "wb") as file:
            file.write(b"GGUF" + bytes(60))
        self.rows("--vectors", self.at("ages"), "--axis", "age.old=1")
        self.refused("without it the axis 'language' would mean something else", "merge", "-m", self.model, "-o", self.at("x.gguf"),
                     "--vectors", self.at("ages"), "--axis", "language=1")

    def test_one_side_alone(self):
        made = self.set_of("one", ["m-mood__happy.gguf"])["m-mood__happy.gguf"]
        for name in ("happy", "mood", "mood.happy"):
            self.same(self.rows("--vectors", self.at("one"), "--axis", f"{name}=0.5")[0], {k: 0.5 * row for k, row in made.items()}, 1e-6)
        self.refused("use a value above 0 of happy", "merge", "-o", self.at("x.gguf"), "--vectors", self.at("one"), "--axis", "happy=-1", status=2)

    def test_spelling(self):
        for i, (debias, ornate) in enumerate((("Tiny_Language_DeBias", "tiny_language_ornate"), ("TINY-language-debias", "Tiny.language.Ornate"),
                                              ("tiny-language__debias", "TINY-Language__ornate"), ("language_debias", "language-ornate"))):
            made = self.set_of(str(i), [debias + ".gguf", ornate + ".GGUF" if i == 3 else ornate + ".gguf"])
            first, second = made.values()
            rows, said = self.rows("--vectors", self.at(str(i)), "--axis", "language=0.5")
            self.same(rows, {k: first[k] + 0.5 * second[k] for k in first}, 1e-6)
            self.assertEqual(said, "", debias)
        made = self.set_of("dashes", ["m-optimism-vs-nihilism__nihilism.gguf"])["m-optimism-vs-nihilism__nihilism.gguf"]
        self.same(self.rows("--vectors", self.at("dashes"), "--axis", "optimism_vs_nihilism=1")[0], made)

    def test_one_file_for_an_axis(self):
        made = self.set_of("single", ["Tiny-language.gguf"])["Tiny-language.gguf"]
        self.same(self.rows("--vectors", self.at("single"), "--axis", "language=-0.5")[0], {k: -0.5 * row for k, row in made.items()}, 1e-6)

    def test_plain_vectors_by_name(self):
        made = self.set_of("plain", ["happy.gguf", "odd,name=x.gguf"])
        for value in (0.5, -2):
            self.same(self.rows("--vectors", self.at("plain"), "--axis", f"happy={value}")[0], {k: value * row for k, row in made["happy.gguf"].items()}, 1e-6)
        self.same(self.rows("--vectors", self.at("plain"), "--axis", "odd-name-x=1")[0], made["odd,name=x.gguf"])

    def test_subfolders_and_links(self):
        made = self.set_of("deep/model/axis", ["happy.gguf"])["happy.gguf"]
        os.symlink(self.at("deep"), self.at("deep", "model", "loop"))
        os.symlink(self.at("nowhere"), self.at("deep", "broken.gguf"))
        os.makedirs(self.at("deep", "folder.gguf"))
        rows, said = self.rows("--vectors", self.at("deep"), "--axis", "happy=1")
        self.same(rows, made)
        self.assertIn("broken.gguf", said)
        near = self.set_of("deep", ["happy.gguf"], seed=7)["happy.gguf"]
        self.same(self.rows("--vectors", self.at("deep"), "--axis", "happy=1")[0], near)  # what lies nearer goes first
        os.makedirs(self.at("linked"))
        os.symlink(self.at("deep", "happy.gguf"), self.at("linked", "by_link.gguf"))
        self.same(self.rows("--vectors", self.at("linked"), "--axis", "by_link=1")[0], near)

    def test_classes_of_the_same_name(self):
        names = {(axis, side): f"m-{axis}__{side}.gguf" for axis in ("honesty", "humor") for side in ("low", "high", "debias")}
        made = self.set_of("two", names.values())
        humor = {k: made[names["humor", "debias"]][k] + 0.3 * made[names["humor", "high"]][k] for k in repeng()}
        self.same(self.rows("--vectors", self.at("two"), "--axis", "humor.high=0.3")[0], humor, 1e-6)
        merge = ("merge", "-o", self.at("x.gguf"), "--vectors", self.at("two"), "--axis")
        self.refused("'honesty.high' or 'humor.high'", *merge, "high=0.3", status=2)
        self.refused("humor.high or humor.low", *merge, "humor=0.3", status=2)


class Served(makers.Interop):
    """The same sets in a server."""

    def test_all_of_them(self):
        names = [f"m-{axis}__{side}.gguf" for axis in ("honesty", "humor") for side in ("low", "high", "debias")]
        for i, name in enumerate(["happy.gguf", "m-mood__sad.gguf", *names, *(f"m-language__{side}.gguf" for side in ("debias", "simple", "ornate"))]):
            vector(self.at("v", name), repeng(i), hint="mistral")
        base = vector(self.at("base.gguf"), {k: 3 * row for k, row in repeng(50).items()})
        with serving.Server(self.model, "--vectors", self.at("v"), "--control-vector-scaled", base, "0.5") as server:
            client = serving.openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)

            def says(steering, model="tiny"):
                answer = client.completions.create(model=model, prompt="Hello there", max_tokens=12, temperature=0, extra_body={"steering": steering})
                return answer.choices[0].text

            folder = ("--vectors", self.at("v"), "--control-vector-scaled", base, "0.5")
            for mix in ("happy=0.5", "happy=-0.5", "sad=0.5", "humor.high=0.3", "honesty.low=0.3", "ornate=0.5", "language=0"):
                name, value = mix.split("=")
                self.assertEqual(says({name: float(value)}).strip(), self.run_(*folder, "--axis", mix)[0].strip(), mix)
            self.assertEqual(says({}).strip(), self.run_(*folder)[0].strip())
            with self.assertRaisesRegex(serving.openai.BadRequestError, "'honesty.high' or 'humor.high'"):
                says({"high": 0.5})


if __name__ == "__main__":
    unittest.main(verbosity=2)
