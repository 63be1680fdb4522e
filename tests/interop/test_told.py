"""test_told.py: what a server tells its clients, and when: heads and signs of life, log-probabilities of the prompt, how long a
conversation may be, when to come back."""

import http.client
import json
import math
import os
import socket
import subprocess
import threading
import time
import unittest

import openai

import built
import serving
from serving import PROMPT, Serving


class Told(Serving):
    options = ("-np", "2", "-c", "1024")

    def completion(self, **fields):
        status, _, answer = self.post("/v1/completions", {"prompt": "Once upon a time", "max_tokens": 4, "temperature": 0, "ignore_eos": True, **fields})
        self.assertEqual(status, 200, answer)
        return answer

    def events(self, path, **fields):
        """The JSON of a stream's events."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=built.PATIENCE)
        connection.request("POST", path, json.dumps({"stream": True, "temperature": 0, "ignore_eos": True, **fields}))
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        self.assertEqual([line for line in lines if line.startswith("data: ")][-1], "data: [DONE]")
        return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


class Streams(Told):
    def test_the_mix_in_use(self):
        for path, fields in (("/v1/chat/completions", {"messages": PROMPT}), ("/v1/completions", {"prompt": "x"})):
            for more in ({}, {"stream_options": {"include_usage": True}}, {"n": 3}, {"max_tokens": 0}):
                with self.subTest(path=path, more=more):
                    events = self.events(path, **{"max_tokens": 3, "steering": {"ornate": 0.25}, **fields, **more})
                    self.assertEqual(events[-1]["steering"], "language=0.25")

    def test_echo(self):
        for more in ({}, {"logprobs": 1}, {"max_tokens": 0}, {"logprobs": 1, "max_tokens": 0}, {"n": 2}, {"stop": ["never"]}):
            with self.subTest(more):
                whole = self.completion(**{"echo": True, **more})["choices"]
                texts, tokens = [""] * len(whole), [[] for _ in whole]
                for event in self.events("/v1/completions", **{"prompt": "Once upon a time", "max_tokens": 4, "echo": True, **more}):
                    for choice in event["choices"]:
                        texts[choice["index"]] += choice["text"]
                        tokens[choice["index"]] += choice["logprobs"]["tokens"] if choice["logprobs"] else []
                self.assertEqual(texts, [choice["text"] for choice in whole])
                self.assertTrue(texts[0].startswith("Once upon a time"))
                if "logprobs" in more:
                    self.assertEqual(tokens[0], whole[0]["logprobs"]["tokens"])


class Silence(Told):
    """One client's prompt takes minutes to read; another waits for the only slot."""

    options = ("-np", "1", "-c", "60000")

    def stream(self, prompt):
        body = json.dumps({"prompt": prompt, "stream": True, "max_tokens": 1}).encode()
        raw = socket.create_connection(("127.0.0.1", self.server.port), built.PATIENCE)
        self.addCleanup(raw.close)
        raw.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return raw

    def test_head_at_once_and_signs_of_life(self):
        begin, streams = time.monotonic(), []
        for prompt in ("x " * 25000, "x"):
            streams.append(self.stream(prompt))
            head = streams[-1].recv(65536)
            self.assertIn(b" 200 OK", head)
            self.assertIn(b"text/event-stream", head)
            self.assertNotIn(b"data: ", head)
            self.assertLess(time.monotonic() - begin, 3 * built.SLOWNESS)  # long before the first token
        for raw in streams:
            heard = raw.recv(65536)
            self.assertRegex(heard, rb"(^|\n):[^\n]*\n\n")
            self.assertNotIn(b"data: ", heard)
        self.assertLess(time.monotonic() - begin, 30 * built.SLOWNESS)

    def test_clients_pass_signs_over(self):
        """OpenAI's client reads the comments as nothing."""
        first = self.stream("x " * 25000)
        first.recv(65536)

        def leave():
            first.recv(65536)  # a sign of life, by which time the other has one as well, or nearly
            time.sleep(2)
            first.close()

        thread = threading.Thread(target=leave)
        thread.start()
        events = list(self.client.completions.create(model="x", prompt="x", stream=True, max_tokens=3, extra_body={"ignore_eos": True}))
        thread.join()
        self.assertEqual(events[-1].choices[0].finish_reason, "length")


