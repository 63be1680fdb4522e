"""built.py: what the tests that are scripts take from the build folder: its settings, and tiny models."""
import os
import re
import subprocess
import sys

FOLDER = os.environ["TRIMTAB_BUILD"]


def setting(name):
    """The value of a CMake setting; "" where there is none."""
    with open(os.path.join(FOLDER, "CMakeCache.txt"), encoding="utf-8") as cache:
        found = re.search(rf"^{name}:\w+=(.*)$", cache.read(), re.MULTILINE)
    return found[1] if found else ""


SANITIZERS = setting("TRIMTAB_SANITIZE")  # "address,undefined", "thread" or ""

# Seconds that anything may take that is only waited for lest a test hang: half of what ctest gives the whole test, so that it is this
# wait that is told of. Limits that are themselves tested are the program's, and given to it as multiples of SLOWNESS.
PATIENCE = float(os.environ.get("TRIMTAB_PATIENCE", 300))
SLOWNESS = 5 if SANITIZERS else 1


def with_more_time(attempt, seconds=SLOWNESS):
    """Calls attempt(seconds) with four times as many each time until it finds what it asserts, and returns what that returns. For
    limits of the program's own, which may strike before what is looked at where the machine is busy. What is wrong is so with each."""
    while True:
        try:
            return attempt(seconds)
        except AssertionError:
            if seconds > 30:
                raise
            seconds *= 4


def skip_all(reason):
    """Ends a script whose tests cannot run here."""
    print("skipped:", reason)
    sys.exit(77)


def tiny_model(path, *options):
    """Makes one; `options` are those of make_tiny_model.c. Returns its path."""
    subprocess.run([os.path.join(FOLDER, "tests", "make_tiny_model"), path, *options], check=True)
    return path
