"""test_cli.py: the command line as a whole: help, exit statuses, output that cannot be written, man pages, completions."""
import errno
import os
import re
import subprocess
import tempfile
import time
import unittest

import built
from terminal import Terminal, run_on_terminal

TRIMTAB = os.environ["TRIMTAB"]
MODEL = os.environ["TRIMTAB_MODEL"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "TRIMTAB_MODEL")}


def run(*arguments, **settings):
    settings.setdefault("env", ENVIRONMENT)
    settings.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([TRIMTAB, *arguments], capture_output=True, text=True, check=False, **settings)


def shell(script, **settings):
    settings.setdefault("env", ENVIRONMENT | {"TRIMTAB": TRIMTAB})
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, **settings)


def commands():
    """The names that `trimtab --help` lists."""
    return re.findall(r"^  ([a-z]+)(?:  |$)", run("--help").stdout, re.MULTILINE)


def options(command):
    """Every spelling of every option that the command's help shows."""
    names = []
    for entry in re.findall(r"^  (-.*)$", run(*command, "--help").stdout, re.MULTILINE):
        names += re.findall(r"(?:^|, )(--?[a-zA-Z][\w-]*)", entry.split("   ")[0])
    return names


class Help(unittest.TestCase):
    def test_every_command_has_help(self):
        self.assertIn("completion", commands())
        for name in commands():
            with self.subTest(name):
                direct, by_name = run(name, "--help"), run("help", name)
                self.assertEqual((direct.returncode, direct.stderr), (0, ""))
                self.assertTrue(direct.stdout.startswith(f"usage: trimtab {name} "))
                self.assertEqual(direct.stdout, by_name.stdout)
                self.assertIn("--help", options([name]))

    def test_version(self):
        self.assertRegex(run("--version").stdout, r"^trimtab \d+\.\d+\.\d+\nlibllama \d+\.\d+\.\S+\nchat templates: llama\.cpp \d+\.\d+\.\d+\n$")

    def test_fits_the_terminal(self):
        for name in [None, *commands()]:
            arguments = [name, "--help"] if name else ["--help"]
            for columns in (1, 20, 80):
                with self.subTest(f"{name} at {columns}"):
                    text, status = run_on_terminal([TRIMTAB, *arguments], columns, ENVIRONMENT)
                    self.assertEqual(status, 0)
                    self.assertIn("usage:", text)
                    if columns == 80:
                        examples = re.findall(r"^  trimtab .*$", text, re.MULTILINE)
                        wide = [line for line in text.splitlines() if len(line) > 80 and line not in examples]
                        self.assertEqual(wide, [])

    def test_options_are_the_same_everywhere(self):
        scripts = {name: run("completion", name).stdout for name in ("bash", "zsh", "fish")}
        for name in commands():
            page = run("man", name).stdout.replace("\\-", "-")
            for option in options([name]):
                with self.subTest(f"{name} {option}"):
                    self.assertIn(f"\\fB{option}\\fR", page)
                    words = re.search(rf"^        {name}\) _trimtab_words '(.*)' ;;$", scripts["bash"], re.MULTILINE)
                    self.assertIn(option, words[1].split())
                    self.assertRegex(scripts["zsh"], rf"[)*]{option}=?\[")
                    dashes, bare = ("-l", option[2:]) if option.startswith("--") else \
                        ("-s" if len(option) == 2 else "-o", option[1:])
                    self.assertRegex(scripts["fish"], rf"_from {name}'.* {dashes} {bare} ")


