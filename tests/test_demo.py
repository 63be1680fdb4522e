"""test_demo.py: how ./dev demo lays its five texts out, with a program in trimtab's place that writes at once."""
import os
import pty
import struct
import subprocess
import fcntl
import tempfile
import termios
import unittest

import built

DEMO = os.path.join(os.environ["TRIMTAB_SOURCE"], "scripts", "demo")
PROGRAM = """#!/bin/bash
if [[ $1 == train ]]; then touch "${@: -1}/x-language__debias.gguf"; exit; fi
value=0
for word in "$@"; do [[ $word != language=* ]] || value=${word#language=}; done
echo "At $value the mill by the river turned slowly, and the miller looked out of his window at the rain, which fell as it always had."
"""


class Demo(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.program = os.path.join(self.folder, "trimtab")
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        os.chmod(self.program, 0o755)

    def command(self):
        return [DEMO, self.program, os.path.join(self.folder, "vectors")]

    def on_terminal(self, columns):
        """What is on a terminal of so many columns, line by line."""
        main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "TRIMTAB_MODEL": "model.gguf"}
        with subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=other, stderr=other, env=environment) as process:
            os.close(other)
            said = b""
            while True:
                try:
                    piece = os.read(main, 4096)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                said += piece
            process.wait(timeout=built.PATIENCE)
        os.close(main)
        self.assertEqual(process.returncode, 0, said)
        return [line.split("\r")[-1] for line in said.decode().replace("\r\n", "\n").split("\n")]

    def test_beside_one_another_on_a_wide_terminal(self):
        lines = self.on_terminal(150)
        head = next(line for line in lines if "unsteered" in line)
        for title in ("simple (-3)", "simple (-1.5)", "unsteered", "ornate (1.5)", "ornate (3)"):
            self.assertIn(title, head)
        first = lines[lines.index(head) + 1]
        for place, text in zip((head.index(title) for title in ("simple (-3)", "unsteered", "ornate (3)")), ("At -3 the", "At 0 the", "At 3 the"),
                               strict=True):
            self.assertTrue(first[place:].startswith(text), first)
        self.assertTrue(all(len(line) <= 150 for line in lines[lines.index(head):lines.index(head) + 6]))

    def test_below_one_another_elsewhere(self):
        for lines in (self.on_terminal(80), subprocess.run(self.command(), capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
                                                           env={**os.environ, "TRIMTAB_MODEL": "model.gguf"}).stdout.split("\n")):
            self.assertIn("unsteered", lines)
            self.assertTrue(lines[lines.index("ornate (3)") + 1].startswith("  At 3 the mill"), lines)


if __name__ == "__main__":
    unittest.main(verbosity=2)
