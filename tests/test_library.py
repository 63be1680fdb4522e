"""test_library.py: a program that is not part of trimtab, built against the installed library with pkg-config, trains and steers."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import built

SOURCE = os.environ["TRIMTAB_SOURCE"]
EXAMPLE = f"{SOURCE}/docs/examples/steer.c"
SHEET = f"{SOURCE}/docs/examples/sheet.c"
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
PROMPT = "Tell me a story."
SERVER = """
#include <signal.h>
#include <stdio.h>
#include <trimtab_serve.h>
static trimtab *t;
static void end(int number) {
    (void)number;
    trimtab_cancel(t);
}
int main(int count, char **words) {
    trimtab_serve_options options = trimtab_serve_defaults();
    trimtab_server *server;
    options.port = 0;
    options.parallel = 1;
    t = trimtab_open(words[count - 1], NULL, NULL);
    server = trimtab_serve_start(t, &options, NULL);
    signal(SIGTERM, end);
    puts(trimtab_server_facts_of(server)->address);
    fflush(stdout);
    trimtab_serve_run(server);
    trimtab_serve_stop(server);
    trimtab_close(t);
    return 0;
}
"""

# A tiny model's threads spend their time waiting for one another. Bound to one core, the library takes one thread.
CORES = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORES[os.getpid() % len(CORES)]})


def done(*command, **settings):
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=built.PATIENCE, **settings)


def fine(*command, **settings):
    result = done(*command, **settings)
    if result.returncode:
        raise AssertionError(f"{command} failed: {result.stderr}")
    return result.stdout


def sanitizers():
    """A sanitized library needs its runtime linked first: the program is built like it."""
    return (f"-fsanitize={built.SANITIZERS}",) if built.SANITIZERS else ()


class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-library-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        prefix = f"{cls.folder}/usr"
        fine("cmake", "--install", built.FOLDER, "--prefix", prefix)
        cls.libraries = next(folder for folder, _, names in os.walk(prefix) if "libtrimtab.so" in names)
        settings = os.environ | {"PKG_CONFIG_PATH": f"{cls.libraries}/pkgconfig"}
        cls.flags, cls.links = (fine("pkg-config", option, "trimtab", env=settings).split() for option in ("--cflags", "--libs"))
        cls.program = f"{cls.folder}/steer"
        fine("gcc", "-std=c89", *STRICT, *sanitizers(), "-o", cls.program, EXAMPLE, *cls.flags, *cls.links)
        cls.model = built.tiny_model(f"{cls.folder}/tiny.gguf")
        cls.vectors = f"{cls.folder}/vectors"

    def steer(self, model, vectors, mix, *training):
        settings = os.environ | {"LD_LIBRARY_PATH": self.libraries}
        return done(self.program, model, vectors, mix, PROMPT, *training, env=settings)

    def said(self, mix, *training):
        result = self.steer(self.model, self.vectors, mix, *training)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def refused(self, word, *arguments):
        result = self.steer(*arguments)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, rf"^steer: .*{word}.*\n$")
        self.assertEqual(result.stdout, "")

    def test_trains_then_steers(self):
        plain = self.said("", "language", "24", "0.001")
        self.assertGreater(len(plain), 1)
        self.assertTrue(any(name.endswith("-language__ornate.gguf") for name in os.listdir(self.vectors)))
        self.assertEqual(plain, self.said(""))
        to_ornate, to_simple = self.said("language=1"), self.said("language=-1")
        self.assertEqual(len({plain, to_ornate, to_simple}), 3)

    def test_failures_are_told(self):
        self.refused("there is no model", f"{self.folder}/none.gguf", self.vectors, "")
        self.refused("langauge.*language", self.model, self.vectors, "", "langauge", "24", "0.001")
        self.refused("nowhere", self.model, f"{self.folder}/nowhere", "language=1")
        self.refused("much", self.model, self.vectors, "language=much")

    def test_a_sheet_of_texts(self):
        """The other example, on the vectors that the first one makes."""
        self.said("", "language", "24", "0.001")
        program = f"{self.folder}/sheet"
        fine("gcc", "-std=c99", *STRICT, *sanitizers(), "-o", program, SHEET, *self.flags, *self.links, "-lm")
        settings = os.environ | {"LD_LIBRARY_PATH": self.libraries}
        sheet = fine(program, self.model, self.vectors, "language", "-1,0,1", PROMPT, "<Why> & how?", env=settings)
        self.assertIn("<h2>&lt;Why&gt; &amp; how?</h2>", sheet)
        rows = re.findall(r"^<tr><td>([-0-9]+)<td>([0-9.]+)<td>", sheet, re.MULTILINE)
        self.assertEqual([value for value, _ in rows], ["-1", "0", "1"] * 2)
        self.assertTrue(all(float(perplexity) > 1 for _, perplexity in rows), rows)
        refused = done(program, self.model, self.vectors, "langauge", "1", PROMPT, env=settings)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, "^sheet: .*language")

    def test_a_server_in_a_program(self):
        """What the second header declares is in the second library, which has the first one's too."""
        settings = os.environ | {"PKG_CONFIG_PATH": f"{self.libraries}/pkgconfig"}
        flags, links = (fine("pkg-config", option, "trimtab-serve", env=settings).split() for option in ("--cflags", "--libs"))
        source, program = f"{self.folder}/server.c", f"{self.folder}/server"
        with open(source, "w", encoding="utf-8") as file:
            file.write(SERVER)
        fine("gcc", "-std=c89", *STRICT, *sanitizers(), "-o", program, source, *flags, *links)
        running = os.environ | {"LD_LIBRARY_PATH": self.libraries}
        with subprocess.Popen([program, self.model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=running) as server:
            address = server.stdout.readline().strip()
            with urllib.request.urlopen(f"{address}/v1/models", timeout=built.PATIENCE) as answer:
                self.assertEqual(len(json.load(answer)["data"]), 1)
            server.terminate()
            self.assertEqual(server.wait(built.PATIENCE), 0)

    def test_the_page_shows_the_program(self):
        with open(EXAMPLE, encoding="utf-8") as program, open(f"{SOURCE}/docs/library.md", encoding="utf-8") as page:
            self.assertIn(f"```c\n{program.read()}```\n", page.read())

    def test_header_is_plain_c(self):
        program = f"{self.folder}/header.c"
        with open(program, "w", encoding="utf-8") as file:
            file.write("#include <trimtab.h>\nint main(void) { trimtab_close(NULL); return 0; }\n")
        for standard in ("c89", "c99", "c23"):
            fine("gcc", f"-std={standard}", *STRICT, *self.flags, "-fsyntax-only", program)

    def test_header_is_cpp(self):
        """Linked as well: a name that C++ mangles would not be found."""
        compiler = next((found for found in map(shutil.which, ("g++", "clang++", "clang")) if found), None)
        if not compiler:
            self.skipTest("there is no C++ compiler here")
        source, compiled = f"{self.folder}/header.cc", f"{self.folder}/header.o"
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <trimtab.h>\nint main() { return trimtab_version() ? 0 : 1; }\n")
        fine(compiler, "-xc++", *STRICT, *self.flags, "-c", "-o", compiled, source)
        fine("gcc", *sanitizers(), "-o", f"{self.folder}/header", compiled, *self.links)
        fine(f"{self.folder}/header", env=os.environ | {"LD_LIBRARY_PATH": self.libraries})


if __name__ == "__main__":
    unittest.main(verbosity=2)