class Usage(unittest.TestCase):
    def refused(self, words, *arguments):
        result = run(*arguments)
        self.assertEqual((result.returncode, result.stdout), (2, ""), arguments)
        self.assertTrue(result.stderr.startswith("trimtab: "), result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn(words, result.stderr)

    def test_wrong_usage_is_status_2(self):
        self.refused("there is no command 'completoin'; did you mean 'completion'?", "completoin")
        self.refused("there is no command 'xyzzy'; 'trimtab --help' lists them", "xyzzy")
        self.refused("there is no command 'xyzzy'", "help", "xyzzy")
        self.refused("unknown option '--versoin'; did you mean '--version'?", "--versoin")
        self.refused("unknown option '--hepl'; did you mean '--help'?", "completion", "--hepl")
        self.refused("see 'trimtab completion --help'", "completion", "--frobnicate")
        self.refused("completion needs bash|zsh|fish", "completion")
        self.refused("not for 'tcsh'", "completion", "tcsh")
        self.refused("unexpected argument 'zsh'", "completion", "bash", "zsh")
        self.refused("there is no command 'a?b'", "a\nb")

    def test_numbers_are_the_same_in_every_locale(self):
        names = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
        commas = [name for name in names if "decimal_point=\",\"" in subprocess.run(
            ["locale", "-k", "LC_NUMERIC"], capture_output=True, text=True, check=False, env={"LC_ALL": name}).stdout]
        for name in ["C.UTF-8", *commas[:3]]:
            settings = ENVIRONMENT | {"LC_ALL": name}
            result = run("train", "--tolerance", "0.5", "-m", "/no/such.gguf", "-q", env=settings)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("/no/such.gguf", result.stderr)
            result = run("train", "--tolerance", "0,5", "-m", "/no/such.gguf", env=settings)
            self.assertEqual(result.returncode, 2)
            self.assertIn("--tolerance takes a number of at least 0, not '0,5'", result.stderr)

    def test_nothing_asked_shows_help_on_standard_error(self):
        result = run()
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("usage: trimtab", result.stderr)

    def test_colour_on_terminals_only(self):
        plain, _ = run_on_terminal([TRIMTAB, "xyzzy"], 80, ENVIRONMENT | {"NO_COLOR": "1", "TERM": "xterm"})
        self.assertTrue(plain.startswith("trimtab: "), plain)
        coloured, _ = run_on_terminal([TRIMTAB, "xyzzy"], 80, ENVIRONMENT | {"TERM": "xterm"})
        self.assertTrue(coloured.startswith("\033[1;31mtrimtab:\033[0m "), coloured)
        dumb, _ = run_on_terminal([TRIMTAB, "xyzzy"], 80, ENVIRONMENT | {"TERM": "dumb"})
        self.assertTrue(dumb.startswith("trimtab: "), dumb)


# The system's reason is known where the last write failed, and not where an earlier one did: long output is written in parts.
CANNOT_WRITE = r"^trimtab: (cannot write to standard output: .+|not everything could be written to standard output)\n$"


class Output(unittest.TestCase):
    """Standard output that cannot be written."""

    def test_closed(self):
        for arguments in ("--version", "--help", "completion bash"):
            result = shell(f'"$TRIMTAB" {arguments} >&-')
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, CANNOT_WRITE)

    def test_closed_but_not_needed(self):
        self.assertEqual(shell('"$TRIMTAB" xyzzy >&-').returncode, 2)

    def test_full_disk(self):
        result = shell('"$TRIMTAB" completion bash >/dev/full')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, CANNOT_WRITE)

    def test_all_closed(self):
        self.assertEqual(shell('"$TRIMTAB" --version <&- >&- 2>&-').returncode, 1)

    def test_closed_output_is_not_taken_for_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(shell(f'"$TRIMTAB" man --output {folder}/pages >&-').returncode, 0)
            with open(f"{folder}/pages/trimtab.1", encoding="utf-8") as page:
                self.assertTrue(page.read().startswith(".TH TRIMTAB 1"))

    def test_reader_goes_away(self):
        result = shell('"$TRIMTAB" completion bash | true; echo "${PIPESTATUS[0]}"')
        self.assertIn(result.stdout, ("0\n", "141\n"))  # 0 where all was written before it went
        self.assertEqual(result.stderr, "")


class Pages(unittest.TestCase):
    def test_manual_pages_are_clean(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("man", "-o", folder).returncode, 0)
            self.assertEqual(sorted(os.listdir(folder)), sorted(["trimtab.1", *(f"trimtab-{c}.1" for c in commands())]))
            for name in os.listdir(folder):
                result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", f"{folder}/{name}"],
                                        capture_output=True, text=True, check=False)
                self.assertEqual((result.returncode, result.stderr), (0, ""), name)

    def test_manual_page_cannot_be_written(self):
        result = run("man", "-o", "/proc/none")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/proc/none", result.stderr)


