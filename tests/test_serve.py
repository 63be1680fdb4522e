"""test_serve.py: `trimtab serve` as its clients see it: OpenAI's own client library, and raw bytes where that is too polite."""

import http.client
import itertools
import json
import os
import socket
import threading
import time
import unittest

import openai

import built
import serving
from serving import PROMPT, Serving


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

    def test_stream_of_several_answers(self):
        """Not compared with a second request: the order in which things are computed decides their last bits, and so, at times, a token."""
        text, tokens, finish, events = [""] * 3, [""] * 3, [None] * 3, 0
        for event in self.chat(n=3, max_tokens=15, temperature=1.2, seed=5, stream=True, logprobs=True, extra_body={"ignore_eos": True}):
            for choice in event.choices:
                events += 1
                text[choice.index] += choice.delta.content or ""
                tokens[choice.index] += "".join(token.token for token in choice.logprobs.content) if choice.logprobs else ""
                finish[choice.index] = choice.finish_reason or finish[choice.index]
        self.assertEqual(text, tokens)
        self.assertEqual(len(set(text)), 3)  # a seed of its own for each
        self.assertEqual(finish, ["length"] * 3)
        self.assertGreater(events, 30)

    def test_stream_of_a_completion(self):
        fields = {"model": "tiny", "prompt": "One", "max_tokens": 10, "temperature": 0, "logprobs": 1}
        whole = self.client.completions.create(**fields).choices[0]
        events = [event.choices[0] for event in self.client.completions.create(stream=True, **fields)]
        self.assertEqual("".join(event.text for event in events), whole.text)
        self.assertEqual(sum((event.logprobs.token_logprobs for event in events if event.logprobs), []), whole.logprobs.token_logprobs)

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

    def test_logprobs_in_a_stream(self):
        whole = self.chat(logprobs=True, top_logprobs=2, max_tokens=8).choices[0].logprobs.content
        streamed = []
        for event in self.chat(logprobs=True, top_logprobs=2, max_tokens=8, stream=True):
            for choice in event.choices:
                streamed += choice.logprobs.content if choice.logprobs else []
        self.assertEqual([token.model_dump() for token in streamed], [token.model_dump() for token in whole])

    def test_samplers_have_an_effect(self):
        text = lambda **fields: self.chat(max_tokens=30, **fields).choices[0].message.content
        likeliest = text()
        self.assertEqual(text(temperature=1.5, seed=3, extra_body={"top_k": 1}), likeliest)
        self.assertEqual(text(temperature=1.5, seed=3, top_p=1e-6), likeliest)
        self.assertEqual(text(temperature=1.5, seed=3, extra_body={"min_p": 1}), likeliest)
        self.assertNotEqual(text(extra_body={"repeat_penalty": 5, "repeat_last_n": 64}), likeliest)
        self.assertNotEqual(text(frequency_penalty=50), likeliest)
        self.assertNotEqual(text(presence_penalty=50), likeliest)
        first = self.client.completions.create(model="tiny", prompt="One", max_tokens=1, temperature=0).choices[0].text
        _, _, tokens = self.post("/tokenize", {"content": first})
        banned = self.client.completions.create(model="tiny", prompt="One", max_tokens=1, temperature=0,
                                                logit_bias={str(token): -100 for token in tokens["tokens"]}).choices[0].text
        self.assertNotEqual(banned, first)
        for name, value in {"typical_p": 0.5, "top_n_sigma": 1.0, "xtc_probability": 0.5, "xtc_threshold": 0.1, "dynatemp_range": 0.5,
                            "dynatemp_exponent": 1.5, "dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 2,
                            "dry_penalty_last_n": 64, "mirostat": 2, "mirostat_tau": 5, "mirostat_eta": 0.1, "adaptive_target": 0.5,
                            "adaptive_decay": 0.5, "dry_sequence_breakers": ["\n", "x"]}.items():
            with self.subTest(sampler=name):
                self.assertTrue(self.chat(temperature=1, seed=1, extra_body={name: value}).choices)

    def test_grammar_and_samplers(self):
        text = lambda **fields: self.chat(temperature=1.5, seed=3, max_tokens=30, extra_body=fields).choices[0].message.content
        self.assertEqual(text(grammar='root ::= "yes" | "no"', samplers=["top_k"], top_k=0) in ("yes", "no"), True)
        self.assertEqual(text(grammar=""), text())
        likeliest = self.chat(max_tokens=30).choices[0].message.content
        self.assertEqual(text(samplers=["top_k", "temperature"], top_k=1), likeliest)
        self.assertNotEqual(text(samplers=["temperature"], top_k=1), likeliest)  # top_k is not in the list
        for field, value, why in (("grammar", "root ::= (", "grammar"), ("grammar", "(" * 1000, "parentheses"),
                                  ("grammar", "#" * 70000, "longer than"), ("grammar", 1, "should be text"),
                                  ("samplers", ["magic"], "'magic'"), ("samplers", "magic", "stands for no sampler"), ("samplers", 7, "list of texts"),
                                  ("samplers", ["top_k", 1], "list of texts"), ("dry_sequence_breakers", [""], "is empty"),
                                  ("dry_sequence_breakers", ["x"] * 65, "64 times"), ("top_k", 1.5, "whole number")):
            with self.subTest(field=field, value=str(value)[:20]):
                status, _, answer = self.post("/v1/completions", {"prompt": "One", "max_tokens": 1, field: value})
                self.assertEqual((status, answer["error"]["param"]), (400, field))
                self.assertIn(why, answer["error"]["message"])

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

    def test_value_0_is_the_debias_vector_alone(self):
        plain = self.chat().choices[0].message.content
        by_field = self.chat(extra_body={"steering": {"language": 0}})
        self.assertEqual(by_field.steering, "language=0")
        self.assertNotEqual(by_field.choices[0].message.content, plain)
        self.assertEqual(self.chat(model="tiny@ornate=0").choices[0].message.content, by_field.choices[0].message.content)
        self.assertEqual(self.post("/v1/steering", {"steering": {"language": 0}})[2]["mix"], "language=0")
        try:
            self.assertEqual(self.chat().choices[0].message.content, by_field.choices[0].message.content)
        finally:
            self.post("/v1/steering", {"steering": {}})

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
        self.assertGreater(ask({"language": 0.31}), 100)  # is still there
        prompt_tokens = self.server.metric("prompt_tokens_total")
        several = self.chat(messages=long[:] + [{"role": "assistant", "content": "So?"}, *long], n=4, max_tokens=1)
        self.assertLess(self.server.metric("prompt_tokens_total") - prompt_tokens, 1.5 * several.usage.prompt_tokens)  # read once, not 4 times

    def test_models_and_axes(self):
        names = [model.id for model in self.client.models.list()]
        self.assertEqual(names[1:], ["baroque"])
        self.assertEqual(self.client.models.retrieve("baroque").id, "baroque")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("nothing")
        axes = json.loads(self.server.get("/v1/axes"))
        self.assertRegex(axes["model"]["description"], r"^llama [1-9]\d*[KM] ")
        self.assertEqual([axis["name"] for axis in axes["axes"]], ["language", "empathy_vs_sociopathy", "optimism_vs_nihilism"])
        self.assertEqual(axes["axes"][0]["classes"], ["simple", "ornate"])
        self.assertEqual({axis["name"]: axis["safe_range"] for axis in axes["axes"]},
                         {"language": [-1, 1], "empathy_vs_sociopathy": [-1, 1], "optimism_vs_nihilism": [-0.5, 0.25]})
        self.assertEqual(len(axes["similarity"]), 3)
        self.assertEqual(len(axes["axes"][0]["strength"][1]), serving.BLOCKS)
        self.assertNotIn(self.folder.name, json.dumps(axes))

    def test_metrics_and_health(self):
        self.assertEqual(json.loads(self.server.get("/health")), {"status": "ok"})
        before = self.server.metric("written_tokens_total")
        self.chat(max_tokens=5)
        self.assertEqual(self.server.metric("slots"), 4)
        for line in self.server.get("/metrics").decode().splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) trimtab_\w+ .+|trimtab_\w+(\{\w+="[^"]*"\})? [0-9.e+-]+)$')
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
            "temperature": "hot", "top_p": "most", "n": 0, "max_tokens": -3, "stream": "yes", "seed": 1.5, "stop": 7, "top_k": 1.5,
            "presence_penalty": 1e9, "logit_bias": {"x": 1}, "top_logprobs": 3, "messages": "hello", "model": 3, "tools": [{}],
            "response_format": {"type": "xml"}, "stream_options": 1, "steering": [1],
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
        for value in ("nan", "inf", "-inf", "1e999", "0x1p9", ""):
            self.refused({"messages": PROMPT, "steering": "language=" + value}, "steering")
            self.refused({"messages": PROMPT, "model": "tiny@language=" + value}, "model")
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
        for path, allowed in (("/health", "GET, HEAD"), ("/v1/axes", "GET, HEAD")):
            status, headers, _ = self.post(path, {})
            self.assertEqual((status, headers["Allow"]), (405, allowed))
        for path, allowed in (("/tokenize", "POST"), ("/v1/steering", "GET, HEAD, POST")):
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=built.PATIENCE)
            connection.request("DELETE", path)
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, allowed))
            connection.close()
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
    options = ("-np", "1", "-c", "16384", "--queue", "2")
    long = {"max_tokens": 16000, "extra_body": {"ignore_eos": True}}

    def busy(self, slots, waiting):
        end = time.monotonic() + built.PATIENCE
        while time.monotonic() < end:
            if self.server.metric("slots_busy") == slots and self.server.metric("requests_waiting") == waiting:
                return
            time.sleep(0.01)
        self.fail(f"not {slots} busy and {waiting} waiting: {self.server.get('/metrics').decode()}")

    def start(self, address="127.0.0.1", tokens=16000):
        raw = socket.create_connection(("127.0.0.1", self.server.port), built.PATIENCE, source_address=(address, 0))
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
        self.assertLess(self.server.metric("written_tokens_total") - written, 15000)
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
        """Who sent three requests first does not keep the one slot from who sent one later."""
        order, threads = [], []

        def start(name, address, tokens):
            raw = self.start(address, tokens)

            def wait():
                raw.settimeout(built.PATIENCE)
                raw.recv(100)
                order.append(name)
                raw.close()

            threads.append(threading.Thread(target=wait))
            threads[-1].start()

        start("first", "127.0.0.1", 2000)
        self.busy(1, 0)
        start("second", "127.0.0.1", 300)
        self.busy(1, 1)
        start("other", "127.0.0.2", 300)
        self.busy(1, 2)
        for thread in threads:
            thread.join()
        self.assertEqual(order, ["first", "other", "second"])


