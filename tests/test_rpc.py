"""test_rpc.py: a model whose blocks lie on other machines, here two ggml-rpc-servers on loopback."""
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import built
import cases
import vectors
from cases import ENVIRONMENT, TRIMTAB

SAMPLES = 16384  # where a states file no longer tells of the processes that write it: docs/states-format.md
SERVERS = [*glob.glob("/usr/libexec/*/llama/bin/ggml-rpc-server"), *filter(None, [shutil.which("ggml-rpc-server")])]


class Rpc(cases.Case):
    def port(self):
        """One that nobody else is given: it stays bound until the test ends. Nobody listens there, but a ggml-rpc-server can, as both
        set SO_REUSEADDR."""
        keeper = socket.socket()
        self.addCleanup(keeper.close)
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        return keeper.getsockname()[1]

    def server(self):
        """Starts one; its HOST:PORT."""
        port, log = self.port(), tempfile.TemporaryFile("w+", dir=self.folder)
        process = subprocess.Popen([SERVERS[0], "-H", "127.0.0.1", "-p", str(port), "-d", "CPU"], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, env={k: v for k, v in ENVIRONMENT.items() if "SAN_OPTIONS" not in k})
        self.addCleanup(log.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + built.PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return f"127.0.0.1:{port}"
            except OSError:
                time.sleep(0.05)
        log.seek(0)
        return self.fail(log.read())

    def command(self, output, *arguments):
        return [TRIMTAB, "train", "-m", self.tiny, "-t", "1", "--tolerance", "0.01", "-o", output, "--axis", "language", *arguments]

    def train(self, name, *arguments):
        output = self.place(name)
        return subprocess.run(self.command(output, *arguments), capture_output=True, text=True, check=False, env=ENVIRONMENT), output

    def test_two_servers_hold_the_model(self):
        first, second = self.server(), self.server()
        run = ("--axis", "storytelling", "--samples", "12", "-q", "-fa", "off")
        alone, one = self.train("one", *run)
        self.assertEqual(alone.returncode, 0, alone.stderr)
        both, two = self.train("two", *run, "--rpc", f"{first},{second}", "-ngl", "99", "-ts", "1,1", "--verbose")
        self.assertEqual(both.returncode, 0, both.stderr)
        found = vectors.cosines(one, two)
        self.assertTrue(found)
        self.assertGreaterEqual(min(map(abs, found)), 0.9999)
        held = [line for line in both.stderr.splitlines() if "model buffer size" in line]
        for server in (first, second):
            self.assertTrue(any(server in line for line in held), both.stderr)

    def test_families_compute_what_they_do_here(self):
        """Every block's contributions, and steering, of every family's tiny model: tests/test_device.c."""
        environment = {**ENVIRONMENT, "TRIMTAB_RPC": f"{self.server()},{self.server()}"}
        result = subprocess.run([os.path.join(built.FOLDER, "tests", "test_device")], capture_output=True, text=True, check=False, env=environment)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_a_run_goes_on_only_where_the_blocks_lie_as_they_did(self):
        """Another processor rounds otherwise. What has changed is told by its argument, and given up only when that is asked for."""
        first, second = self.server(), self.server()
        both, samples = f"{first},{second}", ("--samples", "20", "-fa", "off")
        there = (*samples, "--rpc", both, "-ngl", "99", "-ts", "1,1")
        output = self.place("out")
        begun = self.started(output, *self.command(output, *there), batches=1)
        begun.send_signal(signal.SIGINT)  # not killed: the servers may go with a client that dies in the middle of a message
        begun.communicate()
        path, = pathlib.Path(output).glob("*.states")
        states = path.read_bytes()
        for words, arguments in (
            (f"blocks on --rpc {both};", samples),
            (f"blocks on --rpc {both};", (*samples, "--rpc", both, "-ngl", "0")),
            (f"--rpc {both} instead of {first};", (*samples, "--rpc", first, "-ngl", "99")),
            (f"--rpc {both} instead of {second},{first};", (*samples, "--rpc", f"{second},{first}", "-ngl", "99", "-ts", "1,1")),
            ("-ngl all instead of 2;", (*samples, "--rpc", both, "-ngl", "2", "-ts", "1,1")),
            ("-ts 1,1 instead of 3,1;", (*samples, "--rpc", both, "-ngl", "99", "-ts", "3,1")),
            ("-ts 1,1;", (*samples, "--rpc", both, "-ngl", "99")),
            ("-fa off;", [argument for argument in there if argument not in ("-fa", "off")]),
        ):
            with self.subTest(words):
                refused, _ = self.train("out", *arguments)
                self.assertEqual(refused.returncode, 1, refused.stderr)
                self.assertIn("holds an unfinished run with " + words, refused.stderr)
                self.assertIn("--restart", refused.stderr)
                self.assertEqual(path.read_bytes()[SAMPLES:], states[SAMPLES:])
        same, _ = self.train("out", *there)
        self.assertEqual(same.returncode, 0, same.stderr)
        self.assertIn("going on with", same.stderr)
        path.write_bytes(states)
        anew, _ = self.train("out", "--samples", "8", "--rpc", first, "-ngl", "99", "--restart")
        self.assertEqual(anew.returncode, 0, anew.stderr)
        self.assertNotIn("going on with", anew.stderr)

    def test_no_server(self):
        for server, status, words in ((f"127.0.0.1:{self.port()}", 1, "no ggml-rpc-server answers at '127.0.0.1:"),
                                      ("no.such.host.invalid:1", 1, "no ggml-rpc-server answers at 'no.such.host.invalid:1' ("),
                                      ("127.0.0.1", 2, "should be HOST:PORT")):
            result, _ = self.train("none", "--rpc", server)
            self.assertEqual(result.returncode, status, result.stderr)
            self.assertIn(words, result.stderr)
            self.assertEqual(result.stderr.count("trimtab:"), 1)


if __name__ == "__main__":
    if not SERVERS:
        built.skip_all("there is no ggml-rpc-server")
    unittest.main(verbosity=2)
