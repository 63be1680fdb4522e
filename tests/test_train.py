"""test_train.py: `trimtab train` as a user meets it: what it writes, that it can be stopped and goes on, and what it refuses."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time
import unittest

import numpy

import built
import cases
import small_disk
import vectors
from cases import ENVIRONMENT, TRIMTAB

MODEL = os.environ["TRIMTAB_MODEL"]
SECOND_MODEL = os.environ["TRIMTAB_SECOND_MODEL"]


def few_threads(model):
    """A tiny model's threads spend their time waiting for one another, the more so on a busy machine."""
    return () if model == MODEL else ("-t", "1")


def train(*arguments, model=None, **settings):
    command = [TRIMTAB, "train", "-m", model, *few_threads(model), *arguments] if model else [TRIMTAB, "train", *arguments]
    settings.setdefault("env", ENVIRONMENT)
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **settings)


class Case(cases.Case):
    def run_fine(self, *arguments, **settings):
        result = train(*arguments, **settings)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def refused(self, words, *arguments, status=1, **settings):
        result = train(*arguments, **settings)
        self.assertEqual(result.returncode, status, result.stderr)
        said = [line for line in result.stderr.splitlines() if line.startswith("trimtab:")]
        self.assertEqual(len(said), 1, result.stderr)
        for word in words if isinstance(words, tuple) else (words,):
            self.assertIn(word, said[0])
        return result


