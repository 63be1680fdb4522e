"""serve.py: the benchmark of `trimtab serve`, against Debian's llama-server: one client and eight, with and without mixes.

Both servers get the same model, threads, slots, context and sampling, and write the same number of tokens; they take turns, one
server at a time. What is measured is what a client sees: tokens a second of all clients together, and the time to the first
token. `./dev bench serve` runs it.
"""
import contextlib
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from measure import Figure, NotMeasured

TOKENS = 96
SLOTS = 8
PROMPT = "Client number {0} would like to hear a story about a harbour, a lighthouse and {0} ships lost in the fog."
CONTENT = re.compile(rb'"content": ?"[^"]')  # the first event may tell the role alone
MIX = "language=0.4,optimism_vs_nihilism=-0.2"


class Running:
    """A server as a process of its own, ended by its process id."""

    def __init__(self, command, port, folder):
        self.port = port
        with open(os.path.join(folder, "server.log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait()

    def wait(self):
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.1)
        self.end()
        raise NotMeasured("a server did not start")

    def resident(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) * 1024

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(bench, ours, folder, vectors=None):
    port = free_port()
    common = ["-m", bench.model(), "-t", bench.threads, "-np", SLOTS, "-c", SLOTS * 1024, "--host", "127.0.0.1", "--port", port]
    if ours:
        return Running([bench.program("trimtab"), "serve", *common, *(["--vectors", vectors] if vectors else [])], port, folder)
    return Running([bench.program("llama-server"), *common, "--no-webui"], port, folder)


def ask(port, number, steering, result):
    """Streams one answer; appends (tokens, first token after seconds)."""
    body = {"messages": [{"role": "user", "content": PROMPT.format(number)}], "max_tokens": TOKENS, "temperature": 0.8, "top_k": 40,
            "seed": number, "stream": True, "ignore_eos": True}
    if steering is not None:
        body["steering"] = steering
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    begin = time.monotonic()
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    first = None
    for line in response:
        if first is None and CONTENT.search(line):
            first = time.monotonic() - begin
    connection.close()
    if response.status != 200 or first is None:
        raise NotMeasured(f"a server answered {response.status}")
    result.append((TOKENS, first))


def load(port, clients, salt, steering=lambda number: None):
    """All clients at once: tokens a second together, and the median time to the first token."""
    result, begin = [], time.monotonic()
    threads = [threading.Thread(target=ask, args=(port, 1000 * salt + i, steering(i), result)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(result) != clients:
        raise NotMeasured("not every client got an answer")
    return sum(tokens for tokens, _ in result) / (time.monotonic() - begin), statistics.median(first for _, first in result)


def eight_mixes(number):
    return {"language": round(-0.8 + 0.2 * number, 2), "optimism_vs_nihilism": round(0.3 - 0.1 * number, 2)}


def idle_connections(port, count):
    """Opened and left: half silent, half in the middle of a request's head."""
    opened = []
    for i in range(count):
        raw = socket.create_connection(("127.0.0.1", port), 10)
        if i % 2:
            raw.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
        opened.append(raw)
    return opened


def drip(opened, stop):
    while not stop.wait(1):
        for raw in opened[1::2]:
            with contextlib.suppress(OSError):
                raw.sendall(b"x")


def against_llama_server(bench, folder):
    figures = {}
    for turn in bench.turns("serve, both servers"):
        for ours in (True, False):
            with start(bench, ours, folder) as server:
                load(server.port, 1, 900 + turn)  # warm up
                for clients in (1, 8):
                    rate, first = load(server.port, clients, 10 * turn + clients)
                    figures.setdefault((clients, "rate"), ([], []))[not ours].append(rate)
                    figures.setdefault((clients, "first"), ([], []))[not ours].append(1000 * first)
    for clients in (1, 8):
        who = f"{clients} client" + "s" * (clients > 1)
        yield Figure(who, "tokens/s", *_pair(figures[clients, "rate"], "llama-server"), (">=", 1.0))
        yield Figure(f"{who}, first token", "ms", *_pair(figures[clients, "first"], "llama-server"), (">=", 1.0), True)


def _pair(values, peer):
    return values[0], peer, values[1]


def steered(bench, folder, vectors):
    plain, one, many = [], [], []
    with start(bench, True, folder, vectors) as server:
        load(server.port, 8, 900)
        for turn in bench.turns("serve, mixes"):
            plain.append(load(server.port, 8, 100 + turn)[0])
            one.append(load(server.port, 8, 200 + turn, lambda _: MIX)[0])
            many.append(load(server.port, 8, 300 + turn, eight_mixes)[0])
    yield Figure("8 clients, one mix", "tokens/s", one, "no steering", plain, (">=", 0.97))
    yield Figure("8 clients, 8 mixes", "tokens/s", many, "no steering", plain, (">=", 0.8))


def under_siege(bench, folder):
    quiet, besieged, before, after = [], [], [], []
    with start(bench, True, folder) as server:
        load(server.port, 8, 900)
        for turn in bench.turns("serve, 1000 idle connections"):
            before.append(server.resident())
            quiet.append(load(server.port, 4, 100 + turn)[0])
            opened, stop = idle_connections(server.port, 1000), threading.Event()
            thread = threading.Thread(target=drip, args=(opened, stop))
            thread.start()
            besieged.append(load(server.port, 4, 200 + turn)[0])
            stop.set()
            thread.join()
            for raw in opened:
                raw.close()
            time.sleep(1)
            after.append(server.resident())
    yield Figure("4 clients beside 1000 idle ones", "tokens/s", besieged, "alone", quiet, (">=", 0.95))
    yield Figure("memory afterwards", "MiB", [x / 2**20 for x in after], "before", [x / 2**20 for x in before], ("<=", 1.02))


def measure(bench):
    """What clients of trimtab serve see, against llama-server's; what mixes cost; a thousand silent connections."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        yield from against_llama_server(bench, folder)
        vectors = os.path.join(folder, "vectors")
        bench.run([bench.program("trimtab"), "train", "-m", bench.model(), "-o", vectors, "--axis", "language",
                   "--axis", "optimism_vs_nihilism", "--samples", 8, "-q"])
        yield from steered(bench, folder, vectors)
        yield from under_siege(bench, folder)
