"""test_library.py: a program that is not part of trimtab, built against the installed library with pkg-config, trains and steers."""
import os
import shutil
import subprocess
import tempfile
import unittest

import built

SOURCE = os.environ["TRIMTAB_SOURCE"]
EXAMPLE = f"{SOURCE}/docs/examples/steer.c"
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
PROMPT = "Tell me a story."

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
