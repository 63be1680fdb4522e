"""test_run.py: `trimtab run` as a person or a script uses it: one answer, standard input, comparison, guards, and a chat
on a pseudo-terminal. On a tiny model with made-up vectors, so that it takes seconds."""
import json
import os
import signal
import subprocess
import tempfile
import unittest

import built
import serving
from terminal import Terminal, run_on_terminal

TRIMTAB = os.environ["TRIMTAB"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "TRIMTAB_MODEL", "TRIMTAB_VECTORS")}


def setUpModule():
    global folder, model
    folder = tempfile.TemporaryDirectory()
    model = serving.make_model(folder.name)
    serving.make_vectors(folder.name, {"language": ("simple", "ornate")}, size=1)


def tearDownModule():
    folder.cleanup()


def vector_path(suffix):
    return os.path.join(folder.name, f"tiny-language__{suffix}.gguf")


def command(*arguments):
    return [TRIMTAB, "run", "-m", model, "-t", "1", "-c", "512", "--vectors", folder.name, *arguments]


def run(*arguments, **settings):
    settings.setdefault("env", ENVIRONMENT)
    if "input" not in settings:
        settings.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=built.PATIENCE, **settings)


class OneShot(unittest.TestCase):
    def text(self, *arguments, **settings):
        done = run("--temp", "0", "-n", "12", *arguments, **settings)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.endswith("\n"))
        return done.stdout

    def test_prompt_from_everywhere_is_the_same(self):
        by_option = self.text("-p", "Hello there")
        path = os.path.join(folder.name, "prompt.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("Hello there\n")
        self.assertEqual(by_option, self.text("-f", path))
        self.assertEqual(by_option, self.text("-f", "-", input="Hello there\n"))
        self.assertEqual(by_option, self.text(input="Hello there\n"))

    def test_escapes_are_taken_as_llama_cpp_does(self):
        self.assertEqual(self.text("-p", r"a\nb\t\"c\\"), self.text(input='a\nb\t"c\\'))
        self.assertEqual(self.text("-p", r"a\nb", "--no-escape"), self.text(input=r"a\nb"))

    def test_system_message_and_template_count(self):
        plain = self.text("-p", "Hello there")
        self.assertNotEqual(plain, self.text("-p", "Hello there", "-sys", "You write in riddles."))
        self.assertNotEqual(plain, self.text("-p", "Hello there", "-no-cnv"))

    def test_same_seed_same_text(self):
        once, again, other = (run("-p", "Hello", "-n", "20", "--seed", seed).stdout for seed in ("5", "5", "6"))
        self.assertEqual(once, again)
        self.assertNotEqual(once, other)

    def test_text_alone_on_standard_output(self):
        quiet = run("-p", "Hello", "-n", "8", "--seed", "3")
        loud = run("-p", "Hello", "-n", "8", "--seed", "3", "--perf", "--verbose")
        self.assertEqual(quiet.stdout, loud.stdout)
        self.assertEqual(quiet.stderr, "")
        self.assertRegex(loud.stderr, r"wrote \d+ in ")
        self.assertIn("; seed 3\n", loud.stderr)

    def test_full_context_is_told(self):
        done = run("-p", "Hello", "-c", "64", "--ignore-eos")
        self.assertEqual(done.returncode, 0)
        self.assertIn("context of 64 tokens is full", done.stderr)

    def test_interrupted_run_dies_of_the_signal(self):
        with subprocess.Popen(command("-p", "Hello", "-c", "16384", "--ignore-eos"), env=ENVIRONMENT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.read(1)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=built.PATIENCE)
            self.assertEqual(process.returncode, -signal.SIGINT)

    def test_reader_that_went_away(self):
        with subprocess.Popen(command("-p", "Hello", "-c", "16384", "--ignore-eos"), env=ENVIRONMENT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.read(1)
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(process.wait(timeout=built.PATIENCE), -signal.SIGPIPE)


class Steering(unittest.TestCase):
    def text(self, *arguments):
        done = run("-p", "Hello there", "--temp", "0", "-n", "24", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_axis_class_and_files_are_the_same_mix(self):
        by_axis = self.text("--axis", "language=0.5")
        self.assertNotEqual(by_axis, self.text())
        self.assertNotEqual(by_axis, self.text("--axis", "language=-0.5"))
        self.assertEqual(by_axis, self.text("--axis", "ornate=0.5"))
        self.assertEqual(by_axis, self.text("--axis", "simple=-0.5"))
        debias, ornate, simple = (vector_path(suffix) for suffix in ("debias", "ornate", "simple"))
        self.assertEqual(by_axis, self.text("--control-vector", debias, "--control-vector-scaled", ornate, "0.5"))
        self.assertEqual(by_axis, self.text("--control-vector-scaled", f"{ornate}:0.5,{debias}:1"))
        self.assertEqual(by_axis, self.text("--control-vector", debias, "--control-vector-scaled", simple, "-0.5"))

    def test_layer_range(self):
        whole = self.text("--axis", "language=0.5")
        self.assertEqual(whole, self.text("--axis", "language=0.5", "--control-vector-layer-range", "1", "3"))
        self.assertNotEqual(whole, self.text("--axis", "language=0.5", "--control-vector-layer-range", "1", "1"))

    def test_compare(self):
        plain, steered = self.text(), self.text("--axis", "language=0.5")
        both = self.text("--axis", "language=0.5", "--compare")
        self.assertEqual(both, f"== unsteered ==\n{plain}\n== language=0.5 ==\n{steered}")

    def test_compare_on_a_terminal(self):
        arguments = command("-p", "Hello there", "--temp", "0", "-n", "24", "--axis", "language=0.5", "--compare")
        wide, status = run_on_terminal(arguments, 80, ENVIRONMENT | {"NO_COLOR": "1", "LC_ALL": "C.UTF-8"})
        self.assertEqual(status, 0)
        lines = [line for line in wide.split("\r")[-1].replace("\x1b[K", "").split("\n") if line]
        self.assertRegex(lines[0], r"^unsteered +│ language=0.5$")
        for line in lines:
            self.assertLessEqual(len(line), 80)
            self.assertRegex(line[38:41], " [│]|─┼─")
        narrow, status = run_on_terminal(arguments, 40, ENVIRONMENT | {"NO_COLOR": "1"})
        self.assertEqual(status, 0)
        self.assertIn("== unsteered ==", narrow)


class Refusals(unittest.TestCase):
    def refused(self, status, part, *arguments, **settings):
        done = run(*arguments, **settings)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertRegex(done.stderr, part)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_wrong_usage(self):
        self.refused(2, "keep one", "-p", "x", "-f", "y")
        self.refused(2, "-no-cnv", "-p", "x", "-sys", "y", "-no-cnv")
        self.refused(2, "--compare needs something", "-p", "x", "--compare")
        self.refused(2, "--top-p", "-p", "x", "--top-p", "2")
        self.refused(2, "--logit-bias", "-p", "x", "-l", "x")
        self.refused(2, "'magic'", "-p", "x", "--samplers", "magic")
        self.refused(2, "--chat-template", "-p", "x", "--chat-template", "magic")
        self.refused(2, "layer-range", "-p", "x", "--control-vector-layer-range", "a", "b")

    def test_wrong_grammar(self):  # libllama adds lines of its own
        done = run("-p", "x", "--grammar", "root ::= (")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("cannot read the grammar", done.stderr)

    def test_bad_input(self):
        self.refused(1, "No such file", "-f", "/nowhere/prompt.txt")
        self.refused(1, "not UTF-8", "-f", model)
        self.refused(1, "larger context with -c", "-c", "64", input="word " * 400)
        self.refused(1, "zero byte", input="a\0b")
        self.refused(2, "standard input is empty", input="")

    def test_guards(self):
        debias, ornate = vector_path("debias"), vector_path("ornate")
        self.refused(1, "de-bias", "-p", "x", "--control-vector", ornate)
        self.refused(2, "did you mean 'language'", "-p", "x", "--axis", "langauge=0.5")
        self.refused(2, "NAME=VALUE|value", "-p", "x", "--axis", "language")
        done = run("-p", "x", "-n", "1", "--control-vector", ornate, "--force")
        self.assertEqual(done.returncode, 0)
        self.assertIn("warning: ", done.stderr)
        done = run("-p", "x", "-n", "1", "--axis", "language=1.5")
        self.assertEqual(done.returncode, 0)
        self.assertIn("warning: ", done.stderr)
        self.assertTrue(os.path.exists(debias))


class Chat(unittest.TestCase):
    def setUp(self):
        environment = ENVIRONMENT | {"NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        self.terminal = Terminal(command("--temp", "0", "-n", "16"), env=environment)
        self.addCleanup(self.terminal.close)
        self.terminal.read_until("\n> ")

    def type(self, line):
        """What the chat says to a line, up to its next prompt."""
        self.terminal.send(line + "\n")
        said = self.terminal.read_until("\n> ").replace("\r", "")
        return said[:-3].partition("\n")[2] if "\n" in said[:-3] else ""

    def leave(self):
        self.terminal.send("/exit\n")
        self.terminal.read_until(None)
        self.assertEqual(self.terminal.process.wait(timeout=built.PATIENCE), 0)

    def test_conversation_steered_on_the_way(self):
        plain = self.type("Hello there")
        self.assertTrue(plain)
        self.assertEqual(self.type("/reset"), "a new conversation")
        self.assertEqual(self.type("/axis language=0.5"), "language=0.5")
        steered = self.type("Hello there")
        self.assertNotEqual(steered, plain)
        self.assertIn("did you mean 'language'", self.type("/axis langauge=0.5"))
        self.assertEqual(self.type("/mix"), "language=0.5")
        self.assertEqual(self.type("/mix none"), "not steered")
        self.type("/reset")
        self.assertEqual(self.type("Hello there"), plain)
        self.assertEqual(self.type("/mix simple=0.5"), "language=-0.5")
        self.leave()

    def test_save_help_and_mistakes(self):
        self.assertIn("/save FILE", self.type("/help"))
        self.assertIn("did you mean /reset", self.type("/rest"))
        self.assertIn("/save needs", self.type("/save"))
        answer = self.type("Hello there")
        path = os.path.join(folder.name, "chat.json")
        self.assertIn("saved", self.type(f"/save {path}"))
        with open(path, encoding="utf-8") as file:
            saved = json.load(file)
        self.assertEqual(saved["mix"], "")
        self.assertEqual([message["role"] for message in saved["messages"]], ["user", "assistant"])
        self.assertEqual(saved["messages"][0]["content"], "Hello there")
        self.assertEqual(saved["messages"][1]["content"].strip(), answer.strip())
        text = os.path.join(folder.name, "chat.txt")
        self.type(f"/save {text}")
        with open(text, encoding="utf-8") as file:
            self.assertIn("## user\n\nHello there\n", file.read())
        self.assertIn("cannot", self.type("/save /nowhere/at/all.txt"))
        self.leave()

    def test_several_lines(self):
        self.terminal.send("first\\\n")
        self.terminal.read_until("| ")
        self.type("second")
        path = os.path.join(folder.name, "lines.json")
        self.type(f"/save {path}")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["messages"][0]["content"], "first\nsecond")
        self.leave()

    def test_lines_before_come_back_and_can_be_edited(self):
        up, line_begin = "\x1b[A", "\x01"
        environment = ENVIRONMENT | {"NO_COLOR": "1", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        path = os.path.join(folder.name, "history.json")
        with Terminal(command("--temp", "0", "-n", "4"), env=environment) as terminal:
            terminal.read_until("\n> ")
            for keys in ("Hellö there\n", "/mix\n", up + up + "\n", up + line_begin + "Oh, \n", f"/save {path}\n"):
                terminal.send(keys)
                terminal.read_until("\n> ")
            terminal.send("/exit\n")
            terminal.read_until(None)
            self.assertEqual(terminal.process.wait(timeout=built.PATIENCE), 0)
        with open(path, encoding="utf-8") as file:
            asked = [message["content"] for message in json.load(file)["messages"] if message["role"] == "user"]
        self.assertEqual(asked, ["Hellö there", "Hellö there", "Oh, Hellö there"])

    def test_interrupt_at_the_prompt_drops_the_line(self):
        self.terminal.send("unfinished")
        self.terminal.read_until("unfinished")
        self.terminal.send("\x03")
        self.assertIn("/exit or Ctrl-D leaves", self.terminal.read_until("\n> "))
        self.assertTrue(self.type("Hello there"))
        self.leave()

    def test_end_of_input_leaves(self):
        self.terminal.send("\x04")
        self.terminal.read_until(None)
        self.assertEqual(self.terminal.process.wait(timeout=built.PATIENCE), 0)


class LongAnswer(unittest.TestCase):
    def test_interrupt_ends_the_answer_alone(self):
        environment = ENVIRONMENT | {"NO_COLOR": "1", "TERM": "dumb"}
        with Terminal(command("-c", "16384", "--ignore-eos", "--seed", "1"), env=environment) as terminal:
            terminal.read_until("\n> ")
            terminal.send("Hello there\n")
            terminal.read_until("Hello there")
            terminal.read_until("e")  # of the answer, which would fill the context
            terminal.send("\x03")
            self.assertNotIn("is full", terminal.read_until("\n> "))
            terminal.send("/exit\n")
            terminal.read_until(None)
            self.assertEqual(terminal.process.wait(timeout=built.PATIENCE), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
