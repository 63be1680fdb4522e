"""test_requests_access.py: pages, containers and proxies that come with other origins and names, and clients with other headers for their
keys; and the remedies that a refusal names, tried on the very request."""

import gzip
import http.client
import json
import os
import re
import tempfile
import unittest

import openai

import built
import serving


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="trimtab-serve-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = serving.make_model(cls.folder.name)

    def ask(self, server, method, path, **headers):
        """Status, headers and text; names of headers with _ for -."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=built.PATIENCE)
        connection.request(method, path, None, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, response.headers, text

    def remedies(self, text):
        """The options that a sentence advises: [("--allow-host", "name"), ...]."""
        return re.findall(r"(--(?:allow-host|cors)) '([^']+)'", json.loads(text)["error"]["message"])


class Pages(Access):
    ASKED = "authorization,content-type,x-stainless-os,x-stainless-lang"

    def preflight(self, server, **headers):
        return self.ask(server, "OPTIONS", "/v1/chat/completions", **{
            "Origin": "http://app.example", "Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": self.ASKED, **headers})

    def test_preflight(self):
        for cors in ("*", "http://app.example"):
            with self.subTest(cors=cors), serving.Server(self.model, "--cors", cors) as server:
                status, headers, _ = self.preflight(server)
                self.assertEqual(status, 204)
                self.assertEqual(headers["Access-Control-Allow-Origin"], cors)
                self.assertEqual(headers["Access-Control-Allow-Headers"], self.ASKED)
                self.assertIn("POST", headers["Access-Control-Allow-Methods"])
                self.assertGreaterEqual(int(headers["Access-Control-Max-Age"]), 60)
                varies = ",".join(headers.get_all("Vary"))
                self.assertIn("Access-Control-Request-Headers", varies)
                self.assertEqual("Origin" in re.split(r"[, ]+", varies), cors != "*")
                self.assertIsNone(headers["Access-Control-Allow-Private-Network"])
                self.assertEqual(self.preflight(server, Access_Control_Request_Private_Network="true")[1]["Access-Control-Allow-Private-Network"], "true")
                plain = self.ask(server, "OPTIONS", "/v1/models", Origin="http://app.example")[1]
                self.assertIn("Authorization", plain["Access-Control-Allow-Headers"])

    def test_errors_can_be_read(self):
        """A page is told what is wrong with its request, too, and when to come back."""
        with serving.Server(self.model, "--cors", "*") as server:
            status, headers, _ = self.ask(server, "GET", "/nowhere", Origin="http://app.example")
            self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (404, "*"))
            self.assertIn("Retry-After", headers["Access-Control-Expose-Headers"])

    def test_a_key_lets_pages_in(self):
        with serving.Server(self.model, "--api-key", "secret") as server:
            status, headers, _ = self.preflight(server)
            self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (204, "http://app.example"))
            status, headers, _ = self.ask(server, "GET", "/v1/models", Origin="http://app.example", Authorization="Bearer secret")
            self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (200, "http://app.example"))
            self.assertIn("Origin", headers["Vary"])
            for key in ({}, {"Authorization": "Bearer wrong"}):
                self.assertEqual(self.ask(server, "GET", "/v1/models", Origin="http://app.example", **key)[0], 401)
        with serving.Server(self.model, "--api-key", "secret", "--cors", "http://friend.example") as server:  # and no more are told than were named
            self.assertEqual(self.preflight(server)[1]["Access-Control-Allow-Origin"], "http://friend.example")

    def test_a_refusal_names_what_helps(self):
        with serving.Server(self.model) as server:
            for origin in ("http://app.example", "https://app.example:8443", "null"):
                status, _, text = self.ask(server, "GET", "/v1/models", Origin=origin)
                self.assertEqual(status, 403)
                remedy, = self.remedies(text)
                with self.subTest(origin=origin), serving.Server(self.model, *remedy) as other:
                    self.assertEqual(self.ask(other, "GET", "/v1/models", Origin=origin)[0], 200)


class Names(Access):
    NAMES = ("host.docker.internal", "llm.lan", "gateway")

    def test_a_refusal_names_what_helps(self):
        with serving.Server(self.model) as server:
            for name in self.NAMES:
                status, _, text = self.ask(server, "GET", "/v1/models", Host=f"{name}:{server.port}")
                self.assertEqual(status, 403)
                self.assertNotIn("--cors", text)
                remedy, = self.remedies(text)
                self.assertEqual(remedy, ("--allow-host", name))
                with self.subTest(name=name), serving.Server(self.model, *remedy) as other:
                    self.assertEqual(self.ask(other, "GET", "/v1/models", Host=f"{name}:{other.port}")[0], 200)
                    self.assertEqual(self.ask(other, "GET", "/v1/models", Host=f"{name.upper()}")[0], 200)
                    self.assertEqual(self.ask(other, "GET", "/v1/models", Host="evil.example")[0], 403)
                    self.assertEqual(self.ask(other, "GET", "/v1/models", Host=name, Origin="http://evil.example")[0], 403)
                    self.assertEqual(self.ask(other, "GET", "/v1/models", Host=name, Origin=f"http://{name}")[0], 200)  # its own page

    def test_several_and_any(self):
        with serving.Server(self.model, *(part for name in self.NAMES for part in ("--allow-host", name))) as server:
            for name in (*self.NAMES, "localhost", "127.0.0.1", "[::1]", "10.1.2.3"):
                self.assertEqual(self.ask(server, "GET", "/health", Host=name)[0], 200, name)
            self.assertEqual(self.ask(server, "GET", "/health", Host="gateway.evil.example")[0], 403)
        with serving.Server(self.model, "--allow-host", "*") as server:
            self.assertEqual(self.ask(server, "GET", "/health", Host="anything.example")[0], 200)

    def test_any_name_with_a_key(self):
        with serving.Server(self.model, "--api-key", "secret") as server:
            for name in self.NAMES:
                self.assertEqual(self.ask(server, "GET", "/v1/models", Host=name, Authorization="Bearer secret")[0], 200)
                self.assertEqual(self.ask(server, "GET", "/v1/models", Host=name)[0], 401)

    def test_names_that_are_none(self):
        for name in ("", "http://gateway", "gateway:8080", "a b"):
            with self.subTest(name=name), self.assertRaisesRegex(RuntimeError, "no name of a host"):
                serving.Server(self.model, "--allow-host", name)


class Keys(Access):
    def test_other_headers(self):
        with serving.Server(self.model, "--api-key", "secret") as server:
            for headers in ({"Authorization": "Bearer secret"}, {"x_api_key": "secret"}, {"X_Api_Key": "secret"}, {"api_key": "secret"},
                            {"Authorization": "Bearer none", "x_api_key": "secret"}):
                with self.subTest(headers):
                    self.assertEqual(self.ask(server, "GET", "/v1/models", **headers)[0], 200)
            for headers in ({"x_api_key": "secre"}, {"api_key": ""}, {"x_api_key": "Bearer secret"}, {"Authorization": "secret"}, {}):
                with self.subTest(headers):
                    status, _, text = self.ask(server, "GET", "/v1/models", **headers)
                    self.assertEqual(status, 401)
                    self.assertEqual("is not known here" in text, bool(headers))
                    self.assertIn("'Authorization: Bearer KEY' or 'X-Api-Key: KEY'", text)
            client = openai.AzureOpenAI(base_url=server.url + "/v1", api_key="secret", api_version="2024-10-21", max_retries=0)
            self.assertTrue(client.models.list().data)


class Bodies(Access):
    def test_what_is_no_json(self):
        """Each is told what it is, and what to send instead."""
        good = json.dumps({"prompt": "Hi", "max_tokens": 1})
        with serving.Server(self.model) as server:
            for body, headers, status, words in (
                (b"", {}, 400, "the body is empty"),
                (good.encode("utf-16"), {}, 400, "the body is UTF-16 text"),
                (good.replace("Hi", "caf\xe9").encode("latin-1"), {}, 400, "not UTF-8 text (line 1, byte 16): send it as UTF-8"),
                (gzip.compress(good.encode()), {}, 415, "compressed with gzip: send it as it is"),
                (gzip.compress(good.encode()), {"Content-Encoding": "gzip"}, 415, "in the coding 'gzip'"),
                (good.encode(), {"Content-Encoding": "identity"}, 200, ""),
            ):
                with self.subTest(words):
                    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=built.PATIENCE)
                    connection.request("POST", "/v1/completions", body, headers)
                    response = connection.getresponse()
                    answer = json.load(response)
                    connection.close()
                    self.assertEqual(response.status, status, answer)
                    self.assertIn(words, answer["error"]["message"] if words else "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
