"""test_text.py: one text is one text, however it is given: byte order marks, line ends, encodings (docs/text.md)."""
import json
import os
import subprocess
import tempfile
import unittest
import urllib.request

import built
import serving

MARK = b"\xef\xbb\xbf"
ONE_LINE, TWO_LINES = "Say hello.", "Say hello.\nTwice, in grün."

# How people's editors save a text, as functions of its lines' text.
FORMS = {
    "LF": lambda text: text.encode() + b"\n",
    "no end": lambda text: text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode() + b"\r\n",
    "CR": lambda text: text.replace("\n", "\r").encode() + b"\r",
    "mark": lambda text: MARK + text.encode() + b"\n",
    "mark, CRLF": lambda text: MARK + text.replace("\n", "\r\n").encode() + b"\r\n",
}


class Text(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="trimtab-text-")
        cls.model = os.path.join(cls.scratch.name, "tiny.gguf")
        built.tiny_model(cls.model)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def file(self, content, name="text.txt"):
        path = os.path.join(self.scratch.name, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def run_trimtab(self, *arguments, stdin=b""):
        return subprocess.run([os.environ["TRIMTAB"], *arguments], input=stdin, capture_output=True, timeout=built.PATIENCE)

    def answer(self, *arguments, stdin=b""):
        """What the model writes; it is random, so another prompt gives another text."""
        done = self.run_trimtab("run", "-m", self.model, "--temp", "0", "-n", "12", *arguments, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, words, *arguments, stdin=b""):
        done = self.run_trimtab(*arguments, stdin=stdin)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(words, (done.stdout + done.stderr).decode())

    def test_prompts_are_the_same_in_every_form(self):
        answers = {text: self.answer("-p", text) for text in (ONE_LINE, TWO_LINES)}
        self.assertNotEqual(*answers.values())
        for text, expected in answers.items():
            for name, form in FORMS.items():
                with self.subTest(form=name, text=text):
                    content = form(text)
                    self.assertEqual(self.answer("-f", self.file(content)), expected)
                    self.assertEqual(self.answer(stdin=content), expected)
                    self.assertEqual(self.answer("-f", "-", stdin=content), expected)
        self.assertEqual(self.answer("-p", TWO_LINES.replace("\n", "\\n")), answers[TWO_LINES])
        self.assertEqual(self.answer("-p", TWO_LINES.replace("\n", "\r\n")), answers[TWO_LINES])
        self.assertEqual(self.answer("-p", MARK.decode() + ONE_LINE), answers[ONE_LINE])

    def test_system_messages_are_the_same_in_every_form(self):
        expected = self.answer("-p", "Hello", "-sys", TWO_LINES)
        self.assertNotEqual(expected, self.answer("-p", "Hello"))
        for name, form in FORMS.items():
            with self.subTest(form=name):
                self.assertEqual(self.answer("-p", "Hello", "-sysf", self.file(form(TWO_LINES))), expected)

    def test_only_the_last_line_end_is_the_editors(self):
        self.assertEqual(self.answer("-f", self.file(b"Hello\n\n")), self.answer("-p", "Hello\\n"))
        self.assertNotEqual(self.answer("-p", "Hello\\n"), self.answer("-p", "Hello"))
        self.assertNotEqual(self.answer("-p", "Hello "), self.answer("-p", "Hello"))

    def test_what_is_not_text_is_refused_with_its_place(self):
        run = ("run", "-m", self.model, "-n", "1")
        self.refused("is not UTF-8 text (line 2, byte 3)", *run, "-f", self.file("one\ngr\xfcn\n".encode("latin-1")))
        self.refused("has a zero byte in it (line 3, byte 2)", *run, "-f", self.file(b"one\ntwo\nt\0hree\n"))
        self.refused("standard input", *run, stdin=b"\xff\xfe\xfd")
        for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
            with self.subTest(encoding=encoding):
                self.refused("is UTF-16 text", *run, "-f", self.file(TWO_LINES.encode(encoding)))
        self.refused("UTF-16", "axes", "check", self.file('{"classes": ["a", "b"]}'.encode("utf-16"), "a_vs_b.json"))

    def test_axes_are_the_same_in_every_form(self):
        axis = json.dumps({"classes": ["low", "high"], "data": [[f"low {i}", f"grün {i}"] for i in range(20)]}, indent=1,
                          ensure_ascii=False)
        told = {name: self.run_trimtab("axes", "check", self.file(form(axis), "low_vs_high.json"))
                for name, form in FORMS.items()}
        for name, done in told.items():
            with self.subTest(form=name):
                self.assertEqual((done.returncode, done.stdout), (told["LF"].returncode, told["LF"].stdout))
        self.assertEqual(told["LF"].returncode, 0, told["LF"].stdout + told["LF"].stderr)

    def test_check_warns_of_marks_that_models_have(self):
        for phrase, mark in (("a<|im_end|>b", "<|im_end|>"), ("so </s> be it", "</s>"), ("[INST] do", "[INST]")):
            with self.subTest(mark=mark):
                axis = {"classes": ["low", "high"], "data": [[phrase, "plain"]] + [[f"l{i}", f"h{i}"] for i in range(20)]}
                told = self.run_trimtab("axes", "check", self.file(json.dumps(axis).encode(), "low_vs_high.json")).stdout.decode()
                self.assertIn(f'holds "{mark}", which some models have as a mark', told)
                self.assertEqual(told.count(mark), 1)  # once, however many rules it breaks
        plain = json.dumps({"classes": ["low", "high"], "data": [["a < b > c | d", "<b>"]] + [[f"l{i}", f"h{i}"] for i in range(20)]})
        self.assertNotIn("mark", self.run_trimtab("axes", "check", self.file(plain.encode(), "low_vs_high.json")).stdout.decode())

    def test_a_wrong_axis_names_the_same_line_in_every_form(self):
        for name, form in FORMS.items():
            with self.subTest(form=name):
                path = self.file(form('{\n"classes": ["a", 3],\n"data": []}'), "a_vs_b.json")
                self.assertIn("a_vs_b.json:2:", self.run_trimtab("axes", "check", path).stdout.decode())

    def test_training_is_the_same_with_files_of_any_form(self):
        """The plan's hash in the states file, and so what is trained, does not depend on the files' form."""
        prompts, vectors = "Write of rain.\nWrite of wind.\nWrite of snow.\nWrite of fog.\nWrite of sun.", {}
        stems = json.dumps({"pre": ["You are", "Be"], "post": ["an author", "a poet"]}, indent=1)
        for name in ("LF", "mark, CRLF"):
            form, out = FORMS[name], os.path.join(self.scratch.name, name)
            done = self.run_trimtab("train", "-m", self.model, "-o", out, "--samples", "4", "--quiet", "--axis", "language",
                                    "--stems", self.file(form(stems), "stems.json"),
                                    "--prompts", self.file(form(prompts), "prompts.txt"))
            self.assertEqual(done.returncode, 0, done.stderr)
            vectors[name] = [open(os.path.join(out, file), "rb").read() for file in sorted(os.listdir(out))
                             if file.endswith(".gguf")]
        self.assertEqual(vectors["LF"], vectors["mark, CRLF"])

    def test_requests_and_presets_may_have_a_mark(self):
        vectors = serving.make_vectors(os.path.join(self.scratch.name, "vectors"))
        presets = self.file(MARK + b'{\r\n"plain": {"language": -0.5}}\r\n', "presets.json")
        body = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8, "temperature": 0}).encode()
        texts = []
        with serving.Server(self.model, "--vectors", vectors, "--presets", presets) as server:
            for content in (body, MARK + body, MARK + body + b"\r\n"):
                request = urllib.request.Request(server.url + "/v1/chat/completions", content, {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=built.PATIENCE) as response:
                    texts.append(json.load(response)["choices"][0]["message"]["content"])
        self.assertEqual(texts, texts[:1] * 3)


if __name__ == "__main__":
    unittest.main()
