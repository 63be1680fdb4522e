"""test_template.py: `trimtab template`, and templates written for the purpose, against jinja2 in the same run."""

import datetime
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import built
import chat_helper
import conversations

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TRIMTAB_MODEL"}
CONTINUED = {"messages": [conversations.USER, {"role": "assistant", "content": "It is"}]}

# What templates do, each with something that goes wrong easily.
TEMPLATES = {
    "roles": "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m['role'] }}>{% endfor %}{% if add_generation_prompt %}<a>{% endif %}",
    "tokens": "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}",
    "spaces": "  {%- for m in messages %}\n  {{ m.content }}\n  {% if loop.last %}end{% endif %}\n{%- endfor %}\n\n",
    "namespace": "{% set n = namespace(last=-1) %}{% for m in messages %}{% if m.role == 'user' %}{% set n.last = loop.index0 %}{% endif %}"
                 "{% endfor %}{{ n.last }}",
    "macros": "{% macro turn(m, end='.') %}[{{ m.role|upper }}: {{ m.content|trim }}{{ end }}]{% endmacro %}"
              "{% for m in messages %}{{ turn(m) }}{% if not loop.last %}, {% endif %}{% endfor %}{{ turn(messages[-1], end='!') }}",
    "filters": "{{ messages|map(attribute='role')|join(',') }}{{ messages|length }}{{ messages|selectattr('role', 'equalto', 'user')|list|length }}"
               "{{ messages[0].content|replace('e', 'E')|capitalize }}{{ none|default('x', true) }}{{ messages|last|tojson }}",
    "slices": "{{ messages[0].content[:4] }}{{ messages[0].content[::-1] }}{{ messages[1:]|length }}{{ messages[-1].role }}",
    "strings": "{{ messages[0].content.split(' ')[-1] }}{{ messages[0].content.startswith('You') }}{{ ' x '.strip() }}{{ 'a' 'b' }}"
               "{{ 'x' ~ 1 ~ true }}{{ '\\n\\t\\'' }}",
    "tests": "{{ x is defined }}{{ messages is iterable }}{{ messages[0].content is string }}{{ none is none }}{{ 3 is odd }}{{ {} is mapping }}",
    "arithmetic": "{{ 7 % 4 }}{{ 1 + 2 * 3 }}{{ (1, 2)|length }}{{ 1 if false else 2 }}{{ not true or true and false }}",
    "tool list": "{% if tools %}{% for t in tools %}{{ t.function.name }}: {{ t.function.parameters.properties.place.type }}\n{{ t | tojson }}\n"
                 "{% endfor %}{% endif %}{{ messages[-1].content }}",
    "loops": "{% for m in messages if m.role != 'system' %}{{ loop.index }}{{ loop.first }}{{ loop.length }}{% else %}none{% endfor %}"
             "{% for i in range(3) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
    "dictionaries": "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}{{ messages[0].get('name', 'nobody') }}",
    "thinking": "{{ messages[-1].content }}{% if enable_thinking is defined and enable_thinking %}<think>{% else %}<think></think>{% endif %}",
    "date": "{{ strftime_now('%d %B %Y') }}{{ date_string }}",
    "comments": "{# nothing {{ x }} #}a{#- b -#} c",
}


def call(*command, text=None):
    return subprocess.run([TRIMTAB, *command], input=text, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=built.PATIENCE)


