"""terminal.py: a program on a pseudo-terminal of a given width, as a person would run it."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import built


class Terminal:
    def __init__(self, command, columns=80, rows=25, env=None):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.text = ""  # all that came
        self.seen = 0   # up to where read_until has looked
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, close_fds=True, start_new_session=True, env=env,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def resize(self, columns, rows=25):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, keys):
        os.write(self.master, keys.encode())

    def read_until(self, wanted):
        """Reads until `wanted` has come (None: until the program ends); returns what came before and with it. What came
        behind it is for the next call."""
        begin, deadline = self.seen, time.monotonic() + built.PATIENCE
        while wanted is None or wanted not in self.text[begin:]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{wanted or 'its end'!r} did not come, but {self.text[begin:]!r}")
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(self.master, 65536)
            except OSError:  # the other side is closed
                piece = b""
            if not piece and wanted is None:
                break
            if not piece:
                raise EOFError(f"{wanted!r} did not come, but {self.text[begin:]!r}")
            self.text += piece.decode(errors="replace")
        self.seen = len(self.text) if wanted is None else self.text.index(wanted, begin) + len(wanted)
        return self.text[begin:self.seen]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def run_on_terminal(command, columns, env=None):
    """Everything the program prints there, and its exit status."""
    with Terminal(command, columns, env=env) as terminal:
        text = terminal.read_until(None).replace("\r\n", "\n")
        return text, terminal.process.wait()
