"""test_hardening.py: the release build is made with the usual protections: a position-independent program, a table of addresses that
is read-only before the program starts, a stack that cannot be run, and checks of the stack and of copies."""

import os
import subprocess
import unittest

import built


def readelf(option, file):
    return subprocess.run(["readelf", "--wide", option, os.path.join(built.FOLDER, file)], capture_output=True, text=True, check=True).stdout


@unittest.skipIf(built.setting("CMAKE_BUILD_TYPE") != "Release" or built.SANITIZERS, "these are the release build's protections")
class Hardening(unittest.TestCase):
    def files(self):
        """The program, the libraries, and the part that runs started by mpirun load, where there is OpenMPI."""
        return [f for f in ("trimtab", "libtrimtab.so", "libtrimtab-serve.so", "trimtab-mpi.so") if f != "trimtab-mpi.so" or os.path.exists(os.path.join(built.FOLDER, f))]

    def test_position_independent_program(self):
        self.assertRegex(readelf("--file-header", "trimtab"), r"Type:\s+DYN \(Position-Independent Executable")

    def test_addresses_are_read_only(self):
        for file in self.files():
            self.assertIn("GNU_RELRO", readelf("--program-headers", file), file)
            self.assertRegex(readelf("--dynamic", file), r"\(FLAGS(_1)?\).*NOW", file)

    def test_no_executable_stack(self):
        for file in self.files():
            self.assertRegex(readelf("--program-headers", file), r"GNU_STACK(\s+0x\w+){5}\s+RW\s", file)

    def test_no_code_relocations(self):
        for file in self.files():
            self.assertNotIn("TEXTREL", readelf("--dynamic", file), file)

    def test_checks_of_stack_and_copies(self):
        for file in ("trimtab", "libtrimtab.so", "libtrimtab-serve.so"):
            symbols = readelf("--dyn-syms", file)
            self.assertIn("__stack_chk_fail", symbols, file)
            self.assertRegex(symbols, r"__\w+_chk\b(?<!__stack_chk)", file)  # such as __memcpy_chk, of _FORTIFY_SOURCE

    def test_fortification_is_the_third_level(self):
        with open(os.path.join(built.FOLDER, "compile_commands.json"), encoding="utf-8") as file:
            self.assertIn("_FORTIFY_SOURCE=3", file.read())


if __name__ == "__main__":
    unittest.main(verbosity=2)
