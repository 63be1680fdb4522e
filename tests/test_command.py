"""test_command.py: `trimtab command`: the options it prints, for which llama.cpp, and that Debian's llama.cpp, given them
by a shell, writes what `trimtab run` writes."""
import os
import shlex
import shutil
import subprocess
import tempfile
import unittest

import built
import peer
import serving

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("TRIMTAB_MODEL", "TRIMTAB_VECTORS")}
AXES = {"language": ("simple", "ornate"), "storytelling": ("explicit", "descriptive")}


def setUpModule():
    global folder, model, vectors
    folder = tempfile.TemporaryDirectory()
    model = serving.make_model(folder.name)
    vectors = serving.make_vectors(os.path.join(folder.name, "vectors"), AXES, size=1)


def tearDownModule():
    folder.cleanup()


def run(command, *arguments, status=0, path=None):
    environment = ENVIRONMENT if path is None else ENVIRONMENT | {"PATH": path}
    done = subprocess.run([TRIMTAB, command, *arguments], capture_output=True, text=True, check=False, timeout=built.PATIENCE,
                          stdin=subprocess.DEVNULL, env=environment)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert status == 0 or (done.stdout == "" and done.stderr.count("\n") == 1), done
    return done


def written_by_us(*options):
    return run("run", "-m", model, "-t", "1", "-c", "512", "-no-cnv", "-p", "Hello there", "-n", "24", "--temp", "0",
               *options).stdout.strip()


def written_by_peer(options, expected):
    """`options` as they were printed, by way of a shell."""
    line = f"llama-completion -m {shlex.quote(model)} -t 1 -c 512 -no-cnv -p 'Hello there' -n 24 --temp 0 --no-warmup " \
           f"--no-display-prompt {options}"
    return peer.completion(["sh", "-c", line], expected)


