"""test_requests.py: what clients of other servers send: each form is taken with the same meaning, or refused by its name."""

import json
import unittest

from serving import PROMPT, Serving


class Requests(Serving):
    options = ("-np", "2", "-c", "1024", "--preset", "baroque=language=0.5", "--cors", "*")

    def completion(self, status=200, **fields):
        fields = {"prompt": "Once upon a time", "max_tokens": 4, "temperature": 0, "ignore_eos": True, **fields}
        got, _, answer = self.post("/v1/completions", fields)
        self.assertEqual(got, status, answer)
        return answer

    def conversation(self, messages=PROMPT, status=200, **fields):
        got, _, answer = self.post("/v1/chat/completions", {"messages": messages, "max_tokens": 4, "temperature": 0, **fields})
        self.assertEqual(got, status, answer)
        return answer

    def text(self, **fields):
        return self.completion(**fields)["choices"][0]["text"]

    def rendered(self, messages, **fields):
        status, _, answer = self.post("/apply-template", {"messages": messages, **fields})
        self.assertEqual(status, 200, answer)
        return answer["prompt"]


class Numbers(Requests):
    def test_no_limit(self):
        for fields in ({"max_tokens": -1}, {"n_predict": -2}, {"max_tokens": 99999999999}, {"max_tokens": 1e30}, {"max_tokens": None}):
            with self.subTest(fields):
                answer = self.completion(**{"max_tokens": None, **fields})
                self.assertEqual(answer["choices"][0]["finish_reason"], "length")
                self.assertGreater(answer["usage"]["total_tokens"], 500)  # as many as fit
        self.assertEqual(self.conversation(max_completion_tokens=99999999999, max_tokens=None)["object"], "chat.completion")

    def test_nothing_to_write(self):
        answer = self.completion(max_tokens=0)
        self.assertEqual((answer["choices"][0]["text"], answer["choices"][0]["finish_reason"]), ("", "length"))
        self.assertEqual(answer["usage"]["completion_tokens"], 0)

    def test_off(self):
        likeliest = self.text()
        for fields in ({"top_k": -1}, {"top_k": 0}, {"top_p": 1}, {"min_p": 0}, {"typical_p": 1}, {"repeat_penalty": 1},
                       {"repeat_last_n": -1}, {"dry_penalty_last_n": -1}, {"temperature": -1}, {"top_n_sigma": -1}, {"mirostat": 0}, {"seed": -1}):
            with self.subTest(fields):
                self.assertEqual(self.text(**fields), likeliest)

    def test_beyond_the_limits(self):
        """As llama-server has it: what is beyond a limit is the limit. Each value is one of two that write differently."""
        fields = {"temperature": 50, "top_k": 0, "top_p": 1, "min_p": 0, "seed": 3, "max_tokens": 30}
        for name, values in {"top_p": (1.5, 1, -1, 0), "min_p": (-0.5, 0, 2, 1), "typical_p": (7, 1, -1, 0), "xtc_probability": (-1, 0, 9, 1),
                             "top_n_sigma": (-5, -1, 0.5, 0.5), "dynatemp_range": (-3, 0, 49, 49), "top_k": (-7, 0, 10**12, 10**9)}.items():
            with self.subTest(name):
                beyond, least, other, same = (self.text(**{**fields, name: value}) for value in values)
                self.assertEqual((beyond, other), (least, same))
                self.assertNotEqual(beyond, other)
        self.text(adaptive_target=-3, adaptive_decay=2, xtc_threshold=-1, min_keep=-4, repeat_last_n=10**12)

    def test_top_k_off_is_no_limit(self):
        """-1 does not mean one token, nor the usual 40: with a high temperature any of the vocabulary may come."""
        fields = {"temperature": 50, "top_p": 1, "min_p": 0, "seed": 3, "max_tokens": 30}
        self.assertEqual(self.text(top_k=-1, **fields), self.text(top_k=0, **fields))
        self.assertNotEqual(self.text(top_k=-1, **fields), self.text(top_k=40, **fields))

    def test_any_seed(self):
        for seed in (0, 2**31, 2**32 - 1, 2**32, 2**53, 2**63, 2**64 - 1, -5, "42"):
            with self.subTest(seed=seed):
                self.text(seed=seed, temperature=1)
        self.assertEqual(self.text(seed="42", temperature=2), self.text(seed=42, temperature=2))
        self.refused({"prompt": "x", "seed": 1.5}, "seed", "/v1/completions")

    def test_numbers_as_text(self):
        self.assertEqual(self.text(max_tokens="3"), self.text(max_tokens=3))
        self.assertEqual(self.text(temperature="0.0"), self.text(temperature=0))
        for value in ("hot", "", "0x1", "1,5", " 1"):
            self.refused({"prompt": "x", "temperature": value}, "temperature", "/v1/completions")

    def test_null_is_nothing(self):
        nothing = dict.fromkeys(("temperature", "top_p", "top_k", "n", "stop", "seed", "logit_bias", "logprobs", "stream", "stream_options", "echo",
                                 "suffix", "tools", "tool_choice", "response_format", "steering", "user", "best_of", "grammar", "json_schema",
                                 "samplers", "min_p", "presence_penalty", "frequency_penalty", "repeat_penalty", "ignore_eos"))
        self.assertEqual(self.post("/v1/completions", {"prompt": "x", "max_tokens": 2, **nothing})[0], 200)
        self.conversation(**nothing)


