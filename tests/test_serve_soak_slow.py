"""test_serve_soak_slow.py: 2,000 requests with random mixes, some of them wrong, some given up, eight at a time.

Under the address sanitizer (./dev test --asan -R soak) the server's exit status tells whether anything leaked."""

import http.client
import json
import os
import random
import socket
import tempfile
import threading
import unittest

import built
import serving

REQUESTS, CLIENTS = 2000, 8
SEED = 20260101
WORDS = "the sea was calm that morning and nobody spoke a word while fog came in over old piers".split()


def random_mix(chance):
    """As a field, as text, behind the model's name, as a preset, or none."""
    values = {axis: chance.choice((-1, -0.5, 0.25, 0.5, round(chance.uniform(-1.5, 1.5), 2)))
              for axis in chance.sample(sorted(serving.AXES), chance.randint(1, len(serving.AXES)))}
    text = ",".join(f"{axis}={value}" for axis, value in values.items())
    return chance.choice(({"steering": values}, {"steering": text}, {"model": f"tiny@{text}"}, {"model": "baroque"}, {"steering": {}}, {}))


def random_request(chance):
    """A path, a body, and whether it should be refused."""
    body = {**random_mix(chance), "max_tokens": chance.randint(0, 24), "temperature": chance.choice((0, 0.8, 2)), "seed": chance.randint(0, 99),
            "stream": chance.random() < 0.5, "n": chance.choice((1, 1, 1, 2, 4))}
    words = " ".join(chance.choices(WORDS, k=chance.choice((1, 5, 40))))
    if chance.random() < 0.3:
        body["stop"] = chance.sample(("a", "e", "the", "\n"), 2)
    if chance.random() < 0.2:
        body["ignore_eos"] = True
    wrong = chance.random() < 0.1
    if wrong:
        body.update(chance.choice(({"steering": {"nowhere": 1}}, {"steering": {"language": 1e99}}, {"temperature": "hot"}, {"n": 5000}, {"stop": 1},
                                   {"max_tokens": "many"}, {"model": "tiny@language=x", "steering": None}, {"logit_bias": 7})))
    if chance.random() < 0.5:
        if not wrong and chance.random() < 0.3:
            body.update(logprobs=True, top_logprobs=chance.randint(0, 5))
        return "/v1/chat/completions", {"messages": [{"role": "user", "content": words}], **body}, wrong
    if not wrong and chance.random() < 0.3:
        body.update(logprobs=chance.randint(0, 5), echo=chance.random() < 0.5)
    return "/v1/completions", {"prompt": chance.choice((words, [words, "x"], [1, 2, 3])), **body}, wrong


class Soak(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="trimtab-soak-")
        self.addCleanup(self.folder.cleanup)
        self.model = serving.make_model(self.folder.name)
        self.vectors = serving.make_vectors(os.path.join(self.folder.name, "vectors"))
        self.wrong, self.lock, self.left = [], threading.Lock(), REQUESTS

    def complain(self, *what):
        with self.lock:
            self.wrong.append(what)

    def give_up(self, port, path, body, chance):
        """Sends a request and goes away, at once or after some of the answer."""
        data = json.dumps(body).encode()
        with socket.create_connection(("127.0.0.1", port), 60) as raw:
            raw.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            if chance.random() < 0.5:
                raw.recv(chance.randint(1, 500))

    def ask(self, port, path, body, refused):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=built.PATIENCE)
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status != (400 if refused else 200):
            self.complain(response.status, path, body, text[:300])
        elif not refused and body["stream"] and not text.endswith(b"data: [DONE]\n\n"):
            self.complain("no end", path, body, text[-300:])
        elif not (body["stream"] and not refused):
            json.loads(text)

    def client(self, number, server):
        chance = random.Random(SEED + number)
        while True:
            with self.lock:
                if self.left == 0:
                    return
                self.left -= 1
            path, body, refused = random_request(chance)
            try:
                if chance.random() < 0.05:
                    self.give_up(server.port, path, body, chance)
                elif chance.random() < 0.02:
                    self.ask(server.port, "/v1/steering", {"steering": random_mix(chance).get("steering", {}), "stream": False}, False)
                else:
                    self.ask(server.port, path, body, refused)
            except Exception as error:  # a thread's exception would vanish
                self.complain(repr(error), path, body)

    def test_two_thousand_requests(self):
        with serving.Server(self.model, "--vectors", self.vectors, "-np", "4", "-c", "1024", "--preset", "baroque=language=0.5") as server:
            threads = [threading.Thread(target=self.client, args=(i, server)) for i in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(self.wrong[:3], [], server.text()[-3000:])
            self.assertIsNone(server.process.poll(), server.text()[-3000:])
            self.assertEqual(server.metric("requests_waiting"), 0)
            self.assertGreater(server.metric("steered_requests_total"), REQUESTS / 4)
            self.assertEqual(server.end(), 0, server.text()[-5000:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
