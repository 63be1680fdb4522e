"""test_inspect.py: `trimtab inspect`: tables, JSON and figures of vectors whose every number is known."""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import numpy

import vectors

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("TRIMTAB_MODEL", "TRIMTAB_VECTORS", "LC_ALL")}
LAYERS, WIDTH = 5, 4
SVG = "{http://www.w3.org/2000/svg}"


def write(path, rows, role=None, axis="", class_name="", figures=(), **others):
    """A control vector with rows {K: values}."""
    texts = (("role", role), ("axis", axis), ("class", class_name), *others.items())
    keys = {f"trimtab.{name}": value for name, value in texts if value}
    if axis:
        keys["trimtab.classes"] = ["low", "high"]
    if figures:
        for name in ("block", "kept", "accepted"):
            keys[f"trimtab.figures.{name}"] = [f[name] for f in figures]
        for name in ("discriminant_ratio", "variance_reduction", "deviation_negative", "deviation_positive", "mean_negative",
                     "mean_positive", "middle"):
            keys[f"trimtab.figures.{name}"] = [float(f.get(name, 1)) for f in figures]
    return vectors.write(path, rows, LAYERS, keys=keys)


def run(*arguments, status=0, **settings):
    settings.setdefault("env", ENVIRONMENT | {"LC_ALL": "C.UTF-8"})
    done = subprocess.run([TRIMTAB, "inspect", *arguments], capture_output=True, text=True, check=False, **settings)
    assert done.returncode == status, (arguments, done)
    return done


