"""test_axes.py: `trimtab axes`: list, show and check, as text and as JSON."""
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

TRIMTAB = os.environ["TRIMTAB"]
BUILT_IN = [
    "language", "storytelling", "character_focus", "empathy_vs_sociopathy", "honesty_vs_machiavellianism",
    "humility_vs_narcissism", "compassion_vs_sadism", "optimism_vs_nihilism",
]
GOOD = {"classes": ["left", "right"], "data": [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]]}


def axes(*arguments):
    return subprocess.run([TRIMTAB, "axes", *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL)


class Axes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
        return str(path)

    def test_list(self):
        for arguments in ([], ["list"]):
            done = axes(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            rows = done.stdout.decode().splitlines()
            self.assertEqual([row.split()[0] for row in rows], ["axis", *BUILT_IN])
            self.assertRegex(rows[1], r"^language +simple +ornate +\d+  Writing style$")
        listed = json.loads(axes("--json").stdout)["axes"]
        self.assertEqual([axis["name"] for axis in listed], BUILT_IN)
        self.assertEqual(listed[0]["classes"], ["simple", "ornate"])
        for axis in listed:
            self.assertGreaterEqual(axis["pairs"], 20)
            self.assertTrue(axis["group"] and axis["description"])

    def test_show(self):
        text = axes("show", "storytelling").stdout.decode()
        self.assertRegex(text, r"^storytelling: explicit or descriptive, \d+ pairs, Writing style\n")
        as_json = json.loads(axes("show", "storytelling", "--json").stdout)
        for negative, positive in as_json["data"]:
            self.assertRegex(text, rf"(?m)^ *\d+  explicit +{re.escape(negative)}\n +descriptive +{re.escape(positive)}$")

    def test_what_show_prints_as_json_is_an_axis_file(self):
        for name in BUILT_IN:
            path = self.write(f"{name}.json", axes("show", name, "--json").stdout.decode())
            done = axes("check", path)
            self.assertRegex(done.stdout.decode(), rf"^{re.escape(path)}: ok, \d+ pairs\n$")
            self.assertEqual(axes("show", path).stdout, axes("show", name).stdout)

    def test_check(self):
        good = self.write("good.json", GOOD)
        bad = self.write("bad.json", '{"classes": ["left", "left"],\n"data": [["a", "b"],\n["", "a"],\n["c", "c"],["d", "e"]]}')
        done = axes("check", good, bad, str(self.folder / "missing.json"))
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        lines = done.stdout.decode().splitlines()
        self.assertEqual(lines[0], f"{good}: ok, 4 pairs")
        for line, wanted in zip(lines[1:], [":1: both classes", ":3: the negative phrase is empty", ":4: both sides"]):
            self.assertTrue(line.startswith(bad + wanted), line)
        self.assertIn("No such file", lines[4])
        self.assertEqual(len(lines), 5)

    def test_check_as_json(self):
        good = self.write("good.json", GOOD)
        odd = self.write("odd.json", {**GOOD, "grup": "x"})
        done = axes("check", good, odd, "--json")
        self.assertEqual(done.returncode, 0)
        first, second = json.loads(done.stdout)["files"]
        self.assertEqual(first, {"file": good, "ok": True, "pairs": 4, "findings": [], "omitted": 0})
        self.assertTrue(second["ok"])
        self.assertEqual([(f["severity"], f["line"] > 0) for f in second["findings"]], [("warning", True)])
        self.assertIn('did you mean "group"', second["findings"][0]["message"])
        done = axes("check", str(self.folder / "missing.json"), "--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["files"][0]["findings"][0]["severity"], "error")

    def test_what_is_printed_cannot_command_the_terminal(self):
        path = self.write("bad\033[2J.json", '{"classes": ["a", "b\\u001b"], "\\u001b[2J": 1, "data": [["\\u001b", "x"]]}')
        done = axes("check", path)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn(b"\033", done.stdout + done.stderr)

    def test_the_documentation_is_right(self):
        source = pathlib.Path(os.environ["TRIMTAB_SOURCE"], "docs", "axes.md").read_text(encoding="utf-8")
        block = dict(re.findall(r"<!-- tested: (\w+) -->\n```\w*\n(.*?)```", source, re.DOTALL))
        self.assertEqual(set(block), {"axis", "faulty", "findings", "stems", "grammar"})
        path = self.write("tone.json", block["axis"])
        self.assertEqual(axes("check", path).stdout.decode(), f"{path}: ok, 4 pairs\n")
        path = self.write("tone.json", block["faulty"])
        self.assertEqual(axes("check", path).stdout.decode().replace(path, "tone.json"), block["findings"])
        self.assertEqual(set(json.loads(block["stems"])), {"pre", "post"})
        grammar = json.loads(block["grammar"])

        def ways(rule):
            return sum(math.prod(map(ways, re.findall(r"{(\w+)}", text))) for text in grammar["rules"][rule])
        self.assertIn(f"{ways(grammar['start'])} ways", source)

    def test_wrong_usage(self):
        for arguments, wanted in [
            (["shwo"], "did you mean 'show'"), (["qqq"], "list, show or check"), (["list", "x"], "takes no names"),
            (["show"], "takes one axis"), (["show", "a", "b"], "takes one axis"), (["check"], "at least one axis file"),
        ]:
            done = axes(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(wanted, done.stderr.decode())
        done = axes("show", "langauge")
        self.assertEqual(done.returncode, 1)
        self.assertIn('did you mean "language"', done.stderr.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
