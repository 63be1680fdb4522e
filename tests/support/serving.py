"""serving.py: a tiny model with control vectors, and a server on a free port of this machine, for the tests that are scripts."""

import http.client
import json
import os
import re
import subprocess
import tempfile
import time
import unittest
import urllib.request

import numpy
import openai

import built
import vectors

AXES = {"language": ("simple", "ornate"), "optimism_vs_nihilism": ("optimism", "nihilism"), "empathy_vs_sociopathy": ("empathy", "sociopathy")}
BLOCKS, WIDTH = 4, 64
RECOMMENDED = {"optimism_vs_nihilism": (0.5, 0.25)}  # as an evaluation would have written it into the files


def make_model(folder, *options):
    return built.tiny_model(os.path.join(folder, "tiny.gguf"), *options)


def make_vectors(folder, axes=AXES, blocks=BLOCKS, width=WIDTH, size=0.3, architecture="llama", recommended=None, told=False):
    """Random directions, the same every time; `told`: the files name their classes, as those of trimtab do."""
    random = numpy.random.default_rng(1)
    os.makedirs(folder, exist_ok=True)
    for axis, (negative, positive) in axes.items():
        debias, direction = {}, {}
        for block in range(1, blocks):
            debias[block] = random.normal(size=width) * 0.1 * size
            direction[block] = random.normal(size=width) * size
        for suffix, rows in (("debias", debias), (negative, {k: -v for k, v in direction.items()}), (positive, direction)):
            keys = {"trimtab.recommended": list(recommended[axis])} if axis in (recommended or {}) else {}
            if told:
                keys["trimtab.classes"] = [negative, positive]
            vectors.write(os.path.join(folder, f"tiny-{axis}__{suffix}.gguf"), rows, blocks, architecture, keys)
    return folder


class Server:
    """`with Server(model, "--vectors", folder) as server:` - ended by its own process id, whatever happens."""

    def __init__(self, model, *options, program=None, environment=None):
        self.log = tempfile.NamedTemporaryFile(mode="w+", prefix="trimtab-serve-", suffix=".log")
        arguments = [program or os.environ["TRIMTAB"], "serve", "-m", model, "-t", "1", *options]
        if "--port" not in options:
            arguments += ["--port", "0"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=self.log, env={**os.environ, **(environment or {})})
        self.url = self._wait()

    def _wait(self):
        end = time.monotonic() + built.PATIENCE
        while time.monotonic() < end:
            found = re.search(r"serving at (https?://\S+)", self.text())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        said = self.text()
        self.log.close()
        raise RuntimeError("the server did not start: " + said)

    def text(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def get(self, path, headers=None):
        return urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers or {}), timeout=built.PATIENCE).read()

    def metric(self, name):
        for line in self.get("/metrics").decode().splitlines():
            if line.startswith("trimtab_" + name + " "):
                return float(line.split()[1])
        raise KeyError(name)

    def end(self):
        """Asks it to end; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(built.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.end()
        finally:
            self.log.close()


PROMPT = [{"role": "user", "content": "Tell me of the sea."}]


class Serving(unittest.TestCase):
    """Tests that share one server: its options, OpenAI's client of it, and what is asked again and again."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="trimtab-serve-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = make_model(cls.folder.name)
        cls.vectors = make_vectors(os.path.join(cls.folder.name, "vectors"), recommended=RECOMMENDED)
        cls.server = cls.enterClassContext(Server(cls.model, "--vectors", cls.vectors, *cls.options))
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key="none", max_retries=0)

    def post(self, path, body, headers=None):
        """Status, headers and parsed JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=built.PATIENCE)
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
