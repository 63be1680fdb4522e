"""test_requests_table.py: the table of fields in docs/serving.md, each of its rows sent to a server: heeded and ignored ones are taken,
refused ones are refused by their names; and nothing that the server reads is missing from it."""

import json
import os
import re
import unittest

from serving import PROMPT, Serving

SOURCE = os.environ["TRIMTAB_SOURCE"]
ROW = re.compile(r"^\| `([\w.]+)` \| ([^|]+) \| `(.*?)` \| (heeded|ignored|refused) \|(.*)\|$", re.MULTILINE)


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


class Table(Serving):
    options = ("-np", "2", "-c", "2048")
    rows = [(name, json.loads(value), what, note.strip()) for name, _, value, what, note in ROW.findall(read("docs", "serving.md"))]

    def bodies(self, name, value):
        """The field in a request to each endpoint that it is for."""
        ends = {"messages": ("chat",), "prompt": ("text",), "echo": ("text",), "suffix": ("text",), "continue_final_message": ("chat",),
                "add_generation_prompt": ("chat",), "top_logprobs": ("chat",), "chat_template_kwargs": ("chat",), "documents": ("chat",),
                "reasoning_effort": ("chat",)}
        for end in ends.get(name, ("chat", "text")):
            body = {"messages": PROMPT} if end == "chat" else {"prompt": "Once"}
            limit = {} if name in ("max_tokens", "max_completion_tokens", "n_predict", "max_new_tokens", "max_length") else {"max_tokens": 2}
            yield end, "/v1/chat/completions" if end == "chat" else "/v1/completions", {**body, **limit, name: value}

    def test_every_row(self):
        self.assertGreater(len(self.rows), 100)
        for name, value, what, _ in self.rows:
            for end, path, body in self.bodies(name, value):
                with self.subTest(field=name, end=end):
                    if what == "refused":
                        self.refused(body, name, path)
                    elif body.get("stream"):
                        client = self.client.chat.completions if end == "chat" else self.client.completions
                        self.assertTrue(list(client.create(model="tiny", **body)))
                    else:
                        status, _, answer = self.post(path, body)
                        self.assertEqual(status, 200, answer)

    def test_heeded_ones_are_checked(self):
        """What is heeded is refused where it makes no sense: a list where a number or a text belongs, and the like."""
        lists = ("messages", "prompt", "stop", "samplers", "logit_bias", "dry_sequence_breakers")
        for name, _, what, note in self.rows:
            if what != "heeded" or name in ("tool_choice", "function_call"):
                continue
            for end, path, body in self.bodies(name, [[[1]]] if name in lists else [1]):
                with self.subTest(field=name, end=end):
                    self.refused(body, name + ("[0].role" if name == "messages" else ""), path)

    def test_values_that_ask_for_nothing(self):
        for name, _, what, note in self.rows:
            if what != "refused":
                continue
            neutral = re.search(r"unless (-?\d+)$", note)
            for value in (None, False, 0, "", [], {}, *([int(neutral.group(1))] if neutral else [])):
                for end, path, body in self.bodies(name, value):
                    with self.subTest(field=name, value=value, end=end):
                        status, _, answer = self.post(path, body)
                        self.assertEqual(status, 200, answer)

    def test_nothing_is_missing(self):
        """Each name that the server's source takes from a request stands in the table."""
        told = {name for name, *_ in self.rows} | {"include_usage"}
        for name in re.findall(r'^[A-Z]+\(\w+, "[^"]*", "(\w+)"', read("src", "model", "sampling.def"), re.MULTILINE):
            self.assertIn(name, told)
        for file in ("request.c", "biases.c", "sampling_fields.c", "unsupported.c", "prompts.c", os.path.join("protocols", "openai.c")):
            text = read("src", "server", file)
            names = re.findall(r'(?:tt_take_\w+|tt_fields_get)\([&\w]+, "(\w+)"', text) + re.findall(r'^    \{"(\w+)", "\w+"\},$', text, re.MULTILINE)
            names += re.findall(r'^    \{"(\w+)", -?\d+, ', text, re.MULTILINE)
            for name in names:
                with self.subTest(file=file, name=name):
                    self.assertTrue(name in told or any(name in note for *_, note in self.rows), "not in docs/serving.md")


if __name__ == "__main__":
    unittest.main(verbosity=2)