class Files(Case):
    """What a run on the real model leaves behind."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.output = os.path.join(cls.folder, "out")
        cls.result = train("-o", cls.output, "--axis", "language", "--samples", "24", "--keep-states", model=MODEL)

    def test_three_files_and_a_report(self):
        self.assertEqual(self.result.returncode, 0, self.result.stderr)
        names = sorted(name.split("-language__")[1] for name in os.listdir(self.output) if "__" in name)
        self.assertEqual(names, ["debias.gguf", "ornate.gguf", "report.json", "simple.gguf"])
        for line in ("language: simple or ornate", "block", "__ornate.gguf"):
            self.assertIn(line, self.result.stdout)
        self.assertNotIn("llama_", self.result.stderr)  # libllama's own talk is for --verbose

    def test_keys_and_tensors(self):
        for suffix, role, name in (("debias", "debias", ""), ("simple", "negative", "simple"), ("ornate", "positive", "ornate")):
            rows, keys = vectors.read(next(p for p in vectors.files(self.output).values() if p.endswith(f"__{suffix}.gguf")))
            self.assertEqual(keys["general.architecture"], "controlvector")
            self.assertEqual(keys["controlvector.model_hint"], "llama")
            self.assertEqual(keys["controlvector.layer_count"], 30)
            self.assertEqual(keys["trimtab.axis"], "language")
            self.assertEqual(keys["trimtab.role"], role)
            self.assertEqual(keys.get("trimtab.class", ""), name)
            self.assertEqual(keys["trimtab.samples"], 24)
            self.assertEqual(keys["trimtab.parameters"], 134515008)
            self.assertEqual(keys["trimtab.method"], "cross-covariance")
            self.assertEqual(len(keys["trimtab.fingerprint"]), 64)
            self.assertTrue(rows and all(1 <= k <= 29 and len(row) == 576 for k, row in rows.items()))
            self.assertTrue(all(numpy.isfinite(row).all() for row in rows.values()))

    def test_sides_are_opposite_and_debias_lies_along_them(self):
        of = {name.split("__")[1]: vectors.read(path)[0] for name, path in vectors.files(self.output).items()}
        for k, positive in of["ornate.gguf"].items():
            numpy.testing.assert_allclose(of["simple.gguf"][k], -positive, rtol=1e-4, atol=1e-6)
            self.assertGreater(abs(vectors.cosine(of["debias.gguf"][k], positive)), 0.9999)

    def test_report_tells_what_the_vectors_tell(self):
        report = next(name for name in os.listdir(self.output) if name.endswith("report.json"))
        with open(os.path.join(self.output, report), encoding="utf-8") as file:
            data = json.load(file)
        _, keys = vectors.read(next(iter(vectors.files(self.output).values())))
        self.assertEqual([b["block"] for b in data["blocks"]], list(keys["trimtab.figures.block"]))
        for block in data["blocks"]:
            self.assertGreaterEqual(block["discriminant_ratio"], 0.5)
            self.assertAlmostEqual(block["middle"], sum(block["means"]) / 2, places=4)

    def test_same_seed_same_bytes(self):
        again = self.place("again")
        self.run_fine("-o", again, "--axis", "language", "--samples", "24", model=MODEL)
        first = {n: b for n, b in vectors.contents(self.output).items() if not n.endswith(".states")}
        self.assertEqual(first, vectors.contents(again))

    def test_other_methods_from_kept_states(self):
        states = next(os.path.join(self.output, n) for n in os.listdir(self.output) if n.endswith(".states"))
        same = self.place("same")
        self.run_fine("-o", same, "--from-states", states)
        first = {n: b for n, b in vectors.contents(self.output).items() if not n.endswith(".states")}
        self.assertEqual(first, vectors.contents(same))
        fewer, short = self.place("fewer"), self.place("short")
        self.run_fine("-o", fewer, "--from-states", states, "--samples", "12")
        self.run_fine("-o", short, "--axis", "language", "--samples", "12", model=MODEL)
        for name, path in vectors.files(fewer).items():
            rows, keys = vectors.read(path)
            expected, _ = vectors.read(vectors.files(short)[name])
            self.assertEqual(keys["trimtab.samples"], 12)
            self.assertEqual(set(rows), set(expected))
            self.assertGreater(min(vectors.cosine(rows[k], expected[k]) for k in rows), 0.999)
        self.refused("24 samples: 25 cannot be taken", "-o", fewer, "--from-states", states, "--samples", "25")
        for method in ("mean-difference", "pca"):
            other = self.place(method)
            self.run_fine("-o", other, "--from-states", states, "--method", method, "--layer-offset", "0")
            rows, keys = vectors.read(next(p for p in vectors.files(other).values() if p.endswith("__ornate.gguf")))
            self.assertEqual(keys["trimtab.method"], method)
            self.assertEqual(keys["trimtab.layer_offset"], 0)
            self.assertTrue(rows)

    def test_solvers_agree(self):
        states = str(next(pathlib.Path(self.output).glob("*.states")))
        for solver in ("dense", "lanczos"):
            self.run_fine("-o", self.place(solver), "--from-states", states, "--solver", solver)
        found = vectors.cosines(self.place("dense"), self.place("lanczos"))
        self.assertTrue(found)
        self.assertGreaterEqual(min(found), 0.9999)

    def test_llama_completion_takes_them(self):
        of = {name.split("__")[1].split(".")[0]: path for name, path in vectors.files(self.output).items()}

        def write(*options):
            command = ["llama-completion", "-m", MODEL, "-no-cnv", "-p", "The old house by the sea was", "-n", "48", "--temp", "0",
                       "-t", "2", "--no-warmup"]
            result = subprocess.run([*command, *options], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            self.assertEqual(result.returncode, 0, result.stderr[-2000:])
            return result.stdout

        plain = write()
        ornate = write("--control-vector", f"{of['debias']},{of['ornate']}")
        scaled = {name: write("--control-vector-scaled", f"{of['debias']}:1,{of[name]}:{scale}")
                  for name, scale in (("simple", 5), ("ornate", 2))}
        self.assertEqual(len({plain, ornate, *scaled.values()}), 4, (plain, ornate, scaled))


class Sharing(Case):
    def test_shared_equals_plain_on_the_tiny_model(self):
        """Relative errors of single contributions are test_capture's business; here the whole way must agree."""
        one, other = self.place("shared"), self.place("plain")
        arguments = ("--axis", "language", "--axis", "optimism_vs_nihilism", "--samples", "20", "-fa", "off", "--tolerance", "0.01")
        self.run_fine("-o", one, *arguments, model=self.tiny)
        self.run_fine("-o", other, *arguments, "--plain", model=self.tiny)
        found = vectors.cosines(one, other)
        self.assertTrue(found)
        self.assertGreater(min(found), 0.9999)

    def test_shared_equals_plain_on_the_real_models(self):
        """To the last bit, quantised or not: see docs/capture.md."""
        for model, options in ((MODEL, ()), (SECOND_MODEL, ("--chat-template", "gemma"))):
            with self.subTest(model):
                one, other = (self.place(f"{way}-{os.path.basename(model)}") for way in ("shared", "plain"))
                arguments = ("--axis", "language", "--axis", "optimism_vs_nihilism", "--samples", "6", "--tolerance", "0.1", *options)
                self.run_fine("-o", one, *arguments, model=model)
                self.run_fine("-o", other, *arguments, "--plain", model=model)
                of_one, of_other = ({n: b for n, b in vectors.contents(f).items() if n.endswith(".gguf")} for f in (one, other))
                self.assertEqual(len(of_one), 6)
                self.assertEqual(of_one, of_other)

    def test_other_axes_change_nothing(self):
        alone, among = self.place("alone"), self.place("among")
        self.run_fine("-o", alone, "--axis", "language", "--samples", "16", "-fa", "off", "--tolerance", "0.01", model=self.tiny)
        self.run_fine("-o", among, "--axis", "storytelling", "--axis", "language", "--samples", "16", "-fa", "off", "--tolerance", "0.01",
                      model=self.tiny)
        for name, path in vectors.files(alone).items():
            a, b = vectors.read(path)[0], vectors.read(vectors.files(among)[name])[0]
            for k in a:
                self.assertGreater(vectors.cosine(a[k], b[k]), 0.9999)

    def test_thread_counts_agree(self):
        one, two = self.place("one"), self.place("two")
        arguments = ("--axis", "language", "--samples", "16", "--tolerance", "0.01")
        self.run_fine("-o", one, *arguments, "-t", "1", model=self.tiny)
        self.run_fine("-o", two, *arguments, "-t", "2", model=self.tiny)
        self.assertGreater(min(vectors.cosines(one, two)), 0.9999)


