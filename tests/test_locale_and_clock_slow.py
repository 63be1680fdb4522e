"""test_locale_and_clock_slow.py: a locale with a decimal comma changes no number, and a clock that jumps back disturbs nothing."""

import json
import os
import pathlib
import signal
import subprocess
import unittest
import urllib.request

import built
import comma_locale
import serving
from surroundings import ENVIRONMENT, EVALUATION, TRAINING, TRIMTAB, Case


class Locale(Case):
    """Numbers are read and written with a point, also where people write a comma."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        place = os.path.join(cls.folder, "locale")
        os.mkdir(place)
        cls.settings = comma_locale.environment(place)
        if not cls.settings:
            raise unittest.SkipTest("there is no localedef")
        cls.settings |= {"LC_ALL": ""}

    def test_the_locale_is_one(self):
        said = subprocess.run(["bash", "-c", "printf %f 1,5"], capture_output=True, text=True, check=True, env=ENVIRONMENT | self.settings)
        self.assertEqual(said.stdout, "1,500000")

    def test_same_output(self):
        train = ("train", "-q", "-m", self.model, "-t", "1", *TRAINING)
        mix = ("--vectors", self.vectors, "--axis", "language=0.5")
        files = {}
        for name, settings in (("point", {"LC_ALL": "C"}), ("comma", self.settings)):
            folder = self.place(name)
            self.fine(*train, "-o", folder, environment=settings)
            self.fine("merge", *mix, "-o", f"{folder}/merged.gguf", environment=settings)
            self.fine("bake", "-m", self.model, *mix, "-o", f"{folder}/baked.gguf", environment=settings)
            self.fine("eval", "-m", self.model, "-t", "1", "--vectors", folder, *EVALUATION, "--save", "--report", f"{folder}/report.html",
                      environment=settings)
            self.fine("card", folder, environment=settings)
            self.fine("inspect", "--svg", f"{folder}/figure.svg", f"{folder}/merged.gguf", environment=settings)
            files[name] = {path.name: path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}
        self.assertGreater(len(files["point"]), 9)
        self.assertEqual(files["point"], files["comma"])
        for arguments in (("inspect", *mix), ("inspect", "--json", *mix), ("command", "--for", "llama.cpp-0.7", *mix),
                          ("run", "-m", self.model, "-t", "1", *mix, "-p", "x", "-n", "4", "--temp", "0.5", "-s", "1")):
            here, there = (self.fine(*arguments, environment=settings).stdout for settings in ({"LC_ALL": "C"}, self.settings))
            self.assertEqual(here, there)

    def test_serve(self):
        with serving.Server(self.model, "--vectors", self.vectors, "--timeout", "30.5", environment=self.settings) as server:
            axes = json.loads(server.get("/v1/axes"))["axes"]
            self.assertEqual(axes[0]["safe_range"], [-1.0, 1.0])
            self.assertRegex(server.get("/metrics").decode(), r"(?m)^trimtab_\w+ \d+\.\d+$")
            self.assertNotRegex(server.get("/metrics").decode(), r"(?m)^trimtab_\S+ \d+,")

    def test_the_library_and_its_parts(self):
        """Their tests that look for such a locale find one; test_api.c takes the user's, as programs do."""
        for name in ("test_base", "test_mix", "test_api"):
            result = subprocess.run([f"{built.FOLDER}/tests/{name}"], capture_output=True, text=True, check=False, env=os.environ | self.settings,
                                    cwd=os.environ["TRIMTAB_SOURCE"])
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertNotIn("decimal comma", result.stdout + result.stderr)  # what is skipped says so


class Clock(Case):
    """The time of day jumps back, and files are older or younger than it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.jumping = {"LD_PRELOAD": f"{built.FOLDER}/tests/jumping_clock.so"}
        if built.SANITIZERS:
            cls.jumping["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"

    def test_training_is_stopped_and_goes_on(self):
        arguments = ("--axis", "language", "--samples", "96", "--tolerance", "0.01", "-t", "1", "-m", self.model)
        undisturbed = self.place("undisturbed")
        self.fine("train", "-q", "-o", undisturbed, *arguments)
        for year in (1971, 2100):
            output = pathlib.Path(self.place(str(year)))
            process = self.started(output, TRIMTAB, "train", "-q", "-o", output, *arguments, batches=1, environment=ENVIRONMENT | self.jumping)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(built.PATIENCE), -signal.SIGINT)
            states, = output.glob("*.states")
            os.utime(states, (60 * 60 * 24 * 365 * (year - 1970),) * 2)
            said = self.fine("train", "-o", output, *arguments, environment=self.jumping).stderr.decode()
            self.assertIn("going on with", said)
            self.assertNotRegex(said, r"[ (]-\d|\bnan|\binf\b")
            for path in pathlib.Path(undisturbed).iterdir():
                self.assertEqual(path.read_bytes(), (output / path.name).read_bytes(), path.name)

    def test_serve(self):
        with serving.Server(self.model, "--vectors", self.vectors, "--timeout", "600", "--idle", "600", environment=self.jumping) as server:
            body = json.dumps({"model": "tiny", "messages": serving.PROMPT, "max_tokens": 4}).encode()
            for _ in range(3):
                request = urllib.request.Request(server.url + "/v1/chat/completions", body, {"Content-Type": "application/json"})
                answer = json.loads(urllib.request.urlopen(request, timeout=built.PATIENCE).read())
                self.assertEqual(answer["usage"]["completion_tokens"], 4)
                self.assertLess(answer["created"], 1700000000)  # the clock is really another
            self.assertEqual(server.end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