class Departures(unittest.TestCase):
    """With a real model, whose tokens take milliseconds: a client that has gone costs no more than the token under way. On a busy machine
    more may be written before the client goes, so one such time of many is enough."""

    def test_a_slot_is_free_within_a_token(self):
        model = os.environ.get("TRIMTAB_MODEL")
        if not model or not os.path.exists(model):
            self.skipTest("TRIMTAB_MODEL names no model")
        with serving.Server(model, "-np", "1", "-c", "2048") as server:
            body = json.dumps({"prompt": "The sea", "max_tokens": 2000, "ignore_eos": True, "stream": True}).encode()
            costs, end = [], time.monotonic() + built.PATIENCE
            for tokens in itertools.cycle((1, 3, 7, 12)):
                if len(costs) >= 4 and (min(costs) <= 3 or time.monotonic() > end):
                    break
                written = server.metric("written_tokens_total")
                with socket.create_connection(("127.0.0.1", server.port), built.PATIENCE) as raw:
                    raw.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    received = b""
                    while received.count(b"data: ") < tokens:
                        part = raw.recv(65536)
                        self.assertTrue(part, received)
                        received += part
                    reached = server.metric("written_tokens_total") - written  # before the client goes
                while server.metric("slots_busy"):
                    time.sleep(0.001)
                costs.append(server.metric("written_tokens_total") - written - reached)
            # The token under way when it went, and what was written while the metrics were on their way.
            self.assertLessEqual(min(costs), 3, costs)
            self.assertEqual(server.metric("departures_total"), len(costs))


if __name__ == "__main__":
    unittest.main(verbosity=2)
