"""test_dev.py: `dev` itself, above all two at once, over a small project of its own whose build takes as long as the test likes.

Neither mmdebstrap nor namespaces are at hand where tests run. So the private roots are empty folders marked as complete, and `bwrap`
is a script that runs what it is given right here: all else is dev's own code, with the real cmake and ninja."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import built
import terminal

SOURCE = os.environ["TRIMTAB_SOURCE"]

PRESETS = """{"version": 6,
"configurePresets": [{"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/${presetName}"}],
"buildPresets": [
  {"name": "release", "configurePreset": "release"}
]}
"""
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(small LANGUAGES NONE)
add_custom_command(OUTPUT trimtab DEPENDS src/trimtab COMMAND sh ${CMAKE_SOURCE_DIR}/make ${CMAKE_SOURCE_DIR}/src/trimtab trimtab)
add_custom_target(all_of_it ALL DEPENDS trimtab)
"""
# Each build is a line of `builds`, and lasts while `slow` is there; where `broken` is, it fails as a link does.
MAKE = """cd "$(dirname "$0")" && echo building >>builds
while [ -e slow ]; do sleep 0.02; done
if [ -e broken ]; then
  i=0
  echo "/usr/bin/ld: objects/first.o: in function main: undefined reference to first_missing"
  while [ $i -lt 300 ]; do i=$((i + 1)); printf '/usr/bin/ld: %0400d: undefined reference to another\\n' $i; done
  exit 1
fi
cp "$1" "build/release/$2.new" && mv "build/release/$2.new" "build/release/$2"
"""
# The program: says its version; `hold NAME` makes NAME, waits while it is there, and must still be there itself after that.
PROGRAM = """#!/bin/sh
if [ "$1" = hold ]; then
  >"$2"
  while [ -e "$2" ]; do sleep 0.02; done
  cat "$0" | grep '^# version'
else
  grep '^# version' "$0"
fi
"""
BWRAP = """#!/bin/sh
case "$*" in *--*" -- "*) ;; *) exit 0 ;; esac
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


def script(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)


class Small(unittest.TestCase):
    """A project in a folder of its own, with dev and its parts."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = os.path.join(holder.name, "project")
        self.cache = os.path.join(holder.name, "cache")
        binaries = os.path.join(holder.name, "bin")
        for folder in (os.path.join(self.folder, "src"), self.cache, binaries):
            os.makedirs(folder)
        shutil.copy(os.path.join(SOURCE, "dev"), self.folder)
        shutil.copytree(os.path.join(SOURCE, "scripts"), os.path.join(self.folder, "scripts"))
        for name, text in (("CMakePresets.json", PRESETS), ("CMakeLists.txt", PROJECT), ("make", MAKE)):
            script(self.path(name), text)
        script(os.path.join(binaries, "bwrap"), BWRAP)
        self.write_program(1)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("TRIMTAB_")} | {
            "TRIMTAB_CACHE": self.cache, "TRIMTAB_NATIVE": "0", "LLAMA_CPP_SOURCE": self.llama_source(), "PATH": binaries + ":" + os.environ["PATH"], "COLUMNS": "80"}
        self.running = []
        self.addCleanup(self.end_all)
        self.add_root("build")

    def llama_source(self):
        """What stands for llama.cpp's source: there is nothing to download."""
        folder = os.path.join(os.path.dirname(self.cache), "llama.cpp", "common")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "chat.h"), "w", encoding="utf-8"):
            return os.path.dirname(folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write_program(self, version):
        script(self.path("src", "trimtab"), PROGRAM + f"# version {version}\n")

    def add_root(self, tier):
        """A private root that is there already; dev alone knows what it is called."""
        ask = 'project=$1 cache=$2 suite=forky; for part in talk packages root; do . "$1/scripts/dev/$part.sh"; done; root_of "$3"'
        root = subprocess.run(["bash", "-c", ask, "ask", self.folder, self.cache, tier], capture_output=True, text=True, check=True).stdout
        os.mkdir(root)
        with open(os.path.join(root, ".complete"), "w", encoding="utf-8"):
            pass

    def start(self, *arguments):
        process = subprocess.Popen([self.path("dev"), *arguments], env=self.environment, text=True, start_new_session=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.running.append(process)
        return process

    def end_all(self):
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def ended(self, process, status=0):
        """What it said: standard output, standard error."""
        out, said = process.communicate(timeout=built.PATIENCE)
        self.assertEqual(process.returncode, status, said)
        return out, said

    def dev(self, *arguments, status=0):
        return self.ended(self.start(*arguments), status)

    def until(self, condition, process):
        end = time.monotonic() + built.PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, "it did not come")
            if process.poll() is not None:
                self.fail(f"it ended: {process.communicate()}")
            time.sleep(0.01)

    def hold(self, name):
        """dev trimtab, which runs until `name` is removed."""
        process = self.start("trimtab", "hold", self.path(name))
        self.until(lambda: os.path.exists(self.path(name)), process)
        return process

    def until_it_waits(self, process):
        said = process.stderr.readline()
        while said and "waiting for another dev" not in said:
            said = process.stderr.readline()
        self.assertIn("waiting for another dev", said)

    def builds(self):
        with open(self.path("builds"), encoding="utf-8") as file:
            return len(file.readlines())


class TwoAtOnce(Small):
    def test_a_build_waits_for_what_runs(self):
        running = self.hold("held")
        self.write_program(2)
        building = self.start("build")
        self.until_it_waits(building)
        self.assertEqual(self.builds(), 1)
        os.remove(self.path("held"))
        self.assertEqual(self.ended(running)[0], "# version 1\n")
        self.ended(building)
        self.assertEqual(self.dev("trimtab")[0], "# version 2\n")

    def test_nothing_to_build_nothing_to_wait_for(self):
        running = self.hold("held")
        out, said = self.dev("trimtab")
        self.assertEqual((out, said), ("# version 1\n", ""))
        self.dev("build")
        self.assertEqual(self.builds(), 1)
        os.remove(self.path("held"))
        self.ended(running)

    def test_another_root_waits_too_and_builds_once(self):
        running = self.hold("held")
        self.add_root("test")  # as a first `dev test` makes one
        other = self.start("trimtab")
        self.until_it_waits(other)
        os.remove(self.path("held"))
        self.assertEqual(self.ended(running)[0], "# version 1\n")
        self.assertEqual(self.ended(other)[0], "# version 1\n")
        self.assertEqual(self.builds(), 2)
        for command in ("trimtab", "build", "shell", "trimtab"):  # whatever tier each needs, the build stays
            self.dev(command)
        self.assertEqual(self.builds(), 2)

    def test_two_builds_at_once_are_one(self):
        with open(self.path("slow"), "w", encoding="utf-8"):
            pass
        first = self.start("build")
        self.until(lambda: os.path.exists(self.path("builds")), first)
        second = self.start("trimtab")
        self.until_it_waits(second)
        os.remove(self.path("slow"))
        self.ended(first)
        self.assertEqual(self.ended(second)[0], "# version 1\n")
        self.assertEqual(self.builds(), 1)

    def test_clean_waits(self):
        running = self.hold("held")
        cleaning = self.start("clean")
        self.until_it_waits(cleaning)
        self.assertTrue(os.path.exists(self.path("build", "release", "trimtab")))
        os.remove(self.path("held"))
        self.assertEqual(self.ended(running)[0], "# version 1\n")
        self.ended(cleaning)
        self.assertFalse(os.path.exists(self.path("build")))

    def test_a_root_in_use_is_not_removed(self):
        running = self.hold("held")
        cleaning = self.start("clean", "--all")
        self.until_it_waits(cleaning)
        os.remove(self.path("held"))
        self.ended(running)
        self.ended(cleaning)
        self.assertFalse(os.path.exists(self.cache))

    def test_what_outlives_a_command_keeps_nobody_waiting(self):
        self.dev("trimtab")
        script(self.path("src", "trimtab"), "#!/bin/sh\nsetsid sleep 600 >/dev/null 2>&1 & echo $! >" + self.path("left") + "\n# version 2\n")
        self.dev("trimtab")
        with open(self.path("left"), encoding="utf-8") as file:
            self.addCleanup(os.kill, int(file.read()), signal.SIGKILL)
        self.write_program(3)
        self.assertEqual(self.dev("trimtab")[0], "# version 3\n")


class Talk(Small):
    def test_help_needs_neither_root_nor_build(self):
        shutil.rmtree(self.cache)
        for command in ("demo", "test", "bench", "lint", "fuzz", "build", "shell", "clean"):
            out, said = self.dev(command, "--help")
            self.assertTrue(out.startswith(f"usage: ./dev {command}"), out)
            self.assertEqual(said, "")
        self.assertIn("--processor NAME", self.dev("test", "-h")[0])
        self.assertIn("--llama DIR", self.dev("--help")[0])
        self.assertFalse(os.path.exists(self.path("build")) or os.path.exists(self.cache))

    def test_wrong_arguments_get_one_sentence(self):
        os.mkdir(self.path("fuzz"))
        script(self.path("fuzz", "fuzz_axis.c"), "")
        for arguments, sentence in (
                (["buidl"], "there is no 'buidl'"), (["build", "releese"], "there is no preset 'releese'; there are: release"),
                (["build", "release", "asan"], "'build' takes one preset"), (["demo", "please"], "'demo' takes no 'please'"),
                (["lint", "-x"], "'lint' takes no '-x'"), (["clean", "-x"], "'clean' takes nothing, or --all"),
                (["fuzz", "long"], "'long' is no number of seconds"), (["fuzz", "3", "axes"], "there is no fuzz target 'axes'; there are: axis"),
                (["test", "--processor"], "--processor takes a value"), (["test", "--llama", "/nowhere"], "there is no folder '/nowhere'"),
                (["test", "--llama", self.folder], "no llama.cpp is installed in"),
                (["test", "--llama", "/", "--processor", "x64"], "does not go with --llama")):
            with self.subTest(arguments):
                out, said = self.dev(*arguments, status=2)
                self.assertEqual(out, "")
                self.assertRegex(said, r"\Adev: [^\n]+\n\Z")
                self.assertIn(sentence, said)

    def test_a_failed_build_shows_its_first_error_and_where_the_rest_is(self):
        with open(self.path("broken"), "w", encoding="utf-8"):
            pass
        out, said = self.dev("trimtab", status=1)
        self.assertEqual(out, "")
        self.assertIn("undefined reference to first_missing", said)
        self.assertLess(len(said), 4000)
        log = re.search(r"^dev: all that it said is in (.*)$", said, re.MULTILINE)
        self.assertTrue(log, said)
        with open(log[1], encoding="utf-8") as file:
            self.assertGreater(len(file.read()), 100000)
        os.remove(self.path("broken"))
        self.assertEqual(self.dev("trimtab")[0], "# version 1\n")

    def test_ctrl_c_is_told_in_one_line_and_leaves_a_build_that_goes_on(self):
        with open(self.path("slow"), "w", encoding="utf-8"):
            pass
        building = self.start("build")
        self.until(lambda: os.path.exists(self.path("builds")), building)
        os.killpg(building.pid, signal.SIGINT)
        _, said = self.ended(building, 130)
        self.assertTrue(said.endswith("dev: interrupted\n"), said)
        self.assertNotIn("failed", said)
        os.remove(self.path("slow"))
        self.assertEqual(self.dev("trimtab")[0], "# version 1\n")

    def test_ctrl_c_while_it_waits(self):
        running = self.hold("held")
        self.write_program(2)
        building = self.start("build")
        self.until_it_waits(building)
        os.killpg(building.pid, signal.SIGINT)
        self.assertEqual(self.ended(building, 130)[1], "\ndev: interrupted\n")
        os.remove(self.path("held"))
        self.ended(running)

    def test_ctrl_c_is_the_programs_to_answer(self):
        script(self.path("src", "trimtab"), "#!/bin/sh\ntrap 'echo stopped; exit 7' INT\n>\"$1\"\nwhile :; do sleep 0.02; done\n")
        running = self.start("trimtab", self.path("started"))
        self.until(lambda: os.path.exists(self.path("started")), running)
        os.killpg(running.pid, signal.SIGINT)
        out, said = self.ended(running, 7)
        self.assertEqual(out, "stopped\n")
        self.assertNotIn("interrupted", said)

    def test_a_narrow_terminal_shows_one_line_a_step(self):
        with open(self.path("slow"), "w", encoding="utf-8"):
            pass
        with terminal.Terminal([self.path("dev"), "build"], columns=30, env=self.environment) as narrow:
            narrow.read_until("building")
            narrow.read_until(" 2 s")
            os.remove(self.path("slow"))
            narrow.read_until(None)
            for line in re.split(r"[\r\n]+", narrow.text):
                self.assertLess(len(line), 30, narrow.text)
            self.assertEqual(narrow.process.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