@unittest.skipUnless(chat_helper.EXISTS, "trimtab-chat was not built")
class Engine(unittest.TestCase):
    def test_templates_are_as_jinja2_has_them(self):
        now = datetime.datetime(2025, 1, 1, 12)
        for name, template in TEMPLATES.items():
            with chat_helper.Helper() as helper:
                opened = helper.open(template, "<s>", "</s>")
                self.assertNotIn("error", opened, name)
                for case, request in conversations.CONVERSATIONS.items():
                    if case in ("parts", "a tool call and its answer"):
                        continue  # those are the report's: what is done with them is llama-server's choice
                    if opened["folds_system"] and request["messages"][0]["role"] == "system":
                        continue
                    told = conversations.as_llama_server(request, opened["thinking"], True)
                    wanted = conversations.by_jinja2(template, told, "<s>", "</s>", now)
                    seconds = int(now.replace(tzinfo=datetime.timezone.utc).timestamp())
                    self.assertEqual(helper.prompt(request, now=seconds), wanted, f"{name}, {case}")

    def test_what_the_engine_does_not_know(self):
        """docs/models.md names it."""
        for template in ("{{ 7 // 2 }}", "{{ 2 ** 3 }}", "{% raw %}{{ raw }}{% endraw %}"):
            with chat_helper.Helper() as helper:
                self.assertRegex(helper.open(template)["error"], "Unexpected token|Unknown statement")

    def test_two_templates_in_one_file(self):
        with chat_helper.Helper() as helper:
            helper.open("usual {{ messages[0].content }}", tool_use="with {{ tools[0].function.name }}")
            self.assertEqual(helper.prompt({"messages": [conversations.USER]}), "usual Tell me of the sea.")
            self.assertEqual(helper.prompt(conversations.CONVERSATIONS["tools"]), "with weather")

    def test_no_beginning_is_doubled(self):
        with chat_helper.Helper() as helper:
            for adds, wanted in ((True, "Tell me of the sea.</s>"), (False, "<s>Tell me of the sea.</s>")):
                helper.open("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", "<s>", "</s>", add_bos=adds)
                self.assertEqual(helper.prompt({"messages": [conversations.USER]}), wanted)

    def test_many_are_as_one_by_one(self):
        """The quick way, which is taken for the third of a form and later, gives what the whole way gives."""
        for template in TEMPLATES.values():
            requests = [{"messages": [{"role": "user", "content": f" Number {i} \n"}]} for i in range(6)]
            with chat_helper.Helper() as helper:
                helper.open(template)
                together = helper.ask("render", requests=requests, now=0)["results"]
                alone = [helper.ask("render", requests=[request], whole=True, now=0)["results"][0] for request in requests]
            self.assertEqual([r.get("prompt") for r in together], [r.get("prompt") for r in alone], template)

    def test_later_system_messages_are_kept(self):
        template = ("{% for m in messages %}{% if m.role == 'system' and not loop.first %}{{ raise_exception('first only') }}{% endif %}"
                    "<{{ m.role }}>{{ m.content }}{% endfor %}")
        later = [conversations.SYSTEM, conversations.USER, conversations.ANSWER, {"role": "system", "content": "Be short."}]
        with chat_helper.Helper() as helper:
            helper.open(template)
            start = "<system>You are a sailor.<user>Tell me of the sea.<assistant>It is deep.<user>"
            self.assertEqual(helper.prompt({"messages": [*later, conversations.THEN]}), start + "Be short.\nHow deep?")
            self.assertEqual(helper.prompt({"messages": [*later, conversations.THEN, conversations.ANSWER]}).count("Be short."), 1)
            self.assertEqual(helper.prompt({"messages": later}),
                             "<system>You are a sailor.<user>Be short.\nTell me of the sea.<assistant>It is deep.")

    def test_a_system_message_alone_is_kept(self):
        """As older templates have it: the system message stands in front of the last user message, and nowhere else."""
        template = ("{% for m in messages %}{% if m.role == 'user' %}[{% if loop.last and messages[0].role == 'system' %}"
                    "{{ messages[0].content }} {% endif %}{{ m.content }}]{% elif m.role == 'assistant' %}{{ m.content }}{% endif %}{% endfor %}")
        with chat_helper.Helper() as helper:
            helper.open(template)
            self.assertEqual(helper.prompt({"messages": [conversations.SYSTEM, conversations.USER]}), "[You are a sailor. Tell me of the sea.]")
            self.assertEqual(helper.prompt({"messages": [conversations.SYSTEM]}), "[You are a sailor.]")

    def test_requests_that_are_none(self):
        with chat_helper.Helper() as helper:
            helper.open("{{ messages[0].content }}")
            for request in ({}, {"messages": 1}, {"messages": [{"content": "x"}]}, {"messages": [{"role": "user", "content": 3}]},
                            {"messages": [conversations.USER], "tool_choice": "x"}, [], "x",
                            {"messages": [conversations.USER], "chat_template_kwargs": {"enable_thinking": "no"}},
                            {"messages": [conversations.USER, conversations.ANSWER, conversations.ANSWER]}):
                answer = helper.ask("render", requests=[request])
                self.assertTrue(answer["results"][0]["error"], request)
            self.assertIn("error", helper.ask("nothing"))
            self.assertIn("error", helper.ask("render"))
            self.assertEqual(helper.prompt({"messages": [conversations.USER]}), "Tell me of the sea.")

    def test_schemas_become_grammars_and_answers_messages(self):
        with chat_helper.Helper() as helper:
            self.assertIn("root ::=", helper.ask("grammar", schema={"type": "object", "properties": {"a": {"type": "integer"}}})["grammar"])
            helper.open("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
            done = helper.ask("render", requests=[{"messages": [conversations.USER]}], whole=True)["results"][0]
            message = helper.ask("parse", parser=done["parser"], format=done["format"], generation_prompt=done["generation_prompt"],
                                 text="Deep.")["message"]
            self.assertEqual(message["content"], "Deep.")


@unittest.skipUnless(chat_helper.EXISTS, "trimtab-chat was not built")
class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-template-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.model = built.tiny_model(os.path.join(cls.folder, "tiny.gguf"), "--template", TEMPLATES["roles"])

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def prompt(self, request, *options):
        done = call("template", "-m", self.model, "--messages", "-", *options, text=json.dumps(request))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_prompt_to_the_letter(self):
        self.assertEqual(self.prompt(conversations.CONVERSATIONS["system and user"]),
                         "<system>You are a sailor.</system><user>Tell me of the sea.</user><a>")
        self.assertEqual(self.prompt([conversations.USER]), "<user>Tell me of the sea.</user><a>")
        path = self.file("request.json", json.dumps({"messages": [conversations.USER], "add_generation_prompt": False}))
        self.assertEqual(call("template", "-m", self.model, "--messages", path).stdout, "<user>Tell me of the sea.</user>")

    def test_another_template(self):
        file = self.file("other.jinja", "{{ messages[0].content }}{{ mood }}")
        request = {"messages": [conversations.USER]}
        self.assertEqual(self.prompt(request, "--chat-template-file", file, "--chat-template-kwargs", '{"mood": " glum"}'),
                         "Tell me of the sea. glum")
        self.assertEqual(self.prompt({**request, "chat_template_kwargs": {"mood": "!"}}, "--chat-template-file", file,
                                     "--chat-template-kwargs", '{"mood": " glum"}'), "Tell me of the sea.!")
        self.assertEqual(self.prompt(request, "--chat-template", "none"), "Tell me of the sea.\n\n")

    def test_documents(self):
        """A field of the request, or one of the template's kwargs, which counts; what they say is text."""
        file = self.file("documents.jinja", "{% for d in documents %}<{{ d.title }}>{% endfor %}{{ messages[0].content }}")
        for fields in ({"documents": [{"title": "one"}, {"title": "<a>"}]},
                       {"documents": [{"title": "none"}], "chat_template_kwargs": {"documents": [{"title": "one"}, {"title": "<a>"}]}}):
            self.assertEqual(self.prompt({"messages": [conversations.USER], **fields}, "--chat-template-file", file),
                             "<one><<a>>Tell me of the sea.")
        done = call("template", "-m", self.model, "--messages", "-", text=json.dumps({"messages": [conversations.USER], "chat_template_kwargs": [1]}))
        self.assertIn("'chat_template_kwargs' should be an object, but is an array", done.stderr)

    def test_json(self):
        done = json.loads(self.prompt({"messages": [conversations.USER]}, "--json"))
        self.assertEqual(done["prompt"], "<user>Tell me of the sea.</user><a>")
        self.assertGreater(len(done["tokens"]), 4)
        self.assertEqual(done["thinking"]["known"], False)

    def test_an_example_for_people(self):
        done = call("template", "-m", self.model)
        self.assertIn("<user>How are you?</user><a>\n", done.stdout)
        self.assertIn("thinking: the template knows of none", done.stdout)

    def test_what_is_wrong_is_said(self):
        for options, text, said in ((("--chat-template-kwargs", "[]"), "{}", "JSON object"), ((), "nonsense", "standard input"),
                                    ((), "{}", "messages"), (("--chat-template-file", "/nowhere"), "[]", "/nowhere"),
                                    (("--chat-template", "unknown"), "[]", "libllama knows"),
                                    (("--chat-template-file", self.file("broken.jinja", "{% for")), "[]", "cannot be used")):
            done = call("template", "-m", self.model, "--messages", "-", *options, text=text)
            self.assertIn(done.returncode, (1, 2), done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