class Stops(Requests):
    def test_empty_ones(self):
        whole = self.text()
        for stop in ("", [""], ["", "never to be seen"], [], [None]):
            with self.subTest(stop=stop):
                self.assertEqual(self.text(stop=stop), whole)

    def test_many_and_long_ones(self):
        whole = self.text(max_tokens=12)
        stops = [f"\n{name}:" for name in range(40)] + ["x" * 1000, whole[5:8]]
        self.assertEqual(self.text(max_tokens=12, stop=stops), whole[: whole.index(whole[5:8])])
        self.refused({"prompt": "x", "stop": ["a"] * 300}, "stop", "/v1/completions")
        self.refused({"prompt": "x", "stop": [1]}, "stop", "/v1/completions")


class Biases(Requests):
    def test_forms(self):
        first = self.text(max_tokens=1)
        tokens = self.post("/tokenize", {"content": first, "add_special": False})[2]["tokens"]
        for bias in ({str(token): -100 for token in tokens}, [[token, False] for token in tokens], [[token, -100.0] for token in tokens],
                     {str(token): "-100" for token in tokens}, [[first, False]]):
            with self.subTest(bias=bias):
                self.assertNotEqual(self.text(max_tokens=1, logit_bias=bias), first)
        self.assertNotEqual(self.text(max_tokens=1, custom_token_bans=",".join(map(str, tokens))), first)
        for bias in ([], {}):
            self.assertEqual(self.text(max_tokens=1, logit_bias=bias), first)

    def test_wrong_ones(self):
        for bias in ({"x": 1}, {"99999999": 1}, [[1]], [["x"]], [7], "x", {"1": "much"}, {"1": 1e9}, [[1, None]], {"1": True}):
            with self.subTest(bias=bias):
                self.refused({"prompt": "x", "logit_bias": bias}, "logit_bias", "/v1/completions")
        for bans in ("x", "1,,2", "999999999", [1]):
            self.refused({"prompt": "x", "custom_token_bans": bans}, "custom_token_bans", "/v1/completions")


