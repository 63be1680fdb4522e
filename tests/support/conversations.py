"""conversations.py: what chat templates are tried with, and jinja2 set up as transformers does it: the yardstick."""

import datetime
import json

import jinja2
import jinja2.ext
import jinja2.sandbox

TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The weather of a place.", "parameters": {
    "type": "object", "properties": {"place": {"type": "string", "description": "Where?"}}, "required": ["place"]}}}]
CALL = [{"id": "call00001", "type": "function", "function": {"name": "weather", "arguments": json.dumps({"place": "Sea"})}}]

SYSTEM = {"role": "system", "content": "You are a sailor."}
USER = {"role": "user", "content": "Tell me of the sea."}
ANSWER = {"role": "assistant", "content": "It is deep."}
THEN = {"role": "user", "content": "How deep?"}
PARTS = {"role": "user", "content": [{"type": "text", "text": "Tell me"}, {"type": "text", "text": "of the sea."}]}

# Requests in OpenAI's form, by name.
CONVERSATIONS = {
    "user": {"messages": [USER]},
    "system and user": {"messages": [SYSTEM, USER]},
    "three turns": {"messages": [SYSTEM, USER, ANSWER, THEN]},
    "tools": {"messages": [SYSTEM, USER], "tools": TOOLS},
    "a tool call and its answer": {"messages": [USER, {"role": "assistant", "content": "", "tool_calls": CALL},
                                                {"role": "tool", "tool_call_id": "call00001", "name": "weather", "content": "Wet."}],
                                   "tools": TOOLS},
    "thinking on": {"messages": [USER], "chat_template_kwargs": {"enable_thinking": True}},
    "thinking off": {"messages": [USER], "chat_template_kwargs": {"enable_thinking": False}},
    "parts": {"messages": [PARTS]},
}


class Generation(jinja2.ext.Extension):
    """{% generation %}...{% endgeneration %}, which marks what an assistant has written and leaves it as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def environment(now):
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    result = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                          extensions=[Generation, jinja2.ext.loopcontrols])
    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = now.strftime
    return result


def as_llama_server(request, thinking, parts):
    """The request with what llama-server tells a template on purpose that transformers does not: whether to think, where the template
    knows of that (`thinking`), and parts of a content as one text, where it does not take them apart (`parts`)."""
    request = json.loads(json.dumps(request))
    request["chat_template_kwargs"] = {"enable_thinking": thinking, **request.get("chat_template_kwargs", {})}
    for message in request["messages"]:
        if isinstance(message["content"], list) and not parts:
            message["content"] = "\n".join(part["text"] for part in message["content"])
    return request


def by_jinja2(template, request, bos, eos, now=None):
    """The prompt; None where the template raises. Arguments of tool calls are objects, as templates expect them."""
    now = now or datetime.datetime.now()
    messages = json.loads(json.dumps(request["messages"]))
    for message in messages:
        for call in message.get("tool_calls", []):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    told = {"date_string": now.strftime("%d %b %Y"), "datetime": now.strftime("%b %d %Y"), **request.get("chat_template_kwargs", {})}
    try:
        return environment(now).from_string(template).render(
            messages=messages, tools=request.get("tools"), documents=None, bos_token=bos, eos_token=eos,
            add_generation_prompt=request.get("add_generation_prompt", True), **told)
    except (jinja2.exceptions.TemplateError, TypeError):
        return None
