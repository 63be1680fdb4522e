"""test_surroundings.py: a prompt file of 4 GiB, a standard output that is closed or full, a terminal one column wide, a states file of
another version. Each time the work is done, or one sentence says why not."""

import os
import pathlib
import re
import resource
import shutil
import subprocess
import unittest

import built
import terminal
from surroundings import ENVIRONMENT, EVALUATION, TRAINING, TRIMTAB, Case, trimtab


class Huge(Case):
    """4 GiB where a small file is meant: refused at once, without reading all of it."""

    def limits(self):
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60) if built.SANITIZERS else (10, 10))
        if not built.SANITIZERS:
            resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    def test_all(self):
        huge, tiny, out = self.place("huge"), ("-m", self.model, "-t", "1"), self.place("out")
        with open(huge, "wb") as file:
            file.truncate(4 << 30)
        mix = ("--vectors", self.vectors, "--axis", "language=1")
        for words, arguments in (
                ("longer than the 64 MiB", ("run", *tiny, "-f", huge)),
                ("longer than 1 MiB", ("train", *tiny, "-o", out, "--prompts", huge)),
                ("longer than the 16 MiB", ("train", *tiny, "-o", out, "--stems", huge)),
                ("longer than the 16 MiB", ("train", *tiny, "-o", out, "--axis", huge)),
                ("not a states file", ("train", "-o", out, "--from-states", huge)),
                ("nothing but zeros", ("train", "-m", huge, "-o", out)),
                ("longer than 1 MiB", ("eval", *tiny, *mix[:2], "--prompts", huge)),
                ("longer than the 16 MiB", ("axes", "show", huge)),
                ("nothing but zeros", ("inspect", huge)),
                ("nothing but zeros", ("merge", *mix, "--control-vector", huge, "-o", out)),
                ("nothing but zeros", ("command", "--control-vector", huge)),
                ("nothing but zeros", ("bake", "-m", huge, *mix, "-o", out)),
                ("longer than the 64 KiB", ("serve", *tiny, "--api-key-file", huge)),
                ("longer than the 1.0 MiB", ("serve", *tiny, "--presets", huge))):
            with self.subTest(arguments):
                self.refused(words, *arguments, preexec_fn=self.limits)
        with open(huge, "rb") as file:
            self.refused("longer than the 64 MiB", "run", *tiny, "-f", "-", stdin=file, preexec_fn=self.limits)

    def test_an_evaluation(self):
        shutil.copytree(self.vectors, self.place("v"))
        with open(self.place("v") + "/tiny-language__evaluation.json", "wb") as file:
            file.truncate(4 << 30)
        self.refused("longer than the 64 MiB", "card", self.place("v"), preexec_fn=self.limits)


