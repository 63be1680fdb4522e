"""built.py: what the tests that are scripts take from the build folder: its settings, and tiny models."""
import os
import re
import subprocess

FOLDER = os.environ["TRIMTAB_BUILD"]


def setting(name):
    """The value of a CMake setting; "" where there is none."""
    with open(os.path.join(FOLDER, "CMakeCache.txt"), encoding="utf-8") as cache:
        found = re.search(rf"^{name}:\w+=(.*)$", cache.read(), re.MULTILINE)
    return found[1] if found else ""


SANITIZERS = setting("TRIMTAB_SANITIZE")  # "address,undefined", "thread" or ""


def tiny_model(path, *options):
    """Makes one; `options` are those of make_tiny_model.c. Returns its path."""
    subprocess.run([os.path.join(FOLDER, "tests", "make_tiny_model"), path, *options], check=True)
    return path
