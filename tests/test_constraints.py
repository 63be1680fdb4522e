"""test_constraints.py: answers that must look like something: JSON schemas, any JSON object, one of several texts, in the forms of OpenAI,
llama.cpp and vLLM. The model is tiny and random, so whatever fits is the constraint's doing."""
import json
import random
import unittest

import jsonschema
import pydantic

import chat_helper
from serving import PROMPT, Serving

OBJECT = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "minimum": 0, "maximum": 120}},
          "required": ["name", "age"], "additionalProperties": False}


def scalar(draw):
    return draw.choice([
        {"type": "integer", "minimum": draw.randint(-50, 0), "maximum": draw.randint(1, 2000)}, {"type": "boolean"}, {"type": "null"},
        {"type": "string", "maxLength": draw.randint(1, 6)}, {"type": "string", "minLength": 2, "maxLength": 3}, {"const": draw.choice([1, "a\"b", None, [True]])},
        {"enum": draw.sample(["low", "high", 3, None, False, {"a": 1}], 3)}, {"type": "string", "pattern": "^[a-c]{2,3}-[0-9]$"},
        {"type": ["integer", "null"], "minimum": 3, "maximum": 9}, {"type": "string", "format": "date"}, {"type": "string", "format": "uuid"},
    ])


def schema(draw, depth=2):
    """A schema whose answers are short."""
    if not depth or draw.random() < 0.3:
        return scalar(draw)
    kind = draw.choice(["object", "array", "tuple", "any", "reference"])
    if kind == "object":
        names = draw.sample(["a", "b c", "d\"", "é", "e/f"], draw.randint(1, 3))
        return {"type": "object", "title": "T", "properties": {name: schema(draw, depth - 1) for name in names},
                "required": draw.sample(names, draw.randint(0, len(names))), "additionalProperties": False}
    if kind == "array":
        return {"type": "array", "items": schema(draw, depth - 1), "minItems": draw.randint(0, 1), "maxItems": draw.randint(1, 3)}
    if kind == "tuple":
        return {"type": "array", "prefixItems": [schema(draw, depth - 1) for _ in range(draw.randint(1, 2))]}
    if kind == "any":
        return {"anyOf": [schema(draw, depth - 1), scalar(draw)]}
    return {"$ref": "#/$defs/thing"}


def whole(draw):
    return {**schema(draw), "$defs": {"thing": scalar(draw)}}