class Prompts(Requests):
    def test_empty(self):
        for prompt in ("", [], [""], ["", "One"]):
            with self.subTest(prompt=prompt):
                if prompt == []:
                    self.refused({"prompt": prompt}, "prompt", "/v1/completions")
                else:
                    self.assertTrue(self.completion(prompt=prompt)["choices"][0]["text"])

    def test_tokens_and_text_mixed(self):
        once, upon = (self.post("/tokenize", {"content": text, "add_special": special})[2]["tokens"]
                      for text, special in (("Once", True), (" upon", False)))
        whole = self.text(prompt=once + upon)
        for prompt in (["Once", *upon], [*once, " upon"], [once + upon], {"prompt_string": "Once upon"}):
            with self.subTest(prompt=prompt):
                self.assertEqual(self.text(prompt=prompt), whole if not isinstance(prompt, dict) else self.text(prompt="Once upon"))
        for prompt in ([1, None], [1, [2]], [{}], [1, 1.5], [1, -1], None, {}, 7):
            self.refused({"prompt": prompt}, "prompt", "/v1/completions")

    def test_batches(self):
        answer = self.completion(prompt=[f"Number {i}" for i in range(150)], max_tokens=1)
        self.assertEqual([choice["index"] for choice in answer["choices"]], list(range(150)))
        self.refused({"prompt": ["x"] * 3000}, "prompt", "/v1/completions")
        self.refused({"prompt": ["x"] * 100, "n": 100}, "n", "/v1/completions")

    def test_logprobs_said_differently(self):
        self.assertEqual(len(self.completion(logprobs=True)["choices"][0]["logprobs"]["tokens"]), 4)
        self.assertIsNone(self.completion(logprobs=False)["choices"][0]["logprobs"])
        self.assertEqual(len(self.completion(n_probs=3)["choices"][0]["logprobs"]["top_logprobs"][0]), 3)
        self.assertEqual(len(self.conversation(n_probs=2)["choices"][0]["logprobs"]["content"][0]["top_logprobs"]), 2)
        self.refused({"messages": PROMPT, "top_logprobs": 3}, "top_logprobs")


