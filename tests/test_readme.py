"""test_readme.py: every command that README.md shows behind a "$" is run, in the order of the page, in an empty folder that holds
`model.gguf`, the demo's model; with fewer samples than the page says, so that it takes seconds. What does not depend on a model must
print what the page shows. Commands of ./dev, cmake and mpirun are not run again: they are what runs the tests, or have a test of their
own. `trimtab serve` is stopped once it answers."""
import os
import re
import signal
import subprocess
import tempfile
import unittest

import built

TRIMTAB = os.environ["TRIMTAB"]
SOURCE = os.environ["TRIMTAB_SOURCE"]
MODEL = os.environ["TRIMTAB_MODEL"]
ELSEWHERE = ("./dev", "cmake", "mpirun")


def commands(text):
    """[(command, output)] of the fenced "console" blocks; a backslash at a line's end joins it with the next, and a line behind ">"
    belongs to the command."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for shown in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = re.sub(r"\\\n\s*", " ", shown).partition("\n")
            while output.startswith("> "):
                line, _, output = output.partition("\n")
                command += "\n" + line[2:]
            found.append((command, output))
    return found


class Readme(unittest.TestCase):
    def test_every_command_works(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            shown = commands(file.read())
        self.assertGreater(len(shown), 5)
        with tempfile.TemporaryDirectory() as folder:
            bin_folder = os.path.join(folder, "bin")
            work = os.path.join(folder, "work")
            os.mkdir(bin_folder)
            os.mkdir(work)
            os.symlink(TRIMTAB, os.path.join(bin_folder, "trimtab"))
            os.symlink(MODEL, os.path.join(work, "model.gguf"))
            environment = {k: v for k, v in os.environ.items() if not k.startswith("TRIMTAB_")}
            environment["PATH"] = bin_folder + ":" + environment["PATH"]
            for command, output in shown:
                if command.startswith(ELSEWHERE):
                    continue
                command = re.sub(r"--samples \d+", "--samples 2" if "trimtab eval" in command else "--samples 16", command)
                command = re.sub(r"--text-tokens \d+", "--text-tokens 8", command)
                with self.subTest(command):
                    if "trimtab serve" in command:
                        self.serve(command, work, environment)
                        continue
                    result = subprocess.run(["bash", "-c", "set -o pipefail; " + command], cwd=work, env=environment, text=True,
                                            capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=built.PATIENCE)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    if "model.gguf" not in command and "vectors" not in command:  # the same for every model
                        self.assertEqual(result.stdout.rstrip(), output.rstrip())

    def serve(self, command, work, environment):
        with subprocess.Popen(["bash", "-c", "exec " + command + " --port 0"], cwd=work, env=environment, text=True,
                              stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
            said = ""
            for line in process.stderr:
                said += line
                if "http://" in line:
                    break
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=built.PATIENCE)
        self.assertEqual(process.returncode, 0, said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
