"""faulty_server.py: requests to a `trimtab serve` in which one call fails, and what must hold of each: the client gets the right answer,
or a sentence, or is hung up on where there is not even memory for that; and the server goes on as if nothing had been."""
import http.client
import json
import os
import re
import socket

import built
import faulty
import serving

STEERED = {"language": 0.5, "empathy_vs_sociopathy": -0.3}
CHAT = {"model": "tiny", "messages": serving.PROMPT, "max_tokens": 3, "temperature": 0, "ignore_eos": True}
REQUESTS = {
    "chat": ("POST", "/v1/chat/completions", CHAT | {"steering": STEERED, "logprobs": True, "top_logprobs": 2}),
    "stream": ("POST", "/v1/chat/completions", CHAT | {"stream": True, "n": 2, "stream_options": {"include_usage": True}}),
    "completion": ("POST", "/v1/completions", {"model": "tiny", "prompt": ["One", "Two"], "max_tokens": 2, "temperature": 0, "echo": True,
                                               "logprobs": 1, "stop": ["never"], "logit_bias": {"5": -100}, "ignore_eos": True}),
    "wrong": ("POST", "/v1/chat/completions", CHAT | {"temperature": "hot"}),
    "default": ("POST", "/v1/steering", {"steering": STEERED}),
    "models": ("GET", "/v1/models", None),
    "model": ("GET", "/v1/models/baroque", None),
    "axes": ("GET", "/v1/axes", None),
    "metrics": ("GET", "/metrics", None),
    "tokens": ("POST", "/tokenize", {"content": "Once upon a time"}),
    "page": ("GET", "/", None),
}
REFUSAL_HEADERS = {("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff")}
VARIES = rb'"(id|created)":("[^"]*"|\d+)|"(prompt_tokens_details|usage)":\{.*?\}+|^trimtab_.*'


class Answer:
    """What came back: `headers` and `body` without what differs from one time to the next; whole only if nobody hung up in between."""

    def __init__(self, status, headers, body, whole):
        self.status, self.raw, self.whole = status, body, whole
        self.headers = {header for header in headers if header[0] not in ("Date", "Content-Length")}
        self.body = re.sub(VARIES, b"", body, flags=re.MULTILINE)
        if b"\ndata: " in body:  # of several answers in one stream, each has an order of its own
            self.body = b"\n".join(sorted(self.body.splitlines(), key=lambda event: re.findall(rb'"index":\d+', event)))

    def sentence(self):
        """The error's, whether it is the whole answer or the last event of a stream; None if there is none."""
        for part in [self.raw, *re.findall(rb"^data: (\{.*\})$", self.raw, re.MULTILINE)]:
            try:
                return json.loads(part)["error"]["message"]
            except (ValueError, KeyError, TypeError):
                pass
        return None


class FaultyServer:
    def __init__(self, model, vectors):
        self.panel = faulty.Panel()
        self.arguments = (model, "--vectors", vectors, "-np", "2", "-c", "512", "--preset", "baroque=language=0.5")
        self.server = None

    def close(self):
        if self.server:
            self.server.__exit__(None, None, None)
        self.panel.close()

    def start(self):
        self.server = serving.Server(*self.arguments, program=faulty.PROGRAM, environment=self.panel.environment)

    def end(self):
        """None, or what is wrong with the end of the server that ran."""
        server, self.server = self.server, None
        status, said = server.end(), server.text()
        server.log.close()
        if status or "Sanitizer" in said or "runtime error:" in said:
            return f"the server ended with status {status}\n{said[-2000:]}"
        return None

    def ask(self, name):
        method, path, body = REQUESTS[name]
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=built.PATIENCE)
        status, headers = None, ()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            status, headers = response.status, response.getheaders()
            return Answer(status, headers, response.read(), True)
        except http.client.IncompleteRead as error:
            return Answer(status, headers, error.partial, False)
        except (http.client.HTTPException, ConnectionError):
            return Answer(status, headers, b"", False)
        finally:
            connection.close()

    def ways(self, name):
        self.panel.begin(faulty.RECORD)
        self.ask(name)
        self.panel.end()
        return self.panel.ways()

    def attempt(self, name, fault, nth, expected):
        """None, or what is wrong with the answer while this call fails, and with the one after it."""
        self.panel.begin(fault, nth)
        try:
            answer = self.ask(name)
        except socket.timeout:
            answer = None
        reached = self.panel.end()
        problem = "nobody answers" if answer is None else self.problem(answer, fault, reached, expected)
        if not problem:
            after = self.ask(name)
            if (after.status, after.body) != (expected.status, expected.body):
                problem = f"the next answer is {after.status} {after.raw!r} instead of {expected.raw!r}"
        if self.server.process.poll() is not None:
            problem = f"the server ended: {self.server.text()[-2000:]}"
            self.end()
            self.start()
        number = "every second call" if nth == faulty.ALTERNATE else f"call {nth}"
        return problem and f"{name}: {faulty.NAMES[fault]} at {number}: {problem}"

    @staticmethod
    def lacking(answer, expected):
        """The headers that an answer should have had; one that has none at all is no answer."""
        wanted = expected.headers if answer.status == expected.status else REFUSAL_HEADERS
        return wanted - answer.headers if answer.status else set()

    def problem(self, answer, fault, reached, expected):
        lacking = self.lacking(answer, expected)
        if lacking:
            return f"its answer {answer.status} has no {sorted(lacking)}"
        if answer.whole and (answer.status, answer.body) == (expected.status, expected.body):
            return None
        if not reached or fault in (faulty.INTERRUPTED, faulty.SHORT):
            return f"it answered {answer.status} {answer.raw!r} instead of {expected.raw!r}"
        if not answer.whole:
            return None  # there was no memory for an answer, or the connection failed
        if answer.sentence() is None:
            return f"it answered {answer.status} {answer.raw!r}, which is neither an error nor {expected.raw!r}"
        if answer.status != 200 and answer.status < 500:
            return f"it blamed the client: {answer.status} {answer.raw!r}"
        return None

    # ==== The way to the first request ====

    def start_up(self, fault, nth=0):
        """None, or what is wrong with a start in which this call fails: it serves, or ends with a sentence."""
        self.panel.begin(fault, nth)
        try:
            self.start()
        except RuntimeError as error:
            return self.refusal_problem(str(error), nth) if fault != faulty.RECORD else str(error)
        reached = self.panel.end()
        answer = self.ask("chat")
        said = [line for line in self.server.text().splitlines() if "serving at" not in line]
        # A vector that cannot be read is left out, and told of: the others are served.
        left_out = reached and answer.status == 400 and [line.endswith("passed over") for line in said] == [True, False]
        problem = None if left_out or answer.whole and answer.status == 200 else f"it serves, but answers {answer.status} {answer.raw!r} after {said}"
        end = self.end()
        return problem or end

    def refusal_problem(self, said, nth):
        sentences = [line for line in said.splitlines() if "trimtab: " in line]
        if not self.panel.end():
            return f"start, call {nth}: it ended although nothing failed: {said}"
        return None if len(sentences) == 1 and "Sanitizer" not in said else f"start, call {nth}: {said[-2000:]}"


def prepare(folder):
    """(model, vectors) for a server."""
    return serving.make_model(folder), serving.make_vectors(os.path.join(folder, "vectors"), recommended=serving.RECOMMENDED)
