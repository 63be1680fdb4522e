"""test_rpc.py: a model whose blocks lie on other machines, here two ggml-rpc-servers on loopback."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import built
import vectors

TRIMTAB = os.environ["TRIMTAB"]
SERVERS = [*glob.glob("/usr/libexec/*/llama/bin/ggml-rpc-server"), *filter(None, [shutil.which("ggml-rpc-server")])]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "TRIMTAB_MODEL"}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Rpc(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="trimtab-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.tiny = built.tiny_model(os.path.join(self.folder, "tiny.gguf"))

    def server(self):
        """Starts one; its HOST:PORT."""
        port, log = free_port(), tempfile.TemporaryFile("w+", dir=self.folder)
        process = subprocess.Popen([SERVERS[0], "-H", "127.0.0.1", "-p", str(port), "-d", "CPU"], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, env={k: v for k, v in ENVIRONMENT.items() if "SAN_OPTIONS" not in k})
        self.addCleanup(log.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return f"127.0.0.1:{port}"
            except OSError:
                time.sleep(0.05)
        log.seek(0)
        return self.fail(log.read())

    def train(self, name, *arguments):
        output = os.path.join(self.folder, name)
        command = [TRIMTAB, "train", "-m", self.tiny, "-t", "1", "--samples", "12", "--tolerance", "0.01", "-q", "-o", output,
                   "--axis", "language", "--axis", "storytelling", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT), output

    def test_two_servers_hold_the_model(self):
        first, second = self.server(), self.server()
        alone, one = self.train("one", "-fa", "off")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        both, two = self.train("two", "-fa", "off", "--rpc", f"{first},{second}", "-ngl", "99", "-ts", "1,1", "--verbose")
        self.assertEqual(both.returncode, 0, both.stderr)
        found = vectors.cosines(one, two)
        self.assertTrue(found)
        self.assertGreaterEqual(min(map(abs, found)), 0.9999)
        held = [line for line in both.stderr.splitlines() if "model buffer size" in line]
        for server in (first, second):
            self.assertTrue(any(server in line for line in held), both.stderr)

    def test_no_server(self):
        for server, status, words in ((f"127.0.0.1:{free_port()}", 1, "no ggml-rpc-server answers at '127.0.0.1:"),
                                      ("no.such.host.invalid:1", 1, "no ggml-rpc-server answers at 'no.such.host.invalid:1' ("),
                                      ("127.0.0.1", 2, "should be HOST:PORT")):
            result, _ = self.train("none", "--rpc", server)
            self.assertEqual(result.returncode, status, result.stderr)
            self.assertIn(words, result.stderr)
            self.assertEqual(result.stderr.count("trimtab:"), 1)


if __name__ == "__main__":
    if not SERVERS:
        raise SystemExit(77)
    unittest.main()
