"""test_install.py: `cmake --install` puts everything in place, and pkg-config finds it."""
import os
import re
import subprocess
import tempfile
import unittest

import built

PROGRAM = r"""
#include <trimtab.h>
int main(void) { return 0; }
"""


def read(*command, **settings):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **settings)
    if result.returncode:
        raise AssertionError(f"{command} failed: {result.stderr}")
    return result.stdout


SANITIZED = built.SANITIZERS or "--coverage" in built.setting("CMAKE_C_FLAGS")


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="trimtab install ")  # a space, to see that it does no harm
        cls.prefix = f"{cls.folder.name}/usr"
        read("cmake", "--install", built.FOLDER, "--prefix", cls.prefix)
        cls.files = {os.path.relpath(os.path.join(folder, name), cls.prefix)
                     for folder, _, names in os.walk(cls.prefix) for name in names}
        cls.libraries = next(os.path.dirname(name) for name in cls.files if name.endswith("/libtrimtab.so"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_everything_is_in_place(self):
        expected = {"bin/trimtab", "include/trimtab.h", "include/trimtab_serve.h", f"{self.libraries}/libtrimtab.so",
                    f"{self.libraries}/libtrimtab.so.0", f"{self.libraries}/libtrimtab-serve.so",
                    f"{self.libraries}/libtrimtab-serve.so.0", f"{self.libraries}/pkgconfig/trimtab.pc",
                    f"{self.libraries}/pkgconfig/trimtab-serve.pc", "share/man/man1/trimtab.1",
                    "share/man/man1/trimtab-completion.1", "share/bash-completion/completions/trimtab",
                    "share/zsh/site-functions/_trimtab", "share/fish/vendor_completions.d/trimtab.fish"}
        self.assertEqual(expected - self.files, set())
        for name in self.files:
            path = os.path.join(self.prefix, name)
            self.assertGreater(os.path.getsize(path), 0, name)
            if name.startswith(("share/", "include/")):
                with open(path, encoding="utf-8") as file:
                    self.assertNotIn(built.FOLDER, file.read(), name)

    def test_program_runs_from_there(self):
        self.assertRegex(read(f"{self.prefix}/bin/trimtab", "--version"), r"^trimtab ")

    @unittest.skipUnless(built.setting("LLAMA_CPP_SOURCE"), "trimtab-chat was not built")
    def test_program_finds_what_runs_chat_templates(self):
        self.assertIn(f"{self.libraries}/trimtab/trimtab-chat", self.files)
        model = built.tiny_model(f"{self.folder.name}/tiny.gguf", "--template", "{{ messages[0].content }}")
        read(f"{self.prefix}/bin/trimtab", "template", "-m", model)

    @unittest.skipIf(SANITIZED, "a sanitized library needs its runtime linked first")
    def test_library_is_found_by_pkg_config(self):
        settings = os.environ | {"PKG_CONFIG_PATH": f"{self.prefix}/{self.libraries}/pkgconfig"}
        version = read("pkg-config", "--modversion", "trimtab", env=settings).strip()
        self.assertIn(version, read(f"{self.prefix}/bin/trimtab", "--version"))
        source = f"{self.folder.name}/program.c"
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        program = f"{self.folder.name}/program"
        flags = "$(pkg-config --cflags trimtab)", "$(pkg-config --libs trimtab)"
        read("bash", "-c", f'eval "gcc -o \\"{program}\\" \\"{source}\\" {flags[0]} {flags[1]}"', env=settings)
        read(program, env=os.environ | {"LD_LIBRARY_PATH": f"{self.prefix}/{self.libraries}"})

    @unittest.skipIf("--coverage" in built.setting("CMAKE_C_FLAGS"), "what counts the lines has names of its own")
    def test_library_shows_only_its_own_names(self):
        library = f"{self.prefix}/{self.libraries}/libtrimtab.so"
        names = re.findall(r" [TDBRVW] (\S+)$", read("nm", "-D", "--defined-only", library), re.MULTILINE)
        if SANITIZED:
            names = [name for name in names if not name.startswith(("__asan", "__ubsan", "__tsan", "__odr_asan", "__gcov"))]
        self.assertEqual([name for name in names if not name.startswith("trimtab_")], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