@unittest.skipUnless(chat_helper.EXISTS, "trimtab-chat was not built")
class Constraints(Serving):
    options = ("-np", "2", "-c", "4096")

    def text(self, path="/v1/chat/completions", **fields):
        """The answer, which must have come to its end."""
        start = {"messages": PROMPT} if "chat" in path else {"prompt": "Hello"}
        status, _, answer = self.post(path, {**start, "max_tokens": 1500, "temperature": 1, **fields})
        self.assertEqual(status, 200, answer)
        choice = answer["choices"][0]
        self.assertEqual(choice["finish_reason"], "stop", answer)
        return choice["message"]["content"] if "chat" in path else choice["text"]

    def test_random_schemas(self):
        draw = random.Random(2)
        for number in range(40):
            wanted = whole(draw)
            with self.subTest(schema=json.dumps(wanted)):
                fields = draw.choice([{"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": wanted, "strict": True}}},
                                      {"response_format": {"type": "json_object", "schema": wanted}}, {"json_schema": wanted}, {"guided_json": wanted},
                                      {"guided_json": json.dumps(wanted)}, {"structured_outputs": {"json": wanted}}])
                path = draw.choice(["/v1/chat/completions", "/v1/completions"])
                jsonschema.validate(json.loads(self.text(path, seed=number, **fields)), wanted)

    def test_openais_client(self):
        class Person(pydantic.BaseModel):
            name: str = pydantic.Field(max_length=5)
            age: int = pydantic.Field(ge=0, le=150)
            mood: "str | None" = pydantic.Field(default=None, max_length=3)

        answer = self.client.chat.completions.parse(model="tiny", messages=PROMPT, response_format=Person, max_tokens=1500, seed=4)
        self.assertLessEqual(answer.choices[0].message.parsed.age, 150)
        pieces = self.client.chat.completions.create(model="tiny", messages=PROMPT, stream=True, max_tokens=1500, seed=5, response_format={
            "type": "json_schema", "json_schema": {"name": "person", "schema": OBJECT}})
        jsonschema.validate(json.loads("".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)), OBJECT)

    def test_any_object(self):
        for fields in ({"response_format": {"type": "json_object"}}, {"structured_outputs": {"json_object": True}}):
            for seed in range(3):  # which may be long: then its beginning counts
                status, _, answer = self.post("/v1/chat/completions", {"messages": PROMPT, "max_tokens": 200, "seed": seed, **fields})
                self.assertEqual((status, answer["choices"][0]["message"]["content"][0]), (200, "{"))

    def test_one_of_several_texts(self):
        texts = ["yes", "no", 'per"haps\\', "two\nlines", "süß"]
        seen = {self.text(seed=seed, temperature=3, **fields) for seed in range(12)
                for fields in ({"guided_choice": texts}, {"structured_outputs": {"choice": texts}})}
        self.assertLessEqual(seen, set(texts))
        self.assertGreater(len(seen), 1)
        self.assertEqual(self.text(structured_outputs={"grammar": 'root ::= "abc"'}), "abc")

    def test_what_cannot_be_enforced_is_named(self):
        for keyword, wanted in {
            "multipleOf": {"type": "integer", "multipleOf": 3}, "uniqueItems": {"type": "array", "items": {"type": "null"}, "uniqueItems": True},
            "minimum": {"type": "number", "minimum": 1}, "not": {"type": "string", "not": {"const": "a"}}, "if": {"if": {}, "then": {}},
            "patternProperties": {"type": "object", "patternProperties": {"a": {}}}, "minLength": {"type": "string", "pattern": "^a$", "minLength": 3},
            "required": {"type": "object", "properties": {}, "required": ["a"]}, "$ref": {"$ref": "https://example.com/schema"},
            "properties": {"anyOf": [{"type": "null"}], "properties": {}}, "maxItems": {"type": "array", "prefixItems": [{}], "maxItems": 3},
            "minProperties": {"type": "object", "minProperties": 2}, "allOf": {"allOf": [{"type": "string"}, {"maxLength": 3}]},
            "exclusiveMinimum": {"type": "integer", "minimum": 1, "exclusiveMinimum": 3}, "type": {"type": ["string", "integer"], "minimum": 3, "maxLength": 3},
            "wizard": {"type": "wizard"},
        }.items():
            with self.subTest(keyword):
                deep = {"type": "object", "properties": {"deep": {"type": "array", "items": wanted}}}
                for schema_, place in ((wanted, ""), (deep, " at /deep/items")):
                    said = self.refused({"messages": PROMPT, "response_format": {"type": "json_schema", "json_schema": {"schema": schema_}}}, "response_format")
                    self.assertIn(f"the schema{place}: '{keyword}'", said)
        self.assertEqual(self.text(json_schema={"type": "string", "maxLength": 1, "x-mine": 3, "examples": ["a"], "format": "mail"}, seed=1)[0], '"')

    def test_what_makes_no_sense(self):
        for field, value in (("response_format", {"type": "xml"}), ("response_format", {"type": "json_schema"}), ("json_schema", "{"),
                             ("response_format", {"type": "json_schema", "json_schema": {"schema": True}}), ("guided_json", [1]),
                             ("structured_outputs", {"regex": "a+"}), ("guided_choice", []), ("guided_choice", ["a", 3])):
            with self.subTest(field, value=value):
                self.refused({"messages": PROMPT, field: value}, field)
        both = self.refused({"messages": PROMPT, "json_schema": OBJECT, "grammar": 'root ::= "a"'}, "json_schema")
        self.assertIn("'grammar' and 'json_schema' both say", both)
        nested = {"type": "null"}
        for _ in range(100):
            nested = {"type": "array", "items": nested}
        self.assertIn("nested too deeply", self.refused({"messages": PROMPT, "json_schema": nested}, "json_schema"))

    def test_asking_for_nothing(self):
        for fields in ({"response_format": {"type": "text"}}, {"response_format": None}, {"json_schema": {}}, {"json_schema": None},
                       {"structured_outputs": {"json": None}}, {"guided_json": None}):
            status, _, answer = self.post("/v1/chat/completions", {"messages": PROMPT, "max_tokens": 2, **fields})
            self.assertEqual(status, 200, answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
