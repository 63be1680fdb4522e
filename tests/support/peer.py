"""peer.py: what Debian's llama-completion writes, for the tests that compare."""
import subprocess

import built

TRIES = 30


def completion(command, expected):
    """The text that `command` prints. llama-completion prints from a thread of its own, which on a busy machine is cut short at
    exit: a text that only ends earlier than the expected one says nothing, and is asked for again."""
    for _ in range(TRIES):
        done = subprocess.run(command, capture_output=True, check=False, timeout=built.PATIENCE, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
        text = done.stdout.decode(errors="replace").strip()
        if text == expected or not expected.startswith(text):
            break
    return text