class Resuming(Case):
    ARGUMENTS = ("--axis", "language", "--samples", "400", "--tolerance", "0.01", "-q")

    def test_killed_at_random_moments(self):
        undisturbed, killed = self.place("undisturbed"), self.place("killed")
        begin = time.monotonic()
        self.run_fine("-o", undisturbed, *self.ARGUMENTS, model=self.tiny)
        whole = time.monotonic() - begin
        dice = random.Random(7)
        kills = 0
        end = begin + built.PATIENCE
        while kills < 8:
            self.assertLess(time.monotonic(), end)
            process = subprocess.Popen([TRIMTAB, "train", "-m", self.tiny, "-t", "1", "-o", killed, *self.ARGUMENTS], env=ENVIRONMENT,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=dice.uniform(0.02, whole / 8))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
                continue
            if kills < 8:  # faster than the undisturbed run: once more from the beginning, and killed sooner
                shutil.rmtree(killed)
                kills, whole = 0, whole / 2
        self.run_fine("-o", killed, *self.ARGUMENTS, model=self.tiny)
        leftovers = [n for n in os.listdir(killed) if n.startswith(".trimtab")]
        for name in leftovers:
            os.unlink(os.path.join(killed, name))
        self.assertEqual(vectors.contents(undisturbed), vectors.contents(killed))

    LONG = ("--axis", "language", "--samples", "20000")

    def begun(self, output, *arguments):
        """A run, a long one unless `arguments` say otherwise, somewhere in its capture."""
        return self.started(output, TRIMTAB, "train", "-m", self.tiny, "-t", "1", "-o", output, *(arguments or self.LONG))

    def test_ctrl_c_then_other_arguments_then_restart(self):
        output = self.place("out")
        process = self.begun(output)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=built.PATIENCE)
        self.assertEqual(process.returncode, -signal.SIGINT, said)
        self.assertIn("the same command goes on from there", said)
        self.refused(("--samples 20000 instead of 3999", "--restart"), "-o", output, "--axis", "language", "--samples", "3999", model=self.tiny)
        self.refused("--seed 0 instead of 1", "-o", output, *self.LONG, "--seed", "1", model=self.tiny)
        self.refused("other axes", "-o", output, "--axis", "storytelling", "--samples", "20000", model=self.tiny)
        self.refused("finish that run first", "-o", output, "--from-states", str(next(pathlib.Path(output).glob("*.states"))))
        self.run_fine("-o", output, "--axis", "language", "--samples", "12", "--tolerance", "0.001", "--restart", model=self.tiny)

    def test_ctrl_c_while_writing_prompts_are_read(self):
        pipe = self.place("prompts")
        os.mkfifo(pipe)
        process = subprocess.Popen([TRIMTAB, "train", "-m", self.tiny, "-t", "1", "-o", self.place("out"), "--prompts", pipe], env=ENVIRONMENT,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        with open(pipe, "wb") as writer:  # once it is open at the other end too, it is being read
            writer.write(b"Write a story.\n")
            writer.flush()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=built.PATIENCE)
        self.assertEqual((process.returncode, said), (-signal.SIGINT, ""))

    def test_whatever_changes_what_is_captured_is_told(self):
        output = self.place("out")
        process = self.begun(output)
        process.kill()
        process.communicate()
        os.mkdir(self.place("axes"))
        stems, prompts, axis = (self.place(name) for name in ("stems.json", "prompts.txt", "axes/language.json"))
        other = built.tiny_model(self.place("other.gguf"), "--seed", "2")
        pathlib.Path(stems).write_text('{"pre": ["You are"], "post": ["an author", "a writer"]}', encoding="utf-8")
        pathlib.Path(prompts).write_text("Write a story.\nWrite another story.\n", encoding="utf-8")
        shown = subprocess.run([TRIMTAB, "axes", "show", "language", "--json"], capture_output=True, text=True, check=True).stdout
        pathlib.Path(axis).write_text(shown.replace("simple", "plain"), encoding="utf-8")
        for words, arguments in (
            ("no -fa off", ("-fa", "off")),
            ("-ub 512 instead of 64", ("-ub", "64")),
            ("another chat template", ("--chat-template", "llama2")),
            ("another --separate-system-message", ("--separate-system-message",)),
            ("no --plain", ("--plain",)),
            ("--prompts-per-system 1 instead of 2", ("--prompts-per-system", "2")),
            ("--hold-out 0.1 instead of 0.2", ("--hold-out", "0.2")),
            ("another --name", ("--name", "other", "--states", str(next(pathlib.Path(output).glob("*.states"))))),
            ("other stems or writing prompts", ("--stems", stems, "--hold-out", "0.1")),
            ("other stems or writing prompts", ("--prompts", prompts)),
            ("other phrases in the axis 'language'", ("--axis", axis)),
        ):
            with self.subTest(words):
                ours = self.LONG if "--axis" not in arguments else ("--samples", "20000")
                self.refused((words, "--restart"), "-o", output, *ours, *arguments, model=self.tiny)
        self.refused("another model file", "-o", output, *self.LONG, model=other)

    def test_a_disk_that_runs_full_and_has_room_again(self):
        arguments = ("--axis", "language", "--samples", "300", "--tolerance", "0.01")
        undisturbed = self.place("undisturbed")
        self.run_fine("-o", undisturbed, *arguments, "--keep-states", model=self.tiny)
        states = next(pathlib.Path(undisturbed).glob("*.states"))
        try:
            disk = small_disk.SmallDisk(self.place("disk"), states.stat().st_size + (1 << 20))
        except OSError as error:
            self.skipTest(f"no small file system here: {error}")
        self.addCleanup(disk.close)
        output = os.path.join(disk.path, "out")
        process = self.begun(output, *arguments)
        disk.fill()
        _, said = process.communicate(timeout=built.PATIENCE)
        self.assertEqual(process.returncode, 1, said)
        self.assertIn("No space left on device", said)
        self.assertIn("the same command goes on from there", said)
        self.refused("No space left on device", "-o", output, *arguments, model=self.tiny)  # there is still none
        self.assertEqual([name for name in os.listdir(output) if not name.endswith(".states")], [])
        disk.empty()
        self.assertIn("going on with", self.run_fine("-o", output, *arguments, "--keep-states", model=self.tiny).stderr)
        ended = vectors.contents(output)
        for name, written in vectors.contents(undisturbed).items():
            if name.endswith(".states"):  # their commit records count how often something was appended
                continue
            self.assertEqual(written, ended[name], name)

    def test_two_runs_into_one_folder(self):
        output = self.place("out")
        first = self.begun(output)
        try:
            self.refused((f"another trimtab (pid {first.pid}) is writing to", output), "-o", output, *self.LONG, model=self.tiny)
            self.assertIsNone(first.poll())
        finally:
            first.kill()
            first.communicate()


