"""test_card.py: `trimtab eval --save --report` and `trimtab card`: what they write, on a tiny model; the page in a real browser."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import browsers
import built

TRIMTAB = os.environ["TRIMTAB"]


def trimtab(*arguments, status=0):
    done = subprocess.run([TRIMTAB, *arguments], capture_output=True, text=True, timeout=built.PATIENCE, check=False)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done


class Card(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="trimtab-card-"))
        cls.model = built.tiny_model(os.path.join(cls.folder, "tiny.gguf"))
        cls.vectors, cls.page = os.path.join(cls.folder, "vectors"), os.path.join(cls.folder, "report.html")
        cls.gallery = os.path.join(cls.folder, "gallery.html")
        axes = ["--axis", "language", "--axis", "storytelling"]
        trimtab("train", "-q", "-t", "1", "-m", cls.model, "-o", cls.vectors, *axes, "--samples", "8", "--tolerance", "0")
        trimtab("eval", "-q", "-t", "1", "-m", cls.model, "--vectors", cls.vectors, "--axis", "language", "--samples", "4",
                "--values", "0.5,1", "--text-tokens", "8", "--save", "--coherence-limit", "1e9", "--relevance-limit", "-1e9", "--report", cls.page,
                "--gallery", cls.gallery)

    def read(self, *parts):
        with open(os.path.join(*parts), encoding="utf-8") as file:
            return file.read()

    def test_pages_ask_no_other_host_and_have_the_figures(self):
        for path in (self.page, self.gallery):
            self.check_page(self.read(path))

    def check_page(self, page):
        self.assertNotIn("@", re.sub(r"@media[^{]*", "", "".join(re.findall(r"@[A-Z_]+@", page))))
        self.assertFalse(re.findall(r"""(?:src|href)\s*=\s*["']https?:""", page))
        figures = json.loads(re.search(r'<script type="application/json" id="evaluation">(.*?)</script>', page, re.S).group(1))
        self.assertEqual([axis["name"] for axis in figures["axes"]], ["language"])

    def test_page_in_a_browser(self):
        if not browsers.webdriver:
            self.skipTest("selenium is not installed")
        browser = browsers.open_browser(os.path.join(self.folder, "profile"))
        try:
            browser.get("file://" + self.page)
            self.assertEqual([entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"], [])
            judged = json.loads(browser.find_element("id", "evaluation").get_attribute("textContent"))["axes"][0]["judged"]
            self.assertEqual(len(browser.find_elements("css selector", "#axes canvas")), 4 if judged else 3)
            self.assertEqual(len(browser.find_elements("css selector", "#axes .figures tbody tr")), 9)  # 4 values, 3 yardsticks, 2 random
            self.assertEqual(len(browser.find_elements("css selector", "#summary tbody tr")), 2)
            self.assertEqual(len(browser.find_elements("css selector", ".samples article")), 3)
            # The slider walks through the ways: from unsteered to the lowest value.
            self.assertEqual(browser.find_element("css selector", ".texts h3").text.lower(), "unsteered")
            browser.execute_script("const s = document.querySelector('.texts input'); s.value = 0; s.dispatchEvent(new Event('input'));")
            self.assertEqual(browser.find_element("css selector", ".texts h3").text.lower(), "value -1")

            # The gallery: three prompts, and from the middle to both ends.
            browser.get("file://" + self.gallery)
            self.assertEqual([entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"], [])
            self.assertEqual(len([h for h in browser.find_elements("css selector", ".samples h3") if h.text]), 3)
            seen = []
            for place in range(5):
                browser.execute_script(f"const s = document.querySelector('input'); s.value = {place}; s.dispatchEvent(new Event('input'));")
                seen.append(browser.find_element("css selector", ".value").text)
            self.assertEqual(seen, ["simple: -1", "simple: -0.5", "unsteered", "ornate: 0.5", "ornate: 1"])
        finally:
            browser.quit()

    def test_card(self):
        done = trimtab("card", self.vectors, "--license", "apache-2.0", "--base-model", "some/model")
        self.assertIn("'storytelling' has no evidence", done.stderr)
        card = self.read(self.vectors, "README.md")
        front = card.split("---\n")[1]
        self.assertIn("license: apache-2.0\n", front)
        self.assertIn("base_model: some/model\nbase_model_relation: adapter\n", front)
        self.assertIn("- control-vector\n", front)
        evaluation = json.loads(self.read(self.vectors, next(n for n in os.listdir(self.vectors) if n.endswith("evaluation.json"))))
        self.assertIn(evaluation["model"]["fingerprint"], card)
        self.assertIn("`llama`, 4 blocks of width 64, 198K parameters |", card)
        for name in os.listdir(self.vectors):
            if name.endswith(".gguf"):
                self.assertIn(f"`{name}`", card)
        # The commands name files that are there, and the charts are images.
        for name in re.findall(r"--control-vector(?:-scaled)? ([^ :]+\.gguf)", card):
            self.assertTrue(os.path.exists(os.path.join(self.vectors, name)), name)
        chart, = re.findall(r"!\[.*?\]\((.*?)\)", card)
        root = xml.etree.ElementTree.fromstring(self.read(self.vectors, chart))
        self.assertGreaterEqual(len([e for e in root.iter() if e.tag.endswith("path")]), 4)
        self.assertNotIn("nan", self.read(self.vectors, chart))
        for value in evaluation["axes"][0]["recommended"]:
            if value:
                self.assertIn(f" {value:g} |", card)

    def changed(self, name, change):
        """The card of a copy of the vectors, `change` having changed what was measured."""
        copy = os.path.join(self.folder, name)
        shutil.copytree(self.vectors, copy)
        path = os.path.join(copy, next(n for n in os.listdir(copy) if n.endswith("evaluation.json")))
        evaluation = json.loads(self.read(path))
        change(evaluation["axes"][0])
        with open(path, "w", encoding="utf-8") as file:
            json.dump(evaluation, file)
        trimtab("card", copy)
        return self.read(copy, "README.md")

    def test_sample_texts_are_of_the_recommended_values(self):
        def write(axis, recommended):
            axis["recommended"] = recommended
            for way in axis["values"]:
                way["texts"] = [f"as at {way['value']:g}", "again"]
            for way, name in ((axis["unsteered"], "ever"), (axis["asked"][0], "asked"), (axis["asked"][1], "asked more")):
                way["texts"] = [f"as {name}"]

        middle = "**asked for simple**\n\n> as asked\n\n**unsteered**\n\n> as ever\n\n**asked for ornate**\n\n> as asked more\n"
        card = self.changed("ends", lambda axis: write(axis, [1, 1]))
        self.assertIn(f"**simple (-1)**\n\n> as at -1\n\n> again\n\n{middle}\n**ornate (1)**\n\n> as at 1\n\n> again\n", card)
        self.assertIn("| simple (-1) | ", card)
        # Without a value to use, the weakest that was tried.
        card = self.changed("halves", lambda axis: write(axis, [0, 0]))
        self.assertIn(f"**simple (-0.5)**\n\n> as at -0.5\n\n> again\n\n{middle}\n**ornate (0.5)**", card)

    def test_an_axis_that_the_model_cannot_judge(self):
        def fail(axis):
            axis["known_passages"] = {"right": 3, "pairs": 5}

        self.assertIn("This model cannot judge this axis: of 5 pairs", self.changed("blind", fail))

    def test_figures_of_an_older_version_are_refused(self):
        copy = os.path.join(self.folder, "older")
        shutil.copytree(self.vectors, copy)
        path = os.path.join(copy, next(n for n in os.listdir(copy) if n.endswith("evaluation.json")))
        evaluation = json.loads(self.read(path))
        del evaluation["format"]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(evaluation, file)
        self.assertIn("measure anew with trimtab eval --save", trimtab("card", copy, status=1).stderr)

    def test_names_that_a_shell_or_llama_cpp_would_take_apart(self):
        odd = os.path.join(self.folder, "odd")
        os.mkdir(odd)
        for name in os.listdir(self.vectors):
            if "language__" in name and name.endswith(".gguf"):
                shutil.copy(os.path.join(self.vectors, name), os.path.join(odd, "my model:1-" + name.split("-")[-1]))
        trimtab("card", odd)
        card = self.read(odd, "README.md")
        self.assertEqual(card.count("llama-cli"), 1)  # the current one would take the colon for the one before the scale
        self.assertIn("--control-vector 'my model:1-language__debias.gguf'", card)
        self.assertRegex(card, r"--control-vector-scaled 'my model:1-language__ornate.gguf' [0-9.]+\n")

    def test_collection(self):
        page = os.path.join(self.folder, "README.md")
        trimtab("card", self.vectors, self.vectors, "-o", page)
        self.assertEqual(self.read(page).count("](vectors/README.md) | "), 2)

    def test_bad_input(self):
        def says(message, *arguments, status=1):
            error = trimtab("card", *arguments, status=status).stderr
            self.assertIn(message, error)
            self.assertEqual(error.count("\n"), 1, error)

        says("has no control vectors", self.folder)
        says("cannot look through the folder", os.path.join(self.folder, "none"))
        says("--base-model names one model", self.vectors, self.vectors, "--base-model", "some/model", status=2)
        says("leave out --output", self.vectors, "-o", os.path.join(self.folder, "page.md"), status=2)
        for license in ("", "a: b", "mit\ntags: x"):
            says("is no license's short name", self.vectors, "--license", license, status=2)
        for model in ("model", "/model", "owner/", "owner/model/file", "owner/a b", "o/m\nx: y"):
            says("is not where a model is published", self.vectors, "--base-model", model, status=2)
        damaged = os.path.join(self.folder, "damaged")
        subprocess.run(["cp", "-r", self.vectors, damaged], check=True)
        evaluation = os.path.join(damaged, next(n for n in os.listdir(damaged) if n.endswith("evaluation.json")))
        for content, message in (("{", "not valid JSON"), ("{}", "is not what trimtab eval --save writes")):
            with open(evaluation, "w", encoding="utf-8") as file:
                file.write(content)
            says(message, damaged)
        for name in os.listdir(damaged):
            if name.endswith("debias.gguf"):
                os.remove(os.path.join(damaged, name))
        says("has all of its three files", damaged)


if __name__ == "__main__":
    unittest.main(verbosity=2)