class Scores(Told):
    def tokens(self, text):
        return self.post("/tokenize", {"content": text})[2]["tokens"]

    def test_the_prompts_own(self):
        """What was told of the tokens when they were written is told of them again when they are read."""
        for steering in ({}, {"language": 0.5}):
            with self.subTest(steering=steering):
                written = self.completion(max_tokens=6, logprobs=2, steering=steering)["choices"][0]
                ids = self.tokens("Once upon a time")
                first = self.completion(max_tokens=6, logprobs=2, steering=steering, echo=True)["choices"][0]
                self.assertEqual(first["text"], "Once upon a time" + written["text"])
                count = len(written["logprobs"]["tokens"])
                self.assertEqual(first["logprobs"]["tokens"][-count:], written["logprobs"]["tokens"])
                # The same text as a prompt, of which nothing is written.
                told = self.completion(prompt=first["text"], max_tokens=0, logprobs=2, steering=steering, echo=True)["choices"][0]
                self.assertEqual(told["text"], first["text"])
                if told["logprobs"]["tokens"] != first["logprobs"]["tokens"]:
                    continue  # it is tokenised in another way, which is not this test's business
                for one, other in zip(told["logprobs"]["token_logprobs"], first["logprobs"]["token_logprobs"]):
                    self.assertAlmostEqual(one, other, delta=1e-2)
                self.assertEqual(len(ids), len(first["logprobs"]["tokens"]) - count + 1)

    def test_against_the_engine(self):
        """Each as the model's own logits behind the text before it have it."""
        ids = self.tokens("The sea")
        told = self.completion(prompt=ids, max_tokens=0, logprobs=1, echo=True)["choices"][0]["logprobs"]
        self.assertEqual(len(told["tokens"]), len(ids))
        self.assertIsNone(told["token_logprobs"][0])
        self.assertIsNone(told["top_logprobs"][0])
        show = os.path.join(os.environ["TRIMTAB_BUILD"], "tests", "show_logits")
        logits = json.loads(subprocess.run([show, self.model, "The se"], check=True, capture_output=True).stdout.splitlines()[0])
        self.assertEqual(self.tokens("The se"), ids[:-1])
        most = max(logits)
        total = most + math.log(sum(math.exp(logit - most) for logit in logits))
        self.assertAlmostEqual(told["token_logprobs"][-1], logits[ids[-1]] - total, places=2)
        self.assertAlmostEqual(list(told["top_logprobs"][-1].values())[0], most - total, places=2)

    def test_offsets(self):
        """In characters, from where the prompt begins: the text at an offset is the token."""
        for prompt in ("Grüße an die See, ", "Once", " Once", "<s>Once", "日本"):
            for more in ({"max_tokens": 4}, {"max_tokens": 0}):
                with self.subTest(prompt=prompt, more=more):
                    choice = self.completion(prompt=prompt, echo=True, logprobs=0, **more)["choices"][0]
                    logprobs = choice["logprobs"]
                    self.assertEqual(logprobs["text_offset"][0], 0)
                    for token, offset in zip(logprobs["tokens"], logprobs["text_offset"]):
                        if "\ufffd" not in token:
                            self.assertEqual(choice["text"][offset:offset + len(token)], token)
                    self.assertEqual(choice["text"][: len(prompt)], prompt)
            alone = self.completion(prompt=prompt, logprobs=0)["choices"][0]["logprobs"]
            self.assertEqual(alone["text_offset"][0], len(prompt))

    def test_as_evaluation_programs_ask(self):
        """Several prompts of tokens in one request, one token more, and choices compared by their sums, as lm-eval does it."""
        context, ends = self.tokens("The sea was"), [self.post("/tokenize", {"content": t, "add_special": False})[2]["tokens"] for t in (" calm", " Q9x")]
        answer = self.completion(prompt=[context + end for end in ends], max_tokens=1, logprobs=1, echo=True)
        sums = []
        for choice, end in zip(answer["choices"], ends):
            values = choice["logprobs"]["token_logprobs"]
            self.assertEqual(len(values), len(context) + len(end) + 1)
            sums.append(sum(values[len(context):-1]))
            for token, top in list(zip(values, choice["logprobs"]["top_logprobs"]))[1:]:
                self.assertLessEqual(token, max(top.values()) + 1e-6)
        self.assertTrue(all(value < 0 for value in sums))
        self.assertNotEqual(*sums)
        alone = [self.completion(prompt=context + end, max_tokens=0, logprobs=1, echo=True)["choices"][0]["logprobs"]["token_logprobs"] for end in ends]
        for one, several in zip(alone, sums):
            self.assertAlmostEqual(sum(one[len(context):]), several, delta=1e-2)

    def test_long_prompts_and_others_at_once(self):
        text = "The sea was calm that morning. " * 12
        alone = self.completion(prompt=text, max_tokens=0, logprobs=1, echo=True)["choices"][0]["logprobs"]
        self.completion(prompt=text)  # what is computed already is computed again for its logits
        results = [None] * 4

        def ask(i):
            results[i] = self.completion(prompt=text if i % 2 else "x", max_tokens=0 if i % 2 else 60, logprobs=1, echo=True)["choices"][0]["logprobs"]

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for told in results[1::2]:
            self.assertEqual(told["tokens"], alone["tokens"])
            for one, other in list(zip(told["token_logprobs"], alone["token_logprobs"]))[1:]:
                self.assertAlmostEqual(one, other, delta=1e-2)


