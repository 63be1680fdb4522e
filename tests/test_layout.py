"""test_layout.py: vectors remember the layout of the conversations that they were trained on, and a run that is not finished too."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import built
import chat_helper
import serving
import terminal
import vectors

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TRIMTAB_MODEL"}
PLAIN = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
WARNING = "trained on conversations in another chat template"


def call(*command):
    return subprocess.run([TRIMTAB, *command], capture_output=True, text=True, check=False, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                          timeout=built.PATIENCE)


@unittest.skipUnless(chat_helper.EXISTS, "trimtab-chat was not built")
class Layout(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-layout-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.model = built.tiny_model(os.path.join(cls.folder, "tiny.gguf"), "--template", PLAIN)
        cls.output = os.path.join(cls.folder, "vectors")
        done = cls.train()
        assert done.returncode == 0, done.stderr

    @classmethod
    def train(cls, *options):
        return call("train", "-m", cls.model, "-t", "1", "-o", cls.output, "--axis", "language", "--samples", "4", "--keep-states", *options)

    def write(self, *options):
        done = call("run", "-m", self.model, "-t", "1", "-n", "2", "--temp", "0", "-p", "Hello", "--vectors", self.output, "--axis",
                    "language=0.1", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_run_warns_of_another(self):
        self.assertNotIn(WARNING, self.write())
        self.assertEqual(self.write("--chat-template", "chatml").count(WARNING), 1)
        other = os.path.join(self.folder, "other.jinja")
        with open(other, "w", encoding="utf-8") as file:
            file.write(PLAIN.replace("<assistant>", "<model>"))
        self.assertIn(WARNING, self.write("--chat-template-file", other))
        with open(other, "w", encoding="utf-8") as file:
            file.write("{# the same #}" + PLAIN)
        self.assertNotIn(WARNING, self.write("--chat-template-file", other))

    def test_a_chat_warns_where_it_begins_to_steer(self):
        chat = terminal.Terminal([TRIMTAB, "run", "-m", self.model, "-t", "1", "--chat-template", "chatml", "--vectors", self.output],
                                 columns=300, env=ENVIRONMENT)
        chat.read_until("> ")
        for line in ("/axis language=0.1", "/mix none", "/axis language=0.1", "/exit"):
            chat.send(line + "\n")
        self.assertEqual(chat.read_until(None).count(WARNING), 2)
        self.assertEqual(chat.process.wait(built.PATIENCE), 0)

    def test_a_server_warns_when_it_starts(self):
        for options, warned in ((("--chat-template", "chatml"), 1), ((), 0)):
            with serving.Server(self.model, "--vectors", self.output, *options) as server:
                self.assertEqual(server.text().count(WARNING), warned)

    def test_files_and_report_tell_it(self):
        digests = set()
        for path in vectors.files(self.output).values():
            digests.add(vectors.read(path)[1]["trimtab.chat_digest"])
        self.assertEqual(len(digests), 1)
        report = next(name for name in os.listdir(self.output) if name.endswith(".json"))
        with open(os.path.join(self.output, report), encoding="utf-8") as file:
            self.assertEqual({json.load(file)["chat_digest"]}, digests)

    def test_another_run_is_not_gone_on_with(self):
        done = self.train("--chat-template-kwargs", '{"unused": 1}')
        self.assertEqual(done.returncode, 0, done.stderr)  # which makes no difference
        done = self.train("--chat-template", "chatml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another chat template", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