class Messages(Requests):
    def test_content(self):
        user = [{"role": "user", "content": "Hello"}]
        plain = self.rendered([{"role": "user", "content": "Say only: one\ntwo"}])
        for content in ([{"type": "text", "text": "Say only: one"}, {"type": "text", "text": "two"}],
                        ["Say only: one", "two"], [{"type": "input_text", "text": "Say only: one\ntwo"}]):
            self.assertEqual(self.rendered([{"role": "user", "content": content}]), plain)
        for content in ([{"type": "image_url", "image_url": {"url": "data:,"}}], [{"type": "input_audio"}], [{"text": "x"}], [7], 7, None):
            with self.subTest(content=content):
                self.refused({"messages": [{"role": "user", "content": content}]}, "messages[0].content")
        self.refused({"messages": user + [{"role": "user"}]}, "messages[1].content")

    def test_nothing_in_an_assistants_message(self):
        history = lambda message: [PROMPT[0], {"role": "assistant", **message}, PROMPT[0]]
        empty = self.rendered(history({"content": ""}))
        for message in ({"content": None}, {}, {"content": []}, {"content": None, "tool_calls": []}, {"content": None, "refusal": None}):
            with self.subTest(message=message):
                self.assertEqual(self.rendered(history(message)), empty)
                self.conversation(history(message))

    def test_tools_in_the_history(self):
        call = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Rome\"}"}}
        history = [PROMPT[0], {"role": "assistant", "content": None, "tool_calls": [call]},
                   {"role": "tool", "tool_call_id": "a", "content": "It rains."}, {"role": "function", "name": "weather", "content": "Still."}]
        text = self.rendered(history)
        for part in ("weather", "Rome", "It rains.", "Still."):
            self.assertIn(part, text)
        self.conversation(history)
        self.refused({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role")

    def test_tools_that_may_not_be_called(self):
        tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
        plain = self.conversation()["choices"][0]["message"]["content"]
        for fields in ({"tools": [tool], "tool_choice": "none"}, {"tools": []}, {"functions": [{"name": "f"}], "function_call": "none"},
                       {"tool_choice": "auto"}, {"parallel_tool_calls": False}):
            with self.subTest(fields):
                self.assertEqual(self.conversation(**fields)["choices"][0]["message"]["content"], plain)
        for choice in ({}, {"tool_choice": "auto"}, {"tool_choice": "required"}, {"tool_choice": {"type": "function", "function": {"name": "f"}}}):
            self.assertIn("tool_choice", self.refused({"messages": PROMPT, "tools": [tool], **choice}, "tools"))
        self.refused({"messages": PROMPT, "functions": [{"name": "f"}]}, "functions")

    def test_going_on(self):
        history = PROMPT + [{"role": "assistant", "content": "The sea is"}]
        begun = self.rendered(history)
        self.assertTrue(begun.endswith("The sea is"))
        self.assertEqual(begun, self.rendered(PROMPT) + "The sea is")
        self.assertEqual(self.rendered(history, continue_final_message=True, add_generation_prompt=False), begun)
        anew = self.rendered(history, continue_final_message=False)
        self.assertFalse(anew.endswith("The sea is"))
        self.assertIn("The sea is", anew)
        self.conversation(history)
        self.refused({"messages": PROMPT, "continue_final_message": True}, "continue_final_message")
        self.refused({"messages": PROMPT, "add_generation_prompt": False}, "add_generation_prompt")


class NamedTemplate(Requests):
    options = (*Requests.options, "--chat-template", "llama3")

    def test_going_on(self):
        history = PROMPT + [{"role": "assistant", "content": "The sea is"}]
        self.assertTrue(self.rendered(history).endswith("The sea is"))
        self.assertFalse(self.rendered(history, continue_final_message=False).endswith("The sea is"))


class Constraints(Requests):
    """Nothing is silently unconstrained."""

    def test_refused_by_name(self):
        for name, value in {
            "guided_regex": "a+", "structured_outputs": {"regex": "a+"}, "grammar_triggers": ["a"], "banned_strings": ["a"],
            "min_tokens": 5, "stop_token_ids": [3], "bad_words": ["a"], "allowed_token_ids": [3], "use_beam_search": True, "best_of": 3,
            "suffix": "end", "lora": [{"id": 0, "scale": 1}], "tfs": 0.5, "top_a": 0.2,
            "guidance_scale": 2, "smoothing_factor": 0.3, "num_beams": 2, "prompt_logprobs": 3, "post_sampling_probs": True, "chat_template": "{{ x }}",
        }.items():
            for path, fields in (("/v1/chat/completions", {"messages": PROMPT}), ("/v1/completions", {"prompt": "x"})):
                with self.subTest(name=name, path=path):
                    self.refused({**fields, "max_tokens": 1, name: value}, name, path)
        for type in ("json_schema", "grammar"):  # one without its schema, and one that does not exist
            self.refused({"messages": PROMPT, "response_format": {"type": type}}, "response_format")
        self.refused({"messages": PROMPT, "modalities": ["text", "audio"]}, "modalities")

    def test_grammars_by_other_names(self):
        for name in ("grammar", "guided_grammar", "grammar_string"):
            with self.subTest(name=name):
                self.assertEqual(self.text(**{name: 'root ::= "yes"', "ignore_eos": None, "max_tokens": 20}), "yes")
                self.refused({"prompt": "x", name: "root ::= ("}, "grammar", "/v1/completions")

    def test_values_that_ask_for_nothing(self):
        for name, value in {
            "grammar": "", "json_schema": {}, "guided_json": None, "banned_strings": [], "min_tokens": 0, "stop_token_ids": [], "best_of": 1,
            "suffix": "", "lora": [], "tfs": 1, "top_a": 0, "guidance_scale": 1, "smoothing_factor": 0, "num_beams": 1, "chat_template_kwargs": {},
            "use_beam_search": False, "response_format": {"type": "text"}, "modalities": ["text"], "samplers": [], "custom_token_bans": "",
        }.items():
            with self.subTest(name=name):
                self.conversation(**{name: value})

    def test_other_names_for_limits_and_stops(self):
        whole = self.text(max_tokens=30)
        self.assertEqual(self.text(max_tokens=None, max_new_tokens=30), whole)
        self.assertEqual(self.text(max_tokens=None, max_length=30), whole)
        for name in ("stop_sequence", "stop_sequences", "stopping_strings"):
            self.assertEqual(self.text(max_tokens=30, **{name: [whole[3]]}), whole[:whole.index(whole[3])])

    def test_other_names_for_the_same(self):
        fields = {"max_tokens": 30}
        likeliest = self.text(**fields)
        penalised = self.text(repeat_penalty=5, repeat_last_n=64, **fields)
        self.assertNotEqual(likeliest, penalised)
        self.assertEqual(self.text(repetition_penalty=5, repeat_last_n=64, **fields), penalised)
        self.assertEqual(self.text(rep_pen=5, rep_pen_range=64, **fields), penalised)
        self.refused({"prompt": "x", "repetition_penalty": "much"}, "repetition_penalty", "/v1/completions")
        self.assertEqual(self.text(ban_eos_token=True, ignore_eos=None, **fields), likeliest)

    def test_samplers(self):
        fields = {"temperature": 3, "seed": 1, "max_tokens": 20}
        usual = self.text(**fields)
        self.assertEqual(self.text(samplers=["penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"], **fields), usual)
        self.assertNotEqual(self.text(samplers=["temperature"], **fields), usual)
        self.assertEqual(self.text(samplers="t", **fields), self.text(samplers=["temperature"], **fields))
        self.refused({"prompt": "x", "samplers": ["wizardry"]}, "samplers", "/v1/completions")
        self.refused({"prompt": "x", "samplers": [1]}, "samplers", "/v1/completions")


class Paths(Requests):
    def test_other_ways_to_write_them(self):
        chat = {"messages": PROMPT, "max_tokens": 1}
        for path in ("/chat/completions", "//v1/chat/completions", "/v1//chat/completions/", "/v1/chat/completions/"):
            self.assertEqual(self.post(path, chat)[0], 200, path)
        for path in ("/completions", "/v1/completions/"):
            self.assertEqual(self.post(path, {"prompt": "x", "max_tokens": 1})[0], 200, path)
        for path in ("/models", "/v1/models/", "//v1/models", "/models/baroque", "/v1/health", "/health/", "/props", "/v1/metrics"):
            self.assertTrue(self.server.get(path), path)
        self.assertEqual(json.loads(self.server.get("/models/baroque"))["id"], "baroque")

    def test_nowhere(self):
        status, _, answer = self.post("/v1/chat/completion", {})
        self.assertEqual(status, 404)
        self.assertIn("did you mean '/v1/chat/completions'?", answer["error"]["message"])
        for path in ("/v2/models", "/" + "x" * 3000, "/v1/../v1/nothing", "/v1"):
            self.assertEqual(self.post(path, {})[0], 404, path[:30])


class Tokens(Requests):
    def tokens(self, **fields):
        status, _, answer = self.post("/tokenize", fields)
        self.assertEqual(status, 200, answer)
        return answer

    def test_forms(self):
        llamas, vllms = self.tokens(content="Once upon"), self.tokens(prompt="Once upon")
        self.assertEqual(llamas["tokens"], vllms["tokens"])
        self.assertEqual(vllms["count"], len(vllms["tokens"]))
        self.assertEqual(vllms["max_model_len"], 512)
        rendered = self.tokens(messages=PROMPT)
        self.assertEqual(rendered["tokens"], self.tokens(content=self.rendered(PROMPT))["tokens"])
        self.refused({}, "content", "/tokenize")

    def test_special_tokens(self):
        """The beginning is added and control tokens are read unless the client says otherwise."""
        beginning = self.tokens(content="")["tokens"]
        self.assertEqual(self.tokens(content="One")["tokens"], beginning + self.tokens(content="One", add_special=False)["tokens"])
        self.assertEqual(self.tokens(content="One", add_special_tokens=False)["tokens"], self.tokens(content="One", add_special=False)["tokens"])
        control = next(piece["piece"] for piece in self.tokens(content="<s></s><|im_end|>", add_special=False, with_pieces=True)["tokens"])
        read = self.tokens(content=control, add_special=False)["count"]
        self.assertLessEqual(read, self.tokens(content=control, add_special=False, parse_special=False)["count"])

    def test_pieces_and_back(self):
        for text in ("Once upon a time", "Grüße 😀"):
            pieces = self.tokens(content=text, add_special=False, with_pieces=True)["tokens"]
            raw = b"".join(p["piece"].encode() if isinstance(p["piece"], str) else bytes(p["piece"]) for p in pieces)
            self.assertIn(text.encode(), raw)
            status, _, answer = self.post("/detokenize", {"tokens": [p["id"] for p in pieces]})
            self.assertEqual((status, answer["content"], answer["prompt"]), (200, raw.decode(), raw.decode()))
        for tokens in (None, "x", [10**9], [-1], [1.5], ["x"]):
            self.refused({"tokens": tokens}, "tokens", "/detokenize")
        self.assertEqual(self.post("/detokenize", {"tokens": []})[2]["content"], "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