class Inspect(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="trimtab-inspect-")
        self.addCleanup(shutil.rmtree, self.folder)
        along, across = [3, 4, 0, 0], [0, 0, 2, 0]
        self.axis("one", {1: along, 3: across})
        self.axis("two", {1: along, 3: [0, 0, -2, 0]})
        self.one, self.two = self.path("T-one__high.gguf"), self.path("T-two__high.gguf")

    def path(self, name):
        return os.path.join(self.folder, name)

    def axis(self, name, rows):
        figures = [{"block": 0, "kept": 3, "accepted": 2, "discriminant_ratio": 0.5, "variance_reduction": 0.25},
                   {"block": 2, "kept": 1, "accepted": 1, "discriminant_ratio": 2, "variance_reduction": 0.75}]
        write(self.path(f"T-{name}__debias.gguf"), {1: [1, 0, 0, 0]}, "debias", name)
        write(self.path(f"T-{name}__high.gguf"), rows, "positive", name, "high", figures)
        write(self.path(f"T-{name}__low.gguf"), {K: [-x for x in row] for K, row in rows.items()}, "negative", name, "low",
              figures)

    def test_one_file(self):
        text = run(self.one).stdout
        for line in ("role +positive", "axis +one", "class +high", r"classes +low \(below 0\), high \(above 0\)",
                     "architecture +llama", "layers +5, of which 2 have a direction", "hidden size +4"):
            self.assertRegex(text, f"(?m)^{line} *$")
        self.assertRegex(text, r"(?m)^    1       5  █{20}       50  █████ {15} +25\.0     3     2$")
        self.assertRegex(text, r"(?m)^    3       2  █{8} {12}      200  █{20} +75\.0     1     1$")
        plain = run(self.one, env=ENVIRONMENT | {"LC_ALL": "C"}).stdout
        self.assertTrue(plain.isascii())
        self.assertIn("########", plain)

    def test_one_file_as_json(self):
        vector, = json.loads(run("--json", self.one).stdout)["vectors"]
        self.assertEqual((vector["role"], vector["axis"], vector["class"], vector["classes"]),
                         ("positive", "one", "high", ["low", "high"]))
        self.assertEqual((vector["layer_count"], vector["width"]), (LAYERS, WIDTH))
        self.assertAlmostEqual(vector["length"], math.sqrt(29))
        first, third = vector["layers"]
        self.assertEqual((first["layer"], first["length"], first["discriminant_ratio"], first["accepted"]), (1, 5, 0.5, 2))
        self.assertEqual((third["layer"], third["length"], third["block"], third["variance_reduction"]), (3, 2, 2, 0.75))

    def test_several_files(self):
        expected = (25 - 4) / 29  # layer 1 agrees, layer 3 opposes
        text = run(self.one, self.two).stdout
        self.assertIn("cosines, all layers taken together", text)
        self.assertRegex(text, rf"(?m)^  1  1.00  {expected:.2f}$")
        self.assertRegex(text, r"(?m)^  1, 2  -1.00      3     1.00      1  █ ▁ *$")
        self.assertRegex(run("--layer", "3", self.one, self.two).stdout, r"cosines at layer 3\n.*\n  1   1.00  -1.00\n")
        report = json.loads(run("--json", self.one, self.two).stdout)
        numpy.testing.assert_allclose(report["cosines"], [[1, expected], [expected, 1]])
        self.assertEqual([layer["layer"] for layer in report["layers"]], [1, 2, 3, 4])
        self.assertEqual(report["layers"][2]["cosines"], [[1, -1], [-1, 1]])

    def test_other_widths_have_no_cosine(self):
        wide = write(self.path("wide.gguf"), {1: [1] * 8})
        self.assertRegex(run(self.one, wide).stdout, r"(?m)^  1  1.00     -$")
        (same, other), _ = json.loads(run("--json", self.one, wide).stdout)["cosines"]
        self.assertAlmostEqual(same, 1)
        self.assertIsNone(other)

    def test_mix(self):
        mix = ("--vectors", self.folder, "--axis", "one=0.8", "--axis", "two=0.4")
        cosine = (25 - 4) / 29
        safe = 1 / math.sqrt(1 + 0.25 + cosine)  # 1 / sqrt(w' R w), w = (1, 0.5)
        done = run(*mix)
        self.assertIn(f"its strongest value is 0.80; at these proportions it may be {safe:.2f}, the safe scale: the mix is too "
                      "strong", done.stdout)
        self.assertIn(f"no value should be above {safe:.2f}", done.stderr)
        self.assertRegex(done.stdout, r"(?m)^T-one__high\.gguf    x 0\.8 +4\.31 ")
        report = json.loads(run("--json", self.one, *mix).stdout)
        self.assertEqual(report["mix"]["recipe"], "one=0.8,two=0.4")
        self.assertAlmostEqual(report["mix"]["safe_scale"], safe)
        self.assertEqual([part["scale"] for part in report["mix"]["parts"]], [1, 0.8, 1, 0.4])
        row = numpy.array([3, 4, 0, 0]) * 1.2 + [2, 0, 0, 0]
        self.assertAlmostEqual(report["mix"]["layers"][0]["length"], float(numpy.linalg.norm(row)), 5)
        opposite = run("--vectors", self.folder, "--axis", "one=1", "--control-vector-scaled", self.one, "0.5", "--force")
        self.assertIn("is too strong", opposite.stdout)

    def test_figure(self):
        strange = write(self.path("a<b>&\x01é.gguf"), {1: [1, 0, 0, 0], 2: [0, 1, 0, 0], 4: [0, 1, 0, 0]})
        figure = self.path("figure.svg")
        run("--svg", figure, self.one, self.two, strange, "--vectors", self.folder, "--axis", "one=0.5")
        root = xml.etree.ElementTree.parse(figure).getroot()
        texts = [element.text for element in root.iter(SVG + "text")]
        for title in ("Length of the direction", "Discriminant ratio (%)", "Cosines, all layers taken together"):
            self.assertIn(title, texts)
        self.assertIn("3  a<b>&?é.gguf", texts)
        self.assertIn("one=0.5", texts)
        self.assertEqual(len(root.findall(SVG + "path")), 4 + 2)  # lengths of three files and the mix; ratios of two
        self.assertEqual(len(root.findall(SVG + "rect")), 1 + 9)  # the ground, the matrix
        height = float(root.get("height"))
        for path in root.iter(SVG + "path"):
            for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path.get("d")):
                self.assertTrue(0 <= float(x) <= 900 and 0 <= float(y) <= height, path.get("d"))

    def refused(self, words, *arguments, status=1):
        done = run(*arguments, status=status)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done)
        self.assertIn(words, done.stderr)

    def test_guards(self):
        self.refused("nothing to inspect", status=2)
        self.refused("at most 30", *[self.one] * 31, status=2)
        self.refused("there is no layer 5: the last one is 4", "--layer", "5", self.one, self.two, status=2)
        self.refused("did you mean 'one'", "--vectors", self.folder, "--axis", "on=0.5", status=2)
        self.refused("/none/figure.svg", "--svg", "/none/figure.svg", self.one)
        self.refused("not a GGUF file", __file__)

    def test_hostile_files(self):
        whole = pathlib.Path(self.one).read_bytes()
        hostile = self.path("hostile.gguf")

        def refuse(words, content):
            pathlib.Path(hostile).write_bytes(content)
            self.refused(words, hostile)

        refuse("it is empty", b"")
        refuse("other byte order", whole[:4] + whole[7:3:-1] + whole[8:])
        refuse("claims 18446744073709551615 tensors", whole[:8] + b"\xff" * 8 + whole[16:])
        second = whole.index(b"direction.3") + len("direction.3") + 4 + 8 + 4  # its offset
        refuse("does not begin where the one before it ends", whole[:second] + bytes(8) + whole[second + 8:])
        for length in range(0, len(whole) - 32, 7):
            refuse(hostile, whole[:length])

    def test_a_file_cannot_write_to_the_terminal(self):
        path = write(self.path("plain.gguf"), {1: [1, 0, 0, 0]}, recipe="red\x1b[31m", model_name="one\ntwo")
        text = run(path).stdout
        self.assertNotIn("\x1b", text)
        self.assertRegex(text, r"(?m)^model +one\?two *$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
