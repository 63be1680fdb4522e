"""test_libraries.py: libtrimtab needs neither a web server nor a terminal, libtrimtab-serve no terminal; both show only names of
the public headers, and all of those."""
import os
import re
import subprocess
import unittest

import built

SOURCE = os.environ["TRIMTAB_SOURCE"]
SANITIZED = built.SANITIZERS or "--coverage" in built.setting("CMAKE_C_FLAGS")


def read(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "C"}).stdout


def needs(file):
    """The names of the libraries that the file is linked with, without versions: {"libllama", ...}."""
    return set(re.findall(r"\(NEEDED\).*\[([\w+-]+?)\.so", read("readelf", "--dynamic", os.path.join(built.FOLDER, file))))


def shown(file):
    return set(re.findall(r" [TDBRVW] (\S+)$", read("nm", "-D", "--defined-only", os.path.join(built.FOLDER, file)), re.MULTILINE))


def declared(*headers):
    """The functions that the headers declare."""
    names = set()
    for header in headers:
        with open(f"{SOURCE}/include/{header}", encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
            names |= set(re.findall(r"TRIMTAB_API\s[^;(]*?\b(trimtab_\w+)\(", text))
    return names


class Needs(unittest.TestCase):
    def test_the_program_needs_all(self):
        """So that what is not found below is looked for by its right name."""
        self.assertLessEqual({"libllama", "libopenblas", "libmicrohttpd", "libedit"}, needs("trimtab"))

    def test_library_has_no_web_server_and_no_terminal(self):
        self.assertLessEqual({"libllama", "libopenblas"}, needs("libtrimtab.so"))
        self.assertEqual(needs("libtrimtab.so") & {"libmicrohttpd", "libedit"}, set())

    def test_server_has_no_terminal(self):
        self.assertLessEqual({"libllama", "libmicrohttpd"}, needs("libtrimtab-serve.so"))
        self.assertNotIn("libedit", needs("libtrimtab-serve.so"))


@unittest.skipIf(SANITIZED, "what a sanitizer or the counting of lines puts in has names of its own")
class Names(unittest.TestCase):
    def test_library_shows_what_its_header_declares(self):
        self.assertGreater(len(declared("trimtab.h")), 10)
        self.assertEqual(shown("libtrimtab.so"), declared("trimtab.h"))

    def test_server_shows_what_both_headers_declare(self):
        self.assertGreater(len(declared("trimtab_serve.h")), 3)
        self.assertEqual(shown("libtrimtab-serve.so"), declared("trimtab.h", "trimtab_serve.h"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
