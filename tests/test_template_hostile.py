"""test_template_hostile.py: chat templates that come with a downloaded file and mean harm, and programs in the helper's place that
answer nonsense, die half way or stay silent: one sentence in time, the program unharmed, the next request served."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import built
import chat_helper
import serving

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TRIMTAB_MODEL"}
MANY = 100_000
IN_TIME = 15 * built.SLOWNESS  # seconds: the helper's own are 2 of a processor and 5 in all, on a machine that others use too

HOSTILE = {
    "a loop without end": "{% for a in range(1000000000) %}{% for b in range(1000000000) %}{% endfor %}{% endfor %}",
    "loops in loops": "{% for a in range(100000) %}" * 4 + "x" + "{% endfor %}" * 4,
    "endless recursion": "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "brackets": "{{ " + "(" * MANY + "1" + ")" * MANY + " }}",
    "lists": "{{ " + "[" * MANY + "]" * MANY + " }}",
    "not": "{{ " + "not " * MANY + "1 }}",
    "minus": "{{ " + "-" * MANY + "1 }}",
    "filters": "{{ messages" + "|list" * MANY + " }}",
    "attributes": "{{ messages" + ".x" * MANY + " }}",
    "calls": "{{ messages" + "()" * MANY + " }}",
    "nested ifs": "{% if true %}" * MANY + "{% endif %}" * MANY,
    "sums": "{{ 1" + " + 1" * MANY + " }}",
    "strings of gigabytes": "{% set n = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(40) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}",
    "a product of strings": "{{ 'x' * 10000000000 }}",
    "lists of gigabytes": "{{ range(10000000000)|list|length }}",
    "50 MB": "{# " + "x" * 50_000_000 + " #}{{ messages[0].content }}",
    "half of it": "{% for m in messages",
    "no text at all": "",
}


def run(*command, text="", environment=None):
    begin = time.monotonic()
    done = subprocess.run([TRIMTAB, *command], input=text, capture_output=True, text=True, check=False, timeout=built.PATIENCE,
                          env={**ENVIRONMENT, **(environment or {})})
    return done, time.monotonic() - begin


class Scratch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-hostile-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.model = built.tiny_model(os.path.join(cls.folder, "tiny.gguf"))

    def file(self, name, content, mode=None):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        if mode:
            os.chmod(path, mode)
        return path

    def one_sentence(self, done, seconds, what):
        self.assertEqual(done.returncode, 1, f"{what}: {done.stdout[:200]} {done.stderr[:500]}")
        self.assertEqual(len(done.stderr.splitlines()), 1, f"{what}: {done.stderr[:500]}")
        self.assertTrue(done.stderr.startswith("trimtab: "), done.stderr[:500])
        self.assertLess(seconds, IN_TIME, what)


@unittest.skipUnless(chat_helper.EXISTS, "trimtab-chat was not built")
class Templates(Scratch):
    def test_each_is_a_sentence_or_harmless(self):
        """Some of them are no harm to this engine: then there is a prompt."""
        sentences = 0
        for what, template in HOSTILE.items():
            done, seconds = run("template", "-m", self.model, "--messages", "-", "--chat-template-file", self.file("hostile.jinja", template),
                                text='[{"role": "user", "content": "Hello"}]')
            if done.returncode == 0:
                self.assertLess(seconds, IN_TIME, what)
                continue
            sentences += 1
            self.one_sentence(done, seconds, what)
        self.assertGreater(sentences, 8)

    def test_the_next_request_is_served(self):
        """A template that is hostile to some conversations only: others are laid out before and after, by a new process."""
        template = ("{% if messages[0].content == 'loop' %}{% for a in range(1000000000) %}{% for b in range(1000000000) %}{% endfor %}"
                    "{% endfor %}{% endif %}{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{% if messages[0].content == 'dive' %}{{ f(0) }}"
                    "{% endif %}{{ messages[0].content }}")
        model = built.tiny_model(os.path.join(self.folder, "sometimes.gguf"), "--template", template)
        with serving.Server(model) as server:
            def ask(content):
                body = json.dumps({"messages": [{"role": "user", "content": content}], "max_tokens": 2}).encode()
                request = urllib.request.Request(server.url + "/v1/chat/completions", body, {"Content-Type": "application/json"})
                try:
                    with urllib.request.urlopen(request, timeout=built.PATIENCE) as answer:
                        return answer.status, json.load(answer)
                except urllib.error.HTTPError as error:
                    with error:
                        return error.code, json.load(error)

            self.assertEqual(ask("Hello")[0], 200)
            for hostile in ("loop", "dive"):
                status, answer = ask(hostile)
                self.assertEqual(status, 400, answer)
                self.assertIn("chat template", answer["error"]["message"])
                self.assertEqual(ask("Hello")[0], 200)
            self.others_are_served_meanwhile(server, ask)

    def others_are_served_meanwhile(self, server, ask):
        """Who needs no template is not held up: three conversations that loop take three deadlines, one after the other, and all of
        these requests are answered before the last of them."""
        held = [threading.Thread(target=ask, args=("loop",)) for _ in range(3)]
        for thread in held:
            thread.start()
        for path, fields in (("/v1/completions", {"prompt": "Hello", "max_tokens": 2}), ("/tokenize", {"content": "Hello"}),
                             ("/health", None), ("/v1/models", None)):
            body = json.dumps(fields).encode() if fields else None
            with urllib.request.urlopen(urllib.request.Request(server.url + path, body), timeout=built.PATIENCE) as answer:
                self.assertEqual(answer.status, 200, path)
        self.assertTrue(any(thread.is_alive() for thread in held))
        for thread in held:
            thread.join()

    def test_it_may_do_little(self):
        """No files, no network, no other programs; of what it inherits only its two ends."""
        with chat_helper.Helper() as helper:
            helper.open("{{ messages[0].content }}")
            process = helper.process.pid
            with open(f"/proc/{process}/status", encoding="utf-8") as status:
                self.assertRegex(status.read(), r"Seccomp:\s+2")
            with open(f"/proc/{process}/limits", encoding="utf-8") as limits:
                text = limits.read()
            self.assertRegex(text, r"Max address space\s+1073741824")
            self.assertRegex(text, r"Max open files\s+3 ")


STAND_INS = {
    "nonsense": "#!/bin/sh\nwhile read -r line; do echo 'hello there'; done\n",
    "another answer": "#!/bin/sh\nwhile read -r line; do echo '{\"results\": []}'; done\n",
    "numbers for texts": "#!/bin/sh\nread -r line; echo '{\"thinking\": false, \"folds_system\": false}'\n"
                         "while read -r line; do echo '{\"results\": [{\"prompt\": 3}]}'; done\n",
    "two lines for one": "#!/bin/sh\nwhile read -r line; do printf '{\"thinking\":false,\"folds_system\":false}\\n{}\\n'; done\n",
    "dies at once": "#!/bin/sh\nexit 3\n",
    "dies half way": "#!/bin/sh\nread -r line; printf '{\"thinking\": fal'\n",
    "closes its output": "#!/bin/sh\nexec 1>&-; sleep 600 & wait\n",
    "stays silent": "#!/bin/sh\nwhile read -r line; do :; done\n",
    "talks without end": "#!/bin/sh\nexec yes | tr -d '\\n'\n",
    "no program": "this is none",
}


class StandIns(Scratch):
    def test_each_is_a_sentence(self):
        for what, script in STAND_INS.items():
            program = self.file("stand-in", script, stat.S_IRWXU)
            done, seconds = run("template", "-m", self.model, "--messages", "-", text='[{"role": "user", "content": "Hello"}]',
                                environment={"TRIMTAB_CHAT_HELPER": program})
            self.one_sentence(done, seconds, what)

    def test_where_there_is_none_named_templates_work(self):
        for program in ("/nowhere/trimtab-chat", self.folder):
            environment = {"TRIMTAB_CHAT_HELPER": program}
            done, seconds = run("template", "-m", self.model, environment=environment)
            self.one_sentence(done, seconds, program)
            self.assertIn("--chat-template", done.stderr)
            done, _ = run("template", "-m", self.model, "--chat-template", "chatml", environment=environment)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
