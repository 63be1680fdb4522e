"""test_serve_access.py: who may use `trimtab serve`, how much of it, and how it ends: keys, origins, TLS, limits, signals."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import openai

import built
import serving

COMPLETION = json.dumps({"prompt": "x", "max_tokens": 2}).encode()


class Access(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="trimtab-serve-")
        self.addCleanup(self.folder.cleanup)
        self.model = serving.make_model(self.folder.name)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def fails(self, *options, status=None):
        """What it says when it does not even start."""
        result = subprocess.run([os.environ["TRIMTAB"], "serve", "-m", self.model, "--port", "0", *options],
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=built.PATIENCE)
        self.assertNotEqual(result.returncode, 0)
        if status:
            self.assertEqual(result.returncode, status)
        return result.stderr.decode()

    def ask(self, server, method, path, headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=built.PATIENCE)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        response.text = response.read()
        connection.close()
        return response


class Keys(Access):
    def test_each_path_but_two_wants_a_key(self):
        keys = self.write("keys", "first-key\r\nsecond-key\n")
        with serving.Server(self.model, "--api-key-file", keys) as server:
            for method, path in (("GET", "/metrics"), ("GET", "/v1/models"), ("GET", "/v1/axes"), ("GET", "/v1/steering"),
                                 ("POST", "/v1/steering"), ("POST", "/v1/completions"), ("POST", "/v1/chat/completions"), ("POST", "/tokenize")):
                with self.subTest(path=path):
                    refused = self.ask(server, method, path, body=b"{}" if method == "POST" else None)
                    self.assertEqual(refused.status, 401)
                    self.assertEqual(refused.headers["WWW-Authenticate"], "Bearer")
                    self.assertEqual(json.loads(refused.text)["error"]["type"], "authentication_error")
            for path in ("/", "/health"):
                self.assertEqual(self.ask(server, "GET", path).status, 200)

    def test_only_a_whole_key_is_one(self):
        keys = self.write("keys", "first-key\nsecond-key\n")
        with serving.Server(self.model, "--api-key-file", keys, "--api-key", "third-key") as server:
            for key in ("first-key", "second-key", "third-key"):
                self.assertTrue(openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0).models.list().data)
            for key in ("second-ke", "second-key2", "Second-key", "first-key\tsecond-key", "x", "k" * 5000):
                with self.subTest(key=key[:30]), self.assertRaises(openai.AuthenticationError):
                    openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0).models.list()
            for header in ("first-key", "Basic first-key", "Bearer", "Bearer "):
                self.assertEqual(self.ask(server, "GET", "/v1/models", {"Authorization": header}).status, 401)
            self.assertEqual(self.ask(server, "GET", "/v1/models", {"Authorization": "bearer first-key"}).status, 200)

    def test_key_from_the_environment(self):
        with serving.Server(self.model, environment={"TRIMTAB_API_KEY": "from-outside"}) as server:
            self.assertEqual(self.ask(server, "GET", "/v1/models").status, 401)
            self.assertEqual(self.ask(server, "GET", "/v1/models", {"Authorization": "Bearer from-outside"}).status, 200)

    def test_key_files_without_a_key(self):
        self.assertIn("no key", self.fails("--api-key-file", self.write("keys", "\n\n")))
        self.assertIn("empty", self.fails("--api-key", ""))


class Exposure(Access):
    def test_other_addresses_want_a_key(self):
        for host in ("0.0.0.0", "::"):
            with self.subTest(host=host):
                said = self.fails("--host", host)
                self.assertIn("--api-key-file", said)
                self.assertIn("--no-auth", said)
        for options in (("--no-auth",), ("--api-key", "secret")):
            with serving.Server(self.model, "--host", "0.0.0.0", *options) as server:
                self.assertEqual(self.ask(server, "GET", "/health").status, 200)

    def test_cors_is_off(self):
        with serving.Server(self.model) as server:
            for headers in ({}, {"Origin": "https://friend.example"}, {"Origin": server.url}, {"Origin": "null"}):
                answer = self.ask(server, "GET", "/v1/models", headers)
                self.assertEqual(answer.status, 200 if headers.get("Origin") in (None, server.url) else 403)
                self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])
            self.assertIn(self.ask(server, "OPTIONS", "/v1/models", {"Origin": "https://friend.example"}).status, (403, 405))

    def test_cors_when_asked_for(self):
        with serving.Server(self.model, "--cors", "https://friend.example") as server:
            answer = self.ask(server, "OPTIONS", "/v1/models", {"Origin": "https://friend.example"})
            self.assertEqual(answer.status, 204)
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "https://friend.example")
            self.assertIn("Authorization", answer.headers["Access-Control-Allow-Headers"])
            self.assertEqual(self.ask(server, "GET", "/v1/models", {"Origin": "https://friend.example"}).status, 200)
            self.assertEqual(self.ask(server, "GET", "/v1/models", {"Origin": "https://stranger.example"}).status, 403)
        with serving.Server(self.model, "--cors", "*") as server:
            answer = self.ask(server, "GET", "/v1/models", {"Origin": "https://anybody.example"})
            self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (200, "*"))

    def test_the_page_may_talk_to_its_own_server_alone(self):
        with serving.Server(self.model) as server:
            policy = self.ask(server, "GET", "/").headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("connect-src 'self'", policy)
            self.assertIn("frame-ancestors 'none'", policy)


class Tls(Access):
    def test_https(self):
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        key, certificate = (os.path.join(self.folder.name, name) for name in ("key.pem", "certificate.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        trust = ssl.create_default_context(cafile=certificate)
        with serving.Server(self.model, "--tls-cert", certificate, "--tls-key", key) as server:
            self.assertTrue(server.url.startswith("https://"))
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=built.PATIENCE, context=trust)
            connection.request("POST", "/v1/completions", COMPLETION)
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            self.assertEqual(len(json.loads(response.read())["choices"]), 1)
            connection.close()
            with socket.create_connection(("127.0.0.1", server.port), built.PATIENCE) as plain:  # http to a TLS port
                plain.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                self.assertNotIn(b"200", plain.recv(100))
        self.assertIn("belong together", self.fails("--tls-cert", certificate))
        self.assertIn("belong together", self.fails("--tls-cert", certificate, "--tls-key", self.write("other", "no key at all")))
        with serving.Server(self.model) as server:
            self.assertIn("is the port free?", self.fails("--tls-cert", certificate, "--tls-key", key, "--port", str(server.port)))


class Limits(Access):
    def talk(self, server, *pieces, pause=0.0):
        """Raw bytes there, all that comes back."""
        with socket.create_connection(("127.0.0.1", server.port), built.PATIENCE) as raw:
            for piece in pieces:
                raw.sendall(piece)
                time.sleep(pause)
            answer = b""
            while part := raw.recv(65536):
                answer += part
        return answer

    def test_heads(self):
        with serving.Server(self.model, "--idle", "2") as server:
            head = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            self.assertIn(b" 200 ", self.talk(server, head + b"X-Filling: " + b"x" * 8000 + b"\r\n\r\n"))
            self.assertIn(b" 431 ", self.talk(server, head + b"X-Filling: " + b"x" * 20000 + b"\r\n\r\n"))
            self.assertRegex(self.talk(server, b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n"), b" 4[13][14] ")
            self.assertRegex(self.talk(server, b"\x16\x03\x01\x00\xff nonsense\r\n\r\n") or b"hung up", b" 400 |hung up")
            # What a connection was silent before a request is none of that request's time.
            early = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            late = b"POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 16\r\n\r\n"
            self.assertEqual(self.talk(server, early, late, b'{"content": "x"}', pause=1.4).count(b" 200 "), 2)

    def test_requests_that_take_too_long_to_come(self):
        with serving.Server(self.model, "--idle", str(built.SLOWNESS)) as server:
            body = b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
            self.assertIn(b" 408 ", self.talk(server, body, b'{"pro'))
            self.assertIn(b" 408 ", self.talk(server, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"))
            self.assertEqual(self.talk(server, b"GET /"), b"")  # nothing has been asked yet
            self.assertEqual(self.talk(server), b"")
            with self.assertRaises((BrokenPipeError, ConnectionResetError)):  # who sends a byte now and then wins no time
                self.talk(server, body, *[b" "] * 100, pause=0.1 * built.SLOWNESS)

    def test_answers_that_take_too_long(self):
        endless = {"prompt": "x", "max_tokens": 10**6, "ignore_eos": True}
        with serving.Server(self.model, "-np", "1", "-c", "100000", "--timeout", str(built.SLOWNESS)) as server:
            running = http.client.HTTPConnection("127.0.0.1", server.port, timeout=built.PATIENCE)
            running.request("POST", "/v1/completions", json.dumps(endless))
            while not server.metric("slots_busy") and not server.metric("written_tokens_total"):
                time.sleep(0.01)
            waiting = self.ask(server, "POST", "/v1/completions", body=json.dumps(endless))
            answer = json.loads(running.getresponse().read())
            running.close()
            self.assertEqual(answer["choices"][0]["finish_reason"], "length")  # what there was in time
            self.assertGreater(answer["usage"]["completion_tokens"], 0)
            # Which began when the first ended, and had the rest of its second; or did not begin in time.
            self.assertIn(waiting.status, (200, 408))

    def test_nothing_written_in_time(self):
        limit = 0.8 * built.SLOWNESS
        with serving.Server(self.model, "-np", "1", "-c", "100000", "--timeout", str(limit)) as server:
            for fields, reason in (({"prompt": "x " * 45000}, "is still reading its prompt"),
                                   ({"prompt": "x", "n": 2}, "has not begun all of its answers")):
                for stream in (False, True):
                    with self.subTest(reason=reason, stream=stream):
                        body = {**fields, "max_tokens": 80000, "ignore_eos": True, "stream": stream}
                        answer = self.ask(server, "POST", "/v1/completions", body=json.dumps(body))
                        self.assertEqual(answer.status, 200 if stream else 408)  # a stream begins at once, and ends with the error
                        told = answer.text.split(b"data: ")[-1] if stream else answer.text
                        error = json.loads(told)["error"]
                        self.assertEqual((error["code"], error["type"]), (408, "timeout_error"))
                        self.assertIn(f"the {limit:g} s that this server allows a request (--timeout) are over, and this one {reason}",
                                      error["message"])
            client = openai.OpenAI(base_url=server.url + "/v1", api_key="x", max_retries=0)
            with self.assertRaises(openai.APIStatusError) as refused:
                client.completions.create(model="x", prompt="x " * 45000)
            self.assertEqual(refused.exception.status_code, 408)
            self.assertEqual(client.completions.create(model="x", prompt="x", max_tokens=3).usage.completion_tokens, 3)

    def test_more_tokens_than_the_server_allows(self):
        with serving.Server(self.model, "-n", "5") as server:
            answer = self.ask(server, "POST", "/v1/completions", body=json.dumps({"prompt": "x", "max_tokens": 50, "ignore_eos": True}))
            self.assertEqual(json.loads(answer.text)["usage"]["completion_tokens"], 5)

    def test_many_axes(self):
        many = {f"axis{i:03}": (f"one{i:03}", f"other{i:03}") for i in range(300)}
        vectors = serving.make_vectors(os.path.join(self.folder.name, "many"), many, told=True)
        with serving.Server(self.model, "--vectors", vectors) as server:
            for name in ("axis000", "axis299", "other299"):
                body = json.dumps({"prompt": "x", "max_tokens": 1, "steering": {name: 0.1}})
                answer = self.ask(server, "POST", "/v1/completions", body=body)
                self.assertEqual(answer.status, 200, answer.text)

    def test_connections(self):
        with serving.Server(self.model, "--max-connections", "20") as server:
            opened = [socket.create_connection(("127.0.0.1", server.port), built.PATIENCE) for _ in range(40)]
            for raw in opened:
                raw.close()
            self.assertEqual(self.ask(server, "GET", "/health").status, 200)


class End(Access):
    def stream(self, server, **fields):
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="x", max_retries=0)
        stream = iter(client.completions.create(model="x", prompt="x", stream=True, extra_body={"ignore_eos": True}, **fields))
        next(stream)
        return stream

    def test_running_answers_are_finished_and_no_others(self):
        with serving.Server(self.model, "-c", "8192", "--grace", "1000") as server:
            known = http.client.HTTPConnection("127.0.0.1", server.port, timeout=built.PATIENCE)
            known.request("GET", "/health")
            known.getresponse().read()
            stream = self.stream(server, max_tokens=6000)
            server.process.terminate()
            end = time.monotonic() + built.PATIENCE
            while True:  # it hears of the signal in its own time
                known.request("POST", "/v1/completions", COMPLETION)
                refused = known.getresponse()
                if refused.status == 503 or time.monotonic() > end:
                    break
                refused.read()
            self.assertEqual(refused.status, 503)
            self.assertIn("ending", server.text())
            self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
            known.close()
            events = list(stream)
            self.assertEqual(events[-1].choices[0].finish_reason, "length")
            self.assertEqual(server.process.wait(built.PATIENCE), 0)

    def test_interrupt_key_ends_it_too(self):
        with serving.Server(self.model) as server:
            server.process.send_signal(signal.SIGINT)
            self.assertEqual(server.process.wait(built.PATIENCE), 0)

    def test_short_grace(self):
        with serving.Server(self.model, "-c", "100000", "-np", "1", "--grace", "0.1") as server:
            stream = self.stream(server)
            begin = time.monotonic()
            server.process.terminate()
            with self.assertRaises(openai.APIError):  # the stream's last event says so
                list(stream)
            self.assertEqual(server.process.wait(built.PATIENCE), 0)
            self.assertLess(time.monotonic() - begin, 10)

    def test_port_in_use(self):
        with serving.Server(self.model) as server:
            self.assertIn("is the port free?", self.fails("--port", str(server.port)))

    def test_vectors_of_no_use(self):
        os.mkdir(os.path.join(self.folder.name, "none"))
        with serving.Server(self.model, "--vectors", os.path.join(self.folder.name, "none")) as server:
            self.assertIn("nothing can be steered", server.text())

    def test_wrong_options(self):
        for origin in ("", "example.org", "https://", "https://example.org/page", "https://exa mple.org", "http://a\r\nX: y"):
            self.assertIn("is no origin", self.fails("--cors", origin, status=2))
        self.assertIn("among 4 conversations", self.fails("-c", "3", status=2))
        self.assertIn("no axis", self.fails("--axis", "language=1"))
        self.assertIn("NAME=MIX", self.fails("--preset", "baroque"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