class Length(Told):
    def too_long(self, body, path):
        status, _, answer = self.post(path, body)
        error = answer["error"]
        self.assertEqual((status, error["code"], error["type"]), (400, "context_length_exceeded", "invalid_request_error"), answer)
        self.assertEqual(error["n_ctx"], 512)
        self.assertGreaterEqual(error["n_prompt_tokens"], 512)
        for words in ("exceeds the available context size", "maximum context length", str(error["n_prompt_tokens"]), "512"):
            self.assertIn(words, error["message"])
        return error

    def test_too_long(self):
        long = "The sea was calm. " * 100
        self.assertEqual(self.too_long({"prompt": long}, "/v1/completions")["param"], "prompt")
        self.assertEqual(self.too_long({"prompt": ["x", [5] * 512]}, "/v1/completions")["n_prompt_tokens"], 512)
        self.assertEqual(self.too_long({"messages": [{"role": "user", "content": long}], "stream": True}, "/v1/chat/completions")["param"], "messages")
        with self.assertRaises(openai.BadRequestError) as refused:
            self.chat(messages=[{"role": "user", "content": long}])
        self.assertEqual(refused.exception.code, "context_length_exceeded")

    def test_just_fits(self):
        self.assertEqual(self.completion(prompt=[5] * 511, max_tokens=5)["usage"]["completion_tokens"], 2)
        self.assertEqual(self.completion(prompt=[5] * 512, max_tokens=0)["usage"]["prompt_tokens"], 512)

    def test_told_beforehand(self):
        for model in json.loads(self.server.get("/v1/models"))["data"]:
            self.assertEqual((model["max_model_len"], model["meta"]["n_ctx"]), (512, 512))
            self.assertEqual(model["meta"]["n_embd"], serving.WIDTH)
        props = json.loads(self.server.get("/props"))
        self.assertEqual(props["default_generation_settings"]["n_ctx"], 512)
        self.assertEqual(props["total_slots"], 2)
        self.assertIn("message", props["chat_template"])
        self.assertNotIn(self.folder.name, json.dumps(props))


class Queue(Serving):
    options = ("-np", "1", "-c", "4096", "--queue", "3")

    def fill(self, tokens):
        """Requests until the queue is full; the connections, and the refusal."""
        body = json.dumps({"prompt": "x", "max_tokens": tokens, "ignore_eos": True}).encode()
        opened = []
        while len(opened) < 20:
            raw = socket.create_connection(("127.0.0.1", self.server.port), built.PATIENCE)
            raw.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            opened.append(raw)
            raw.settimeout(0.3)
            try:
                answer = raw.recv(65536)
            except TimeoutError:
                continue
            if b" 503 " in answer:
                return opened, answer
        self.fail("the queue is never full")

    def test_when_to_come_back(self):
        """By what an answer takes, not by how long the last ones waited: short answers, and then a full queue."""
        for _ in range(3):
            self.post("/v1/completions", {"prompt": "x", "max_tokens": 1})
        opened, answer = self.fill(3500)
        seconds = int(answer.split(b"Retry-After: ")[1].split(b"\r\n")[0])
        self.assertIn(b"come back in", answer)
        for raw in opened:
            raw.close()
        self.assertLessEqual(seconds, 2)

    def test_many_at_once(self):
        """As many as evaluation programs open, with the usual queue."""
        with serving.Server(self.model, "-np", "2", "-c", "512") as server:
            statuses = []

            def ask():
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=built.PATIENCE)
                connection.request("POST", "/v1/completions", json.dumps({"prompt": "x", "max_tokens": 2}))
                statuses.append(connection.getresponse().status)
                connection.close()

            threads = [threading.Thread(target=ask) for _ in range(150)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(statuses, [200] * 150)


if __name__ == "__main__":
    unittest.main(verbosity=2)