class Completion(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.scripts = {}
        for name in ("bash", "zsh", "fish"):
            self.scripts[name] = f"{self.folder.name}/{name}"
            with open(self.scripts[name], "w", encoding="utf-8") as script:
                script.write(run("completion", name).stdout)

    def test_syntax(self):
        for name, script in self.scripts.items():
            result = subprocess.run([name, "-n", script], capture_output=True, text=True, check=False)
            self.assertEqual((result.returncode, result.stderr), (0, ""), name)

    def test_bash(self):
        def complete(*words):
            quoted = " ".join(f"'{word}'" for word in words)
            result = shell(f"compopt() {{ echo \"OPTION $*\"; }}; source {self.scripts['bash']}; "
                           f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _trimtab; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
            self.assertEqual(result.stderr, "")
            return [line for line in result.stdout.splitlines() if line]

        self.assertEqual(complete("trimtab", "compl"), ["completion"])
        self.assertEqual(sorted(complete("trimtab", "")), sorted([*commands(), "help"]))
        self.assertEqual(complete("trimtab", "--ver"), ["--version"])
        self.assertEqual(complete("trimtab", "completion", "z"), ["zsh"])
        self.assertEqual(complete("trimtab", "help", "compl"), ["completion"])
        self.assertEqual(complete("trimtab", "completion", "--h"), ["--help"])
        self.assertEqual(complete("trimtab", "train", "--method", "p"), ["pca"])
        self.assertEqual(complete("trimtab", "train", "--method", "=", "p"), ["pca"])
        self.assertEqual(complete("trimtab", "train", "--method", "="), ["cross-covariance", "mean-difference", "pca"])
        self.assertEqual(complete("trimtab", "train", "-m", "x", "--met"), ["--method"])
        self.assertEqual(complete("trimtab", "train", "-m", ""), ["OPTION -o default"])
        self.assertEqual(complete("trimtab", "train", "-o", ""), ["OPTION -o dirnames"])
        self.assertEqual(complete("trimtab", "train", "--samples", ""), [])

    def test_typed_in_bash(self):
        with Terminal(["bash", "--norc", "--noprofile", "-i"], env=ENVIRONMENT | {"PS1": "$ ", "TERM": "dumb"}) as bash:
            bash.read_until("$ ")
            bash.send(f"source {self.scripts['bash']}\n")
            bash.read_until("$ ")
            bash.send("trimtab compl\tz\t")
            bash.read_until("trimtab completion zsh ")
            bash.send("\x15trimtab train --meth\tp\t--axis story\t")
            bash.read_until("trimtab train --method pca --axis storytelling ")

    def test_typed_in_zsh(self):
        settings = ENVIRONMENT | {"TERM": "xterm", "ZDOTDIR": self.folder.name}
        with Terminal(["zsh", "-f", "-i"], env=settings) as zsh:
            zsh.send("PS1='> '; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; "
                     f"source {self.scripts['zsh']}; echo rea''dy\n")
            zsh.read_until("ready")
            zsh.read_until("> ")
            zsh.send("trimtab compl\tz\t; echo do''ne\n")
            zsh.read_until("done")
            typed = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", zsh.text)
            self.assertNotIn("command not found: _", typed)
            self.assertRegex(re.sub(r".\x08", "", typed), r"etion zsh")

    def test_fish(self):
        def complete(line):
            result = subprocess.run(["fish", "-c", f"source {self.scripts['fish']}; complete -C '{line}'"], capture_output=True,
                                    text=True, check=False, env=ENVIRONMENT | {"HOME": self.folder.name})
            return [word.split("\t")[0] for word in result.stdout.splitlines()]

        self.assertEqual(complete("trimtab compl"), ["completion"])
        self.assertEqual(complete("trimtab completion z"), ["zsh"])
        self.assertEqual(complete("trimtab completion --he"), ["--help"])
        self.assertEqual(complete("trimtab train --method p"), ["pca"])
        self.assertEqual(complete("trimtab train -ng"), ["-ngl"])
        self.assertEqual(complete("trimtab train --axis lang"), ["language"])


class Spinning(unittest.TestCase):
    """GOMP_SPINCOUNT, which the program sets for itself (docs/threads.md); a pipe without a writer holds it while we look."""

    def writer(self, pipe, process):
        """The pipe opened for writing, which can be once the program has opened it for reading."""
        deadline = time.monotonic() + built.PATIENCE
        while True:
            try:
                return os.fdopen(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "wb")
            except OSError as error:
                if error.errno != errno.ENXIO or process.poll() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)

    def spin_count(self, *options, command="train", **variables):
        with tempfile.TemporaryDirectory() as folder:
            prompts = os.path.join(folder, "prompts")
            os.mkfifo(prompts)
            environment = {k: v for k, v in ENVIRONMENT.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")} | variables
            reads = {"train": ["-o", folder, "--prompts", prompts], "run": ["-n", "1", "-f", prompts]}[command]
            with subprocess.Popen([TRIMTAB, command, "-m", MODEL, *reads, *options], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                try:
                    with self.writer(prompts, process):
                        with open(f"/proc/{process.pid}/environ", "rb") as file:
                            names = dict(entry.split(b"=", 1) for entry in file.read().split(b"\0") if b"=" in entry)
                finally:
                    process.kill()
        return names.get(b"GOMP_SPINCOUNT", b"").decode()

    def test_short_where_prompts_are_read(self):
        self.assertEqual(self.spin_count("-t", "2"), "1000")

    def test_asked_for_where_text_is_written(self):
        self.assertIn(self.spin_count("-t", "2", command="run"), ("1000", "300000"))  # as busy as the machine happens to be

    def test_one_thread_waits_for_nobody(self):
        self.assertEqual(self.spin_count("-t", "1"), "")

    def test_what_the_user_says_stands(self):
        self.assertEqual(self.spin_count("-t", "2", GOMP_SPINCOUNT="77"), "77")
        self.assertEqual(self.spin_count("-t", "2", OMP_WAIT_POLICY="active"), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
