"""test_device_models.py: trimtab's commands on a GPU, here Mesa's lavapipe (./dev test --vulkan): with all blocks on it, half, and none they
do what they do on the processor."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import unittest
import urllib.request

import numpy

import built
import cases
import serving
import vectors
from cases import ENVIRONMENT, TRIMTAB

LAYOUTS = ("99", "2", "0")  # blocks there; the tiny model has 4
MODEL = os.environ.get("TRIMTAB_MODEL")
BARE = {**ENVIRONMENT, "GGML_VK_VISIBLE_DEVICES": "", "VK_DRIVER_FILES": "/nonexistent"}  # as if there were no GPU


def has_device():
    return subprocess.run([os.path.join(built.FOLDER, "tests", "test_device"), "no family"], capture_output=True, check=False).returncode == 0


class Commands(cases.Case):
    """On a tiny model."""

    def fine(self, *arguments, environment=None):
        result = subprocess.run([TRIMTAB, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=environment or ENVIRONMENT)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def train(self, name, layers, *arguments, environment=None, model=None):
        output = self.place(name)
        result = self.fine(*self.command(output, layers, *arguments, model=model)[1:], environment=environment)
        return output, result.stderr

    def command(self, output, layers, *arguments, model=None):
        return [TRIMTAB, "train", "-m", model or self.tiny, "-t", "1", "-o", output, "--axis", "language", "--tolerance", "0", "-ngl", layers, *arguments]

    def test_directions(self):
        """The processor's, and without blocks on the GPU its very bytes. Where flash attention is on, the two round keys and values differently, to
        which an eigenvector can be sensitive, but no mean."""
        for arguments in (("--method", "cross-covariance", "-fa", "off"), ("--method", "mean-difference")):
            bare, _ = self.train("bare" + arguments[1], "99", "--samples", "8", *arguments, environment=BARE)
            for layers in LAYOUTS:
                with self.subTest(layers=layers, arguments=arguments):
                    there, said = self.train("there" + layers + arguments[1], layers, "--samples", "8", *arguments)
                    self.assertEqual("compared with the processor: 3 prompts' states differ by" in said, layers != "0", said)
                    found = vectors.cosines(bare, there)
                    self.assertTrue(found)
                    self.assertGreaterEqual(min(map(abs, found)), 0.9999)
                    if layers == "0":
                        for name, path in vectors.files(bare).items():
                            self.assertEqual(pathlib.Path(vectors.files(there)[name]).read_bytes(), pathlib.Path(path).read_bytes(), name)

    def test_a_run_goes_on(self):
        """Stopped and started again it writes what an undisturbed run writes."""
        for layers in LAYOUTS:
            with self.subTest(layers):
                samples = ("--samples", "40")
                whole, _ = self.train("whole" + layers, layers, *samples)
                output = self.place("parts" + layers)
                begun = self.started(output, *self.command(output, layers, *samples), batches=1)
                begun.send_signal(signal.SIGINT)
                begun.communicate()
                again = self.fine(*self.command(output, layers, *samples)[1:])
                self.assertIn("going on with", again.stderr)
                for name, path in vectors.files(whole).items():
                    with open(path, "rb") as one, open(vectors.files(output)[name], "rb") as other:
                        self.assertEqual(one.read(), other.read(), name)

    def test_run(self):
        """The same words, steered by a file."""
        folder = serving.make_vectors(self.place("vectors"))
        said = {self.fine("run", "-m", self.tiny, "-t", "1", "--temp", "0", "-n", "12", "-p", "Tell me of the sea.", "--vectors", folder, "--axis",
                          "language=2", "-ngl", layers).stdout for layers in LAYOUTS}
        self.assertEqual(len(said), 1, said)

    def ask(self, server, value, answers):
        body = {"messages": serving.PROMPT, "max_tokens": 6, "temperature": 0, "logprobs": True, "top_logprobs": 1, "steering": {"language": value}}
        request = urllib.request.Request(server.url + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        choice = json.load(urllib.request.urlopen(request, timeout=built.PATIENCE))["choices"][0]
        answers[value] = [(token["token"], token["logprob"]) for token in choice["logprobs"]["content"]]

    def test_serve(self):
        """Four mixes at once: each as the processor answers it."""
        folder, seen = serving.make_vectors(self.place("vectors")), {}
        for layers in LAYOUTS:
            answers = seen[layers] = {}
            with serving.Server(self.tiny, "--vectors", folder, "-ngl", layers) as server:
                threads = [threading.Thread(target=self.ask, args=(server, value, answers)) for value in (2, -2, 1, 0)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            self.assertEqual(len(answers), 4)
        for layers in LAYOUTS[:2]:
            for value, expected in seen["0"].items():
                self.assertEqual([token for token, _ in seen[layers][value]], [token for token, _ in expected], (layers, value))
                numpy.testing.assert_allclose([p for _, p in seen[layers][value]], [p for _, p in expected], atol=0.05)

    def test_eval(self):
        """The same texts have the same perplexity, to a hundredth. (Rounding may draw another token, and then a text goes another way.)"""
        folder, found = serving.make_vectors(self.place("vectors"), told=True), {}
        for layers in LAYOUTS:
            report = json.loads(self.fine("eval", "-q", "-t", "1", "--json", "--axis", "language", "--vectors", folder, "-m", self.tiny, "--samples", "4",
                                          "--values", "1", "--text-tokens", "8", "-ngl", layers).stdout)
            axis = report["axes"][0]
            found[layers] = [(text, perplexity) for way in (axis["unsteered"], *axis["asked"], *axis["values"])
                             for text, perplexity in zip(way["texts"], way["by_sample"]["log_perplexity"])]
        for layers in LAYOUTS[:2]:
            alike = [(mine[1], theirs[1]) for mine, theirs in zip(found[layers], found["0"], strict=True) if mine[0] == theirs[0]]
            self.assertGreater(len(alike), len(found["0"]) / 2)
            numpy.testing.assert_allclose(*zip(*alike), atol=0.01)
            self.assertTrue(all(numpy.isfinite(perplexity) for _, perplexity in found[layers]))

    @unittest.skipUnless(os.environ.get("TRIMTAB_LAVAPIPE"), "another GPU than Mesa's lavapipe, whose cooperative matrices compute wrongly")
    def test_what_is_computed_wrongly_is_refused(self):
        experts = built.tiny_model(self.place("experts.gguf"), "--arch", "mixtral")
        wrong = {k: v for k, v in ENVIRONMENT.items() if k != "GGML_VK_DISABLE_COOPMAT"}
        result = subprocess.run(self.command(self.place("out"), "99", "--samples", "4", model=experts), capture_output=True, text=True, check=False,
                                stdin=subprocess.DEVNULL, env=wrong)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, "do not compute what the processor does|numbers that are not finite")
        self.assertIn("GGML_VK_DISABLE_COOPMAT=1", result.stderr)
        self.fine(*self.command(self.place("out"), "99", "--samples", "4", model=experts)[1:])

    @unittest.skipUnless(MODEL, "TRIMTAB_MODEL names no model")
    def test_a_real_model(self):
        """SmolLM2, whose weights are in 4 bits: what it is compared by, and directions; about 15 tokens a second."""
        bare, _ = self.train("bare", "0", "--samples", "2", model=MODEL)
        for layers in ("99", "15"):
            with self.subTest(layers):
                there, said = self.train("there" + layers, layers, "--samples", "2", model=MODEL)
                self.assertIn("compared with the processor", said)
                found = sorted(map(abs, vectors.cosines(bare, there)))
                self.assertGreater(found[len(found) // 2], 0.9)


if __name__ == "__main__":
    if not has_device():
        built.skip_all("ggml sees no device but the processor; ./dev test --vulkan shows it one")
    unittest.main(verbosity=2)