class Forecast(Case):
    def test_dry_run(self):
        result = self.run_fine("--dry-run", "--json", "-o", self.place("out"), model=self.tiny)
        data = json.loads(result.stdout)
        self.assertEqual(data["axes"], 8)
        self.assertEqual(data["prompts"], 192 * 17)
        self.assertEqual(data["plain_prompts"], 192 * 24)
        self.assertTrue(data["measured"])
        self.assertFalse(os.path.exists(self.place("out")))
        given = json.loads(self.run_fine("--dry-run", "--json", "--tokens-per-second", "1000", model=self.tiny).stdout)
        self.assertAlmostEqual(given["capture_seconds"], given["computed_tokens"] / 1000)

    def test_tokens_of_all_axes_are_at_most_three_fifths(self):
        data = json.loads(self.run_fine("--dry-run", "--json", "--tokens-per-second", "1", model=MODEL).stdout)
        self.assertLessEqual(data["computed_tokens"] / data["plain_tokens"], 0.6)


class Refusals(Case):
    def test_models(self):
        self.refused("there is no model", model=os.path.join(self.folder, "none.gguf"))
        self.refused("is not a GGUF file", model=__file__)
        self.refused("is a folder", model=self.folder)
        cut = self.place("cut.gguf")
        with open(MODEL, "rb") as whole, open(cut, "wb") as part:
            part.write(whole.read(50_000_000))
        self.refused("cut short", model=cut)
        os.unlink(cut)
        untemplated = built.tiny_model(self.place("base.gguf"), "--no-template")
        self.refused(("has no chat template", "chatml"), "-o", self.place("o"), model=untemplated)
        self.run_fine("-o", self.place("o"), "--chat-template", "none", "--axis", "language", "--samples", "8", "--tolerance", "0.001",
                      model=untemplated)

    def test_a_control_vector_is_no_model(self):
        output = self.place("o")
        self.run_fine("-o", output, "--axis", "language", "--samples", "8", "--tolerance", "0.001", model=self.tiny)
        self.refused("is a control vector", model=next(iter(vectors.files(output).values())))

    def test_numbers(self):
        for samples in ("0", "1"):
            self.refused("is too few", "--samples", samples, model=self.tiny)
        for samples in ("x", "-5", "1e3", ""):
            self.refused("--samples", "--samples", samples, status=2, model=self.tiny)
        for more in ((), ("--dry-run",)):
            self.refused(("memory", "samples"), "--samples", "900000000", "-o", self.place("o"), *more, model=self.tiny)
        too_many = shutil.disk_usage(self.folder).free // 1_000_000  # a sample of the demo model takes 1.2 MB
        self.refused("free", "--samples", str(too_many), "-o", self.place("o"), "-t", "1", "--method", "mean-difference", model=MODEL)

    def test_axes(self):
        self.refused(("langauge", "language"), "--axis", "langauge", "-o", self.place("o"), model=self.tiny)
        self.refused("language", "--axis", "language", "--axis", "language", "-o", self.place("o"), model=self.tiny)
        self.refused("nowhere.json", "--axis", "./nowhere.json", "-o", self.place("o"), model=self.tiny)

    def test_template(self):
        self.refused(("no-such", "chatml"), "--chat-template", "no-such", "-o", self.place("o"), status=2, model=self.tiny)

    def test_prompts_longer_than_the_context(self):
        prompts = self.place("long.txt")
        with open(prompts, "w", encoding="utf-8") as file:
            file.write("word " * 9000 + "\n")
        self.refused("longer than the model's context", "--prompts", prompts, "--hold-out", "0", "--axis", "language", "--samples", "8",
                     "-o", self.place("o"), model=self.tiny)

    def test_folders(self):
        self.refused("is not a folder", "-o", self.tiny, "--axis", "language", model=self.tiny)
        self.refused("/proc/", "-o", "/proc/nowhere", "--axis", "language", model=self.tiny)

    def test_existing_vectors_survive_a_failed_run(self):
        output = self.place("o")
        self.run_fine("-o", output, "--axis", "language", "--samples", "8", "--tolerance", "0.001", model=self.tiny)
        before = vectors.contents(output)
        self.refused("no block separates", "-o", output, "--axis", "language", "--samples", "8", "--tolerance", "1000000", model=self.tiny)
        after = {n: b for n, b in vectors.contents(output).items() if not n.endswith(".states")}
        self.assertEqual(before, after)


if __name__ == "__main__":
    unittest.main(verbosity=2)