class Output(Case):
    """Standard output is closed, or its disk is full. That is told, and the files are there all the same."""

    def commands(self, folder):
        tiny, mix = ("-m", self.model, "-t", "1"), ("--vectors", self.vectors, "--axis", "language=1")
        return {
            "train": (("train", "-q", *tiny, "-o", f"{folder}/t", *TRAINING), "t/Tiny-llama-language__ornate.gguf"),
            "forecast": (("train", *tiny, "--dry-run", "--tokens-per-second", "100"), None),
            "run": (("run", *tiny, *mix, "-p", "hello", "-n", "4"), None),
            "compare": (("run", *tiny, *mix, "-p", "hello", "-n", "4", "--compare"), None),
            "command": (("command", *mix, "--for", "llama.cpp-0.7"), None),
            "inspect": (("inspect", f"{self.vectors}/tiny-language__ornate.gguf"), None),
            "inspect as JSON": (("inspect", "--json", f"{self.vectors}/tiny-language__ornate.gguf"), None),
            "merge": (("merge", *mix, "-o", f"{folder}/merged.gguf"), "merged.gguf"),
            "bake": (("bake", "-m", self.model, *mix, "-o", f"{folder}/baked.gguf"), "baked.gguf"),
            "eval": (("eval", *tiny, "--vectors", self.vectors, *EVALUATION, "--report", f"{folder}/report.html"), "report.html"),
            "axes": (("axes",), None),
            "show": (("axes", "show", "language"), None),
            "check": (("axes", "check", self.model), None),  # which has its own reason to fail
            "man": (("man",), None),
        }

    def test_closed_or_full(self):
        open_folder = self.place("open")
        os.mkdir(open_folder)
        for arguments, _ in self.commands(open_folder).values():
            trimtab(*arguments)
        for how in (">&-", ">/dev/full"):
            folder = self.place(how[-4:].strip("/&>-") or "closed")
            os.mkdir(folder)
            for name, (arguments, file) in self.commands(folder).items():
                with self.subTest(f"{name} {how}"):
                    result = subprocess.run(["bash", "-c", f'"$@" {how}', "bash", TRIMTAB, *arguments], capture_output=True, text=True, check=False,
                                            env=ENVIRONMENT, stdin=subprocess.DEVNULL)
                    said = [line for line in result.stderr.splitlines() if line.startswith("trimtab:")]
                    self.assertEqual((result.returncode, len(said)), (1, 1), result.stderr)
                    self.assertRegex(said[0], "standard output")
                    if file:
                        self.assertEqual(pathlib.Path(folder, file).read_bytes(), pathlib.Path(open_folder, file).read_bytes())

    def test_serve_needs_none(self):
        # serving.Server gives it /dev/null; here there is nothing at all but standard error.
        process = subprocess.Popen(["bash", "-c", 'exec "$@" >&- <&-', "bash", TRIMTAB, "serve", "-m", self.model, "-t", "1", "--port", "0"],
                                   env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
        said = process.stderr.readline()
        process.terminate()
        process.communicate(timeout=built.PATIENCE)
        self.assertIn("serving at", said)
        self.assertEqual(process.returncode, 0)


class Narrow(Case):
    """On a terminal one column wide nothing is redrawn but what fits, and the data is the same as on a wide one."""

    def on_terminal(self, columns, *arguments):
        text, status = terminal.run_on_terminal([TRIMTAB, *arguments], columns, ENVIRONMENT | {"TERM": "xterm", "NO_COLOR": "1"})
        self.assertEqual(status, 0, text)
        return text

    def test_commands(self):
        tiny, mix = ("-m", self.model, "-t", "1"), ("--vectors", self.vectors, "--axis", "language=1")
        for arguments in (("train", *tiny, "-o", self.place("t"), *TRAINING), ("inspect", f"{self.vectors}/tiny-language__ornate.gguf"),
                          ("eval", *tiny, *mix[:2], *EVALUATION[:-1]), ("bake", "-m", self.model, *mix, "-o", self.place("b.gguf")), ("axes",),
                          ("run", *tiny, *mix, "-p", "hello", "-n", "8", "--temp", "0", "--compare"), ("command", *mix, "--for", "llama.cpp-0.7"),
                          ("axes", "show", "language"), ("merge", *mix, "-o", self.place("m.gguf"))):
            expected = self.fine(*arguments).stdout.decode()
            for columns in (1, 2):
                with self.subTest(f"{arguments[0]} at {columns}"):
                    text = self.on_terminal(columns, *arguments)
                    drawn = re.findall(r"\r\x1b\[K([^\r\n]*)(?=\r)", text)
                    self.assertTrue(all(len(line) < columns for line in drawn), drawn)
                    self.assertIn(expected, text.replace("\r\x1b[K", ""))

    def test_chat(self):
        with terminal.Terminal([TRIMTAB, "run", "-m", self.model, "-t", "1", "--vectors", self.vectors, "-n", "4"], 1,
                               env=ENVIRONMENT | {"TERM": "xterm"}) as chat:
            for keys, answer in (("/axis language=1\n", "language=1\r\n"), ("hello\n", None), ("/exit\n", None)):
                chat.read_until(">")
                chat.send(keys)
                if answer:
                    chat.read_until(answer)
            chat.read_until(None)
            self.assertEqual(chat.process.wait(), 0)


class OtherStates(Case):
    """A states file that this program cannot read stays as it is, whether it is met or named."""

    def test_version_and_byte_order(self):
        output = pathlib.Path(self.place("out"))
        command = ("train", "-q", "-m", self.model, "-t", "1", "-o", output, *TRAINING)
        self.fine(*command, "--keep-states")
        states, = output.glob("*.states")
        good = states.read_bytes()
        for words, offset, value in (("version 9", 12, bytes([9, 0, 0, 0])), ("other byte order", 8, good[8:12][::-1])):
            other = good[:offset] + value + good[offset + 4:]
            states.write_bytes(other)
            for arguments in (command, ("train", "-q", "-o", self.place("from"), "--from-states", states)):
                self.refused(words, *arguments)
                self.assertEqual(states.read_bytes(), other)
            self.fine(*command, "--restart")
            states.write_bytes(good)


if __name__ == "__main__":
    unittest.main(verbosity=2)
