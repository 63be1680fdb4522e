"""test_serve_load.py: `trimtab serve` under load: wrk on every kind of request, and a thousand connections that do nothing."""

import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import built
from serving import Serving

POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '%s'
"""
SILENT = 1000


class Load(Serving):
    options = ("-np", "4", "-c", "2048", "--queue", "16")

    def idle(self):
        """Waits until the server has nothing to do."""
        end = time.monotonic() + built.PATIENCE
        while time.monotonic() < end:
            if self.server.metric("slots_busy") == 0 and self.server.metric("requests_waiting") == 0:
                return
            time.sleep(0.05)
        self.fail("the server is still busy")

    def wrk(self, path, connections, body=None):
        """Requests answered, and answers that were not 2xx. Lasts two seconds, or as long as it takes until some are answered."""
        return built.with_more_time(lambda seconds: self.wrk_for(seconds, path, connections, body), 2)

    def wrk_for(self, seconds, path, connections, body):
        if not shutil.which("wrk"):
            self.skipTest("wrk is not installed")
        command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", f"{built.PATIENCE:.0f}s", self.server.url + path]
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            if body:
                script.write(POST % body)
                script.flush()
                command[1:1] = ["-s", script.name]
            said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=built.PATIENCE).stdout
        self.assertNotIn("Socket errors", said, said)
        requests = int(re.search(r"(\d+) requests in", said).group(1))
        failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        self.assertGreater(requests, 0, said)
        return requests, int(failed.group(1)) if failed else 0

    def test_short_requests(self):
        for path in ("/health", "/", "/v1/axes", "/metrics"):
            with self.subTest(path=path):
                self.assertEqual(self.wrk(path, 64)[1], 0)
        self.assertEqual(self.wrk("/tokenize", 64, body='{"content": "Once upon a time"}')[1], 0)

    def test_text_for_more_clients_than_slots(self):
        """12 clients fit into 4 slots and 16 places; of 100 some are told to come back, and nobody is told anything else."""
        for body in ('{"prompt": "x", "max_tokens": 8}', '{"prompt": "x", "max_tokens": 8, "steering": {"language": 0.5}, "stream": true}'):
            self.assertEqual(self.wrk("/v1/completions", 12, body=body)[1], 0)
        self.idle()
        refused = self.server.metric('requests_total{status="5xx"}')
        requests, failed = self.wrk("/v1/completions", 100, body='{"prompt": "x", "max_tokens": 8}')
        self.assertGreater(requests, failed)
        self.assertGreater(failed, 0)
        self.idle()
        self.assertGreaterEqual(self.server.metric('requests_total{status="5xx"}') - refused, failed)
        self.assertEqual(self.server.metric('requests_total{status="4xx"}'), 0)

    def test_a_thousand_silent_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < SILENT + 100:
            self.skipTest(f"this process may open {hard} files only")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        text = self.chat().choices[0].message.content
        before = self.memory()
        opened = [socket.create_connection(("127.0.0.1", self.server.port), built.PATIENCE) for _ in range(SILENT)]
        for raw in opened[::2]:
            raw.sendall(b"POST /v1/completions HTTP/1.1\r\nContent-Le")
        end = time.monotonic() + built.PATIENCE
        while self.server.metric("connections") < SILENT and time.monotonic() < end:
            time.sleep(0.05)
        self.assertGreaterEqual(self.server.metric("connections"), SILENT)
        self.assertEqual(self.chat().choices[0].message.content, text)
        for raw in opened:
            raw.close()
        end = time.monotonic() + built.PATIENCE
        while self.server.metric("connections") > 10 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertLess(self.server.metric("connections"), 10)
        if not built.SANITIZERS:  # which keep what has been freed for a while
            self.assertLess(self.memory() - before, 8 << 20)

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) << 10


if __name__ == "__main__":
    unittest.main(verbosity=2)
