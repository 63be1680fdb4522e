"""test_thinking.py: what a model thinks, apart from what it says, in `run` and in `serve`: a tiny model that is made to write both."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import built
import chat_helper
import serving

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TRIMTAB_MODEL"}
TEMPLATE = (
    "{%- for m in messages %}{%- if m.role == 'assistant' %}{{ '<|im_start|>assistant\\n' }}"
    "{%- if m.reasoning_content %}{{ '<think>\\n' + m.reasoning_content + '\\n</think>\\n\\n' }}{% endif %}{{ m.content + '<|im_end|>\\n' }}"
    "{%- else %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% else %}{{ '<think>\\n' }}{%- endif %}{%- endif %}")
WRITTEN = 'root ::= "Is it deep?\\n</think>\\n\\nIt is deep."'
THOUGHT, SAID = "Is it deep?", "It is deep."


@unittest.skipUnless(chat_helper.EXISTS, "trimtab-chat was not built")
class Thinking(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-thinking-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.model = built.tiny_model(os.path.join(cls.folder, "tiny.gguf"), "--template", TEMPLATE, "--context", "512")

    def run_it(self, *options, grammar=WRITTEN):
        done = subprocess.run([TRIMTAB, "run", "-m", self.model, "-p", "How deep?", "-t", "1", "--grammar", grammar, *options],
                              capture_output=True, text=True, check=False, env=ENVIRONMENT, stdin=subprocess.DEVNULL, timeout=built.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_the_template_is_known_to_think(self):
        done = subprocess.run([TRIMTAB, "template", "-m", self.model], capture_output=True, text=True, check=True, env=ENVIRONMENT)
        self.assertRegex(done.stdout, "thinking: begins with <think>, ends with .*</think>.*; the prompt opens it")

    def test_run_shows_or_hides_it(self):
        for how in ("auto", "on"):
            done = self.run_it("--reasoning", how)
            self.assertEqual(done.stdout, SAID + "\n")
            self.assertIn(THOUGHT, done.stderr)
        done = self.run_it("--reasoning", "hide")
        self.assertEqual((done.stdout, THOUGHT in done.stderr), (SAID + "\n", False))

    def test_run_can_do_without(self):
        """The prompt then ends behind the thinking: all that is written is said."""
        self.assertEqual(self.run_it("--reasoning", "off", grammar='root ::= "It is deep."').stdout, SAID + "\n")

    def test_compare_has_what_is_said(self):
        folder = serving.make_vectors(os.path.join(self.folder, "vectors"))
        done = self.run_it("--compare", "--vectors", folder, "--axis", "language=0.1")
        self.assertEqual(done.stdout.count(SAID), 2)
        self.assertNotIn(THOUGHT, done.stdout)

    def ask(self, server, **fields):
        body = json.dumps({"messages": [{"role": "user", "content": "How deep?"}], "seed": 1, "max_tokens": 24, **fields}).encode()
        request = urllib.request.Request(server.url + "/v1/chat/completions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=built.PATIENCE) as answer:
            return answer.read().decode()

    def test_serve_has_it_apart(self):
        """A random model does not come to an end with its thinking: all of it is thought. Told not to think, it says all."""
        with serving.Server(self.model) as server:
            for fields, key, other in (({}, "reasoning_content", "content"),
                                       ({"chat_template_kwargs": {"enable_thinking": False}}, "content", "reasoning_content")):
                message = json.loads(self.ask(server, **fields))["choices"][0]["message"]
                self.assertTrue(message[key].strip())
                self.assertFalse(message.get(other))
                events = [json.loads(line[6:]) for line in self.ask(server, stream=True, **fields).splitlines() if line.startswith("data: {")]
                deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
                self.assertEqual("".join(delta.get(key, "") for delta in deltas), message[key])
                self.assertFalse("".join(delta.get(other, "") for delta in deltas))


if __name__ == "__main__":
    unittest.main(verbosity=2)
