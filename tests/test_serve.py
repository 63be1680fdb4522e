"""test_serve.py: `trimtab serve` as its clients see it: OpenAI's own client library, and raw bytes where that is too polite."""

import http.client
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import openai

import serving

PROMPT = [{"role": "user", "content": "Tell me of the sea."}]


class Serving(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="trimtab-serve-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = serving.make_model(cls.folder.name)
        cls.vectors = serving.make_vectors(os.path.join(cls.folder.name, "vectors"))
        cls.server = cls.enterClassContext(serving.Server(cls.model, "--vectors", cls.vectors, *cls.options))
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key="none", max_retries=0)

    def post(self, path, body, headers=None):
        """Status, headers and parsed JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, data, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, response.headers, json.loads(text)

    def chat(self, **fields):
        fields = {"model": "tiny", "messages": PROMPT, "max_tokens": 12, "temperature": 0, **fields}
        return self.client.chat.completions.create(**fields)

    def refused(self, body, field, path="/v1/chat/completions", status=400):
        got, _, answer = self.post(path, body)
        self.assertEqual(got, status, answer)
        self.assertEqual(answer["error"]["param"], field, answer)
        self.assertNotIn(self.folder.name, answer["error"]["message"])
        return answer["error"]["message"]


class Answers(Serving):
    options = ("-np", "4", "-c", "2048", "--preset", "baroque=language=0.5,empathy_vs_sociopathy=-0.3")

    def test_chat(self):
        answer = self.chat()
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertTrue(answer.choices[0].message.content)
        self.assertIn(answer.choices[0].finish_reason, ("length", "stop"))
        self.assertEqual(answer.usage.completion_tokens, 12)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + 12)

    def test_stream_is_the_same_text(self):
        whole = self.chat(max_tokens=20)
        parts, usage, finish = [], None, None
        for event in self.chat(max_tokens=20, stream=True, stream_options={"include_usage": True}):
            usage = event.usage or usage
            for choice in event.choices:
                parts.append(choice.delta.content or "")
                finish = choice.finish_reason or finish
        self.assertEqual("".join(parts), whole.choices[0].message.content)
        self.assertGreater(len(parts), 3)
        self.assertEqual(finish, whole.choices[0].finish_reason)
        self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)

    def test_completion_echo_and_several(self):
        answer = self.client.completions.create(model="tiny", prompt=["One", "Two"], n=2, max_tokens=3, echo=True, temperature=0)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2, 3])
        self.assertTrue(all(answer.choices[i].text.startswith(("One", "Two")[i // 2]) for i in range(4)))
        self.assertEqual(answer.choices[0].text, answer.choices[1].text)
        self.assertEqual(answer.usage.completion_tokens, 12)

    def test_prompt_of_tokens(self):
        _, _, tokens = self.post("/tokenize", {"content": "Once upon"})
        by_text = self.client.completions.create(model="tiny", prompt="Once upon", max_tokens=5, temperature=0)
        by_token = self.client.completions.create(model="tiny", prompt=tokens["tokens"], max_tokens=5, temperature=0)
        self.assertEqual(by_text.choices[0].text, by_token.choices[0].text)

    def test_seed(self):
        first = self.chat(temperature=1.5, seed=7, max_tokens=20).choices[0].message.content
        self.assertEqual(first, self.chat(temperature=1.5, seed=7, max_tokens=20).choices[0].message.content)
        self.assertNotEqual(first, self.chat(temperature=1.5, seed=8, max_tokens=20).choices[0].message.content)

    def test_stop(self):
        whole = self.chat(max_tokens=30).choices[0].message.content
        stop = whole[7:10]
        answer = self.chat(max_tokens=30, stop=["never to be seen", stop]).choices[0]
        self.assertEqual(answer.message.content, whole[: whole.index(stop)])
        self.assertEqual(answer.finish_reason, "stop")
        streamed = "".join(e.choices[0].delta.content or "" for e in self.chat(max_tokens=30, stop=stop, stream=True))
        self.assertEqual(streamed, whole[: whole.index(stop)])

    def test_logprobs(self):
        chat = self.chat(logprobs=True, top_logprobs=3, max_tokens=4).choices[0].logprobs.content
        self.assertEqual(len(chat), 4)
        for token in chat:
            self.assertEqual(len(token.top_logprobs), 3)
            self.assertEqual(token.logprob, token.top_logprobs[0].logprob)  # the temperature is 0
            self.assertLessEqual(token.logprob, 0)
        completion = self.client.completions.create(model="tiny", prompt="One", max_tokens=4, logprobs=2, temperature=0).choices[0].logprobs
        self.assertEqual([len(x) for x in (completion.tokens, completion.token_logprobs, completion.top_logprobs)], [4, 4, 4])

    def test_four_ways_to_steer(self):
        plain = self.chat().choices[0].message.content
        by_field = self.chat(extra_body={"steering": {"language": 0.5}})
        self.assertNotEqual(by_field.choices[0].message.content, plain)
        self.assertEqual(by_field.steering, "language=0.5")
        by_name = self.chat(model="tiny@language=0.5")
        self.assertEqual(by_name.choices[0].message.content, by_field.choices[0].message.content)
        by_class = self.chat(extra_body={"steering": "ornate=0.5"})
        self.assertEqual(by_class.steering, "language=0.5")
        by_preset = self.chat(model="baroque")
        self.assertEqual(by_preset.steering, "empathy_vs_sociopathy=-0.3,language=0.5")
        status, _, now = self.post("/v1/steering", {"steering": {"language": 0.5}})
        self.assertEqual((status, now["mix"]), (200, "language=0.5"))
        try:
            self.assertEqual(self.chat().choices[0].message.content, by_field.choices[0].message.content)
            self.assertEqual(self.chat(extra_body={"steering": {}}).choices[0].message.content, plain)
        finally:
            self.post("/v1/steering", {"steering": {}})
        self.assertEqual(self.chat().choices[0].message.content, plain)

    def test_different_mixes_at_once_as_alone(self):
        mixes = [{}, {"language": 0.7}, {"language": -0.7}, {"empathy_vs_sociopathy": 0.5}, {"language": 0.2, "optimism_vs_nihilism": 0.2}]
        alone = [self.chat(max_tokens=24, extra_body={"steering": mix}).choices[0].message.content for mix in mixes]
        self.assertEqual(len(set(alone)), len(mixes))
        together = [None] * len(mixes)

        def ask(i):
            together[i] = self.chat(max_tokens=24, extra_body={"steering": mixes[i]}).choices[0].message.content

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(mixes))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(together, alone)

    def test_prefix_is_used_again_for_the_same_mix_alone(self):
        long = [{"role": "user", "content": "The sea was calm that morning, and nobody spoke a word. " * 4}]
        ask = lambda mix: self.chat(messages=long, max_tokens=1, extra_body={"steering": mix}).usage.prompt_tokens_details.cached_tokens
        self.assertEqual(ask({"language": 0.31}), 0)
        self.assertGreater(ask({"language": 0.31}), 100)
        self.assertEqual(ask({"language": 0.32}), 0)

    def test_models_and_axes(self):
        names = [model.id for model in self.client.models.list()]
        self.assertEqual(names[1:], ["baroque"])
        self.assertEqual(self.client.models.retrieve("baroque").id, "baroque")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("nothing")
        axes = json.loads(self.server.get("/v1/axes"))
        self.assertEqual([axis["name"] for axis in axes["axes"]], ["language", "optimism_vs_nihilism", "empathy_vs_sociopathy"][: len(axes["axes"])]
                         if axes["axes"][1]["name"] == "optimism_vs_nihilism" else ["language", "empathy_vs_sociopathy", "optimism_vs_nihilism"])
        self.assertEqual(axes["axes"][0]["classes"], ["simple", "ornate"])
        self.assertEqual(len(axes["similarity"]), 3)
        self.assertEqual(len(axes["axes"][0]["strength"][1]), serving.BLOCKS)
        self.assertNotIn(self.folder.name, json.dumps(axes))

    def test_metrics_and_health(self):
        self.assertEqual(json.loads(self.server.get("/health")), {"status": "ok"})
        before = self.server.metric("written_tokens_total")
        self.chat(max_tokens=5)
        self.assertEqual(self.server.metric("slots"), 4)
        self.assertGreaterEqual(self.server.metric("written_tokens_total"), before + 4)

    def test_page(self):
        page = self.server.get("/").decode()
        self.assertTrue(page.lstrip().lower().startswith("<!doctype html>"))
        self.assertNotRegex(page, r'(src|href)="https?://')


class Errors(Serving):
    options = ("-np", "1", "-c", "256", "--max-body", "20000")

    def test_wrong_fields_are_named(self):
        good = {"messages": PROMPT, "max_tokens": 1}
        for field, value in {
            "temperature": "hot", "top_p": 1.5, "n": 0, "max_tokens": -3, "stream": "yes", "seed": 1.5, "stop": 7, "top_k": -1,
            "presence_penalty": 1e9, "logit_bias": {"x": 1}, "top_logprobs": 3, "messages": "hello", "model": 3, "tools": [{}],
            "response_format": {"type": "json_object"}, "stream_options": 1, "steering": [1],
        }.items():
            with self.subTest(field=field):
                self.refused({**good, field: value}, field)
        self.refused({"max_tokens": 1}, "messages")
        self.refused({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role")
        self.refused({"messages": PROMPT + [{"role": "user"}]}, "messages[1].content")
        self.refused({"messages": PROMPT, "steering": {"langage": 1}}, "steering")
        self.assertIn("did you mean 'language'", self.refused({"messages": PROMPT, "steering": {"langage": 1}}, "steering"))
        self.refused({"messages": PROMPT, "model": "x@language=loud"}, "model")
        for value in (1e300, -101, "0.5", None, True):
            self.refused({"messages": PROMPT, "steering": {"language": value}}, "steering")
        self.refused({"messages": PROMPT, "steering": {"../../etc/passwd": 1}}, "steering")
        self.refused({"prompt": 3}, "prompt", "/v1/completions")
        self.refused({"prompt": [1, 10**9]}, "prompt", "/v1/completions")
        self.refused({"prompt": "x " * 400}, "prompt", "/v1/completions")
        self.refused({"steering": {"nowhere": 1}}, "steering", "/v1/steering")
        self.refused({}, "content", "/tokenize")

    def test_broken_bodies(self):
        for body in (b"", b"{", b"[]", b"null", b'{"messages": NaN}', b'{"a": "\xff"}', b'{"temperature": 1e999}', b"\x00" * 50, b"[" * 5000):
            with self.subTest(body=body[:20]):
                status, _, answer = self.post("/v1/chat/completions", body)
                self.assertEqual(status, 400, answer)
        self.assertTrue(self.chat(max_tokens=1).choices)

    def test_too_large_and_nowhere(self):
        status, _, _ = self.post("/v1/chat/completions", b"x" * 30000)
        self.assertEqual(status, 413)
        self.assertEqual(self.post("/v1/nothing", {})[0], 404)
        self.assertEqual(self.post("/health", {})[0], 405)
        chunks = b"".join(b"%x\r\n%s\r\n" % (5000, b"x" * 5000) for _ in range(6)) + b"0\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.server.port), 10) as raw:
            raw.sendall(b"POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
            self.assertIn(b" 413 ", raw.recv(200))

    def test_pages_of_strangers(self):
        body = {"steering": {"language": 1}}
        self.assertEqual(self.post("/v1/steering", body, {"Origin": "http://evil.example"})[0], 403)
        self.assertEqual(self.post("/v1/steering", body, {"Host": "evil.example"})[0], 403)
        self.assertEqual(self.post("/v1/steering", {"steering": {}}, {"Origin": self.server.url})[0], 200)
        self.assertEqual(json.loads(self.server.get("/v1/steering"))["mix"], "")

    def test_answer_ends_with_the_context(self):
        answer = self.chat(max_tokens=10000, extra_body={"ignore_eos": True})
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertLessEqual(answer.usage.total_tokens, 257)


class Scheduling(Serving):
    options = ("-np", "1", "-c", "2048", "--queue", "2")
    long = {"max_tokens": 2000, "extra_body": {"ignore_eos": True}}

    def busy(self, slots, waiting, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.server.metric("slots_busy") == slots and self.server.metric("requests_waiting") == waiting:
                return
            time.sleep(0.01)
        self.fail(f"not {slots} busy and {waiting} waiting: {self.server.get('/metrics').decode()}")

    def start(self, address="127.0.0.1", tokens=1900):
        raw = socket.create_connection(("127.0.0.1", self.server.port), 10, source_address=(address, 0))
        body = json.dumps({"prompt": "x", "max_tokens": tokens, "ignore_eos": True, "stream": False}).encode()
        raw.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return raw

    def test_departure_frees_the_slot(self):
        first = self.start()
        self.busy(1, 0)
        second = self.start()
        self.busy(1, 1)
        written = self.server.metric("written_tokens_total")
        second.close()  # one that waits goes away too
        self.busy(1, 0)
        first.close()
        self.busy(0, 0)
        self.assertLess(self.server.metric("written_tokens_total") - written, 1500)
        stream = self.chat(stream=True, **self.long)
        next(iter(stream))
        stream.close()
        self.busy(0, 0)

    def test_full_queue(self):
        waiting = [self.start()]
        self.busy(1, 0)
        waiting += [self.start(), self.start()]
        self.busy(1, 2)
        status, headers, _ = self.post("/v1/completions", {"prompt": "x", "max_tokens": 1})
        self.assertEqual(status, 503)
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        for raw in waiting:
            raw.close()
        self.busy(0, 0)

    def test_fair_between_clients(self):
        """Who came first with two requests does not keep a slot from who came later with one."""
        order, lock = [], threading.Lock()

        def wait_for(name, raw):
            raw.recv(100)
            with lock:
                order.append(name)
            raw.close()

        holder = self.start(tokens=300)
        self.busy(1, 0)
        requests = [("b", self.start("127.0.0.2", 5))]
        self.busy(1, 1)
        requests += [("c", self.start("127.0.0.3", 5))]
        threads = [threading.Thread(target=wait_for, args=request) for request in [("a", holder)] + requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(order, ["a", "b", "c"])


class Access(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="trimtab-serve-")
        self.addCleanup(self.folder.cleanup)
        self.model = serving.make_model(self.folder.name)

    def fails(self, *options):
        result = subprocess.run([os.environ["TRIMTAB"], "serve", "-m", self.model, "--port", "0", *options], capture_output=True, timeout=60)
        self.assertNotEqual(result.returncode, 0)
        return result.stderr.decode()

    def test_keys(self):
        keys = os.path.join(self.folder.name, "keys")
        with open(keys, "w", encoding="utf-8") as file:
            file.write("first-key\nsecond-key\n")
        with serving.Server(self.model, "--api-key-file", keys) as server:
            for key, good in (("second-key", True), ("first-key", True), ("second-ke", False), ("", False)):
                client = openai.OpenAI(base_url=server.url + "/v1", api_key=key or "x", max_retries=0)
                if good:
                    self.assertTrue(client.models.list().data)
                else:
                    self.assertRaises(openai.AuthenticationError, client.models.list)
            self.assertEqual(json.loads(server.get("/health")), {"status": "ok"})

    def test_exposed_without_key(self):
        self.assertIn("--api-key-file", self.fails("--host", "0.0.0.0"))
        self.assertIn("belong together", self.fails("--tls-cert", self.model))
        self.assertIn("no axis", self.fails("--axis", "language=1"))

    def test_cors_only_when_asked_for(self):
        with serving.Server(self.model, "--cors", "https://friend.example") as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            connection.request("OPTIONS", "/v1/models", headers={"Origin": "https://friend.example"})
            response = connection.getresponse()
            self.assertEqual(response.status, 204)
            self.assertEqual(response.headers["Access-Control-Allow-Origin"], "https://friend.example")

    def test_silent_connections_are_hung_up_on(self):
        with serving.Server(self.model, "--idle", "1") as server:
            with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
                raw.sendall(b"GET / HT")
                raw.settimeout(10)
                self.assertEqual(raw.recv(10), b"")

    def test_end_waits_for_running_answers(self):
        with serving.Server(self.model, "-c", "1024", "--grace", "30") as server:
            client = openai.OpenAI(base_url=server.url + "/v1", api_key="x", max_retries=0)
            stream = iter(client.completions.create(model="x", prompt="x", max_tokens=200, stream=True, extra_body={"ignore_eos": True}))
            next(stream)
            server.process.terminate()
            finish = [event.choices[0].finish_reason for event in stream][-1]
            self.assertEqual(finish, "length")
            self.assertEqual(server.process.wait(30), 0)  # a second signal would end it at once

    def test_short_grace(self):
        with serving.Server(self.model, "-c", "100000", "-np", "1", "--grace", "0.1") as server:
            client = openai.OpenAI(base_url=server.url + "/v1", api_key="x", max_retries=0)
            stream = iter(client.completions.create(model="x", prompt="x", stream=True, extra_body={"ignore_eos": True}))
            next(stream)
            begin = time.monotonic()
            self.assertEqual(server.end(), 0)
            self.assertLess(time.monotonic() - begin, 10)


if __name__ == "__main__":
    unittest.main()