class Options(unittest.TestCase):
    def path(self, axis, suffix):
        return os.path.join(vectors, f"tiny-{axis}__{suffix}.gguf")

    def test_both_syntaxes(self):
        mix = ("--vectors", vectors, "--axis", "language=-0.5,storytelling=0.25")
        simple, descriptive = self.path("language", "simple"), self.path("storytelling", "descriptive")
        neutral = [self.path(axis, "debias") for axis in AXES]
        self.assertEqual(shlex.split(run("command", "--for", "llama.cpp-0.7", *mix).stdout),
                         ["--control-vector", ",".join(neutral),
                          "--control-vector-scaled", f"{simple}:0.5,{descriptive}:0.25"])
        self.assertEqual(shlex.split(run("command", "--for", "llama.cpp-legacy", *mix).stdout),
                         ["--control-vector", neutral[0], "--control-vector-scaled", simple, "0.5",
                          "--control-vector", neutral[1], "--control-vector-scaled", descriptive, "0.25"])

    def test_koboldcpp_is_given_a_model(self):
        mix = ("--for", "koboldcpp", "--vectors", vectors, "--axis", "language=0.5",
               "--control-vector-layer-range", "1", "2")
        done = run("command", "-m", model, *mix)
        first, second = done.stdout.strip().split(" && ")
        self.assertEqual(shlex.split(first), ["trimtab", "bake", "-m", model, *mix[2:], "-o", "steered.gguf"])
        self.assertEqual(second, "koboldcpp --model steered.gguf")
        self.assertIn("KoboldCpp takes no control vectors", done.stderr)
        self.assertIn("-m FILE", run("command", *mix, status=2).stderr)

    def test_warnings_do_not_get_into_the_line(self):
        done = run("command", "--for", "llama.cpp-0.7", "--vectors", vectors, "--axis", "language=1,storytelling=1")
        self.assertIn("warning: ", done.stderr)
        self.assertTrue(done.stdout.startswith("--control-vector "))

    def test_refusals(self):
        known = ("--for", "llama.cpp-0.7", "--vectors", vectors)
        self.assertIn("name an axis", run("command", *known, status=2).stderr)
        self.assertIn("did you mean 'language'", run("command", *known, "--axis", "langauge=1", status=2).stderr)
        self.assertIn("--for", run("command", "--for", "ollama", "--axis", "language=1", status=2).stderr)
        lone = ("--control-vector", self.path("language", "ornate"))
        self.assertIn("de-bias", run("command", *known, *lone, status=1).stderr)
        nothing = ("--force", "--control-vector-scaled", self.path("language", "ornate"), "0")
        done = subprocess.run([TRIMTAB, "command", *known, *nothing], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("every scale in it is 0", done.stderr)

    def test_model_of_other_width(self):
        other = built.tiny_model(os.path.join(folder.name, "wide.gguf"), "--width", "128")
        done = run("command", "--for", "llama.cpp-0.7", "-m", other, "--vectors", vectors, "--axis", "language=1", status=1)
        self.assertIn("hidden size", done.stderr)


class Versions(unittest.TestCase):
    """Which llama-cli is in PATH decides."""

    def setUp(self):
        self.bin = tempfile.TemporaryDirectory()
        self.addCleanup(self.bin.cleanup)
        self.mix = ("--vectors", vectors, "--axis", "language=0.5")

    def install(self, script):
        program = os.path.join(self.bin.name, "llama-cli")
        with open(program, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(program, 0o755)

    def test_current(self):
        self.install('echo "version: 0.7.0 (build 11669, commit Debian)" >&2')
        self.assertIn("ornate.gguf:0.5", run("command", *self.mix, path=self.bin.name).stdout)

    def test_legacy(self):
        self.install('[ "$1" = --version ] && echo "version: 4120 (0123456)" >&2')
        self.assertIn("ornate.gguf 0.5", run("command", *self.mix, path=self.bin.name).stdout)

    def test_unknown(self):
        for script in ('echo "version: 0 (unknown)"', "exit 1", "kill -9 $$"):
            self.install(script)
            self.assertIn("--for llama.cpp-0.7", run("command", *self.mix, path=self.bin.name, status=2).stderr)

    def test_missing(self):
        error = run("command", *self.mix, path=self.bin.name, status=2).stderr
        self.assertIn("no llama-cli in PATH", error)
        self.assertIn("--for llama.cpp-0.7", error)

    @unittest.skipUnless(shutil.which("llama-cli"), "there is no llama-cli")
    def test_debian_has_the_current_one(self):
        self.assertEqual(run("command", *self.mix).stdout, run("command", "--for", "llama.cpp-0.7", *self.mix).stdout)


@unittest.skipUnless(shutil.which("llama-completion"), "there is no llama-completion")
class Peer(unittest.TestCase):
    def same(self, *mix):
        printed = run("command", *mix).stdout
        ours = written_by_us(*mix)
        self.assertEqual(written_by_peer(printed.strip(), ours), ours)
        return ours

    def test_it_writes_the_same(self):
        plain = written_by_us()
        self.assertEqual(written_by_peer("", plain), plain)
        texts = {plain}
        for mix in ("language=0.5", "language=-0.5", "language=0.4,storytelling=-0.4", "language=1", "language=0"):
            texts.add(self.same("--vectors", vectors, "--axis", mix))
        texts.add(self.same("--vectors", vectors, "--axis", "language=0.5", "--control-vector-layer-range", "2", "2"))
        self.assertGreater(len(texts), 5)  # else the vectors would be too weak to tell

    def test_odd_names(self):
        for name in ("it's a folder", "a,b", '"quoted",', "$HOME `x`; #", "größe\n2"):
            odd = os.path.join(folder.name, name)
            shutil.copytree(vectors, odd)
            self.same("--vectors", odd, "--axis", "language=0.5")

    def test_colon(self):
        odd = os.path.join(folder.name, "mistral-large:123b")
        shutil.copytree(vectors, odd)
        known = ("--vectors", odd)
        error = run("command", *known, "--axis", "language=0.5", status=1).stderr
        self.assertIn("has a colon in its name", error)
        self.assertIn("trimtab merge", error)
        self.same(*known, "--axis", "language=1")  # no scale, no trouble
        merged = os.path.join(folder.name, "mix.gguf")
        run("merge", *known, "--axis", "language=0.5", "-o", merged)
        ours = written_by_us(*known, "--axis", "language=0.5")
        self.assertEqual(written_by_peer(run("command", "--control-vector", merged).stdout.strip(), ours), ours)


if __name__ == "__main__":
    unittest.main(verbosity=2)
