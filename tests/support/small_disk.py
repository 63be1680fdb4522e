"""small_disk.py: a file system of a few megabytes, which a test can fill to its last byte.

It is a tmpfs in a mount namespace of its own, kept by a process that does nothing else: other processes reach it through
/proc/PID/root, nobody has to be root, and it vanishes with its keeper. Started as a program, this file is that keeper:

    python3 small_disk.py FOLDER BYTES
"""
import ctypes
import os
import subprocess
import sys


class SmallDisk:
    """`path` is an empty folder on a file system of `size` bytes; OSError where the system does not allow one."""

    def __init__(self, folder, size):
        os.mkdir(folder)
        self.keeper = subprocess.Popen([sys.executable, __file__, folder, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
        if self.keeper.stdout.readline() != "ready\n":
            raise OSError(self.keeper.communicate()[1].strip().splitlines()[-1])
        self.path = f"/proc/{self.keeper.pid}/root{folder}"
        self.ballast = os.path.join(self.path, "ballast")

    def fill(self):
        """Takes all the room that is left, to the last byte: as long as others give some back or take some, again."""
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (1 << 16, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def empty(self):
        os.unlink(self.ballast)

    def close(self):
        self.keeper.communicate("")


def keep(folder, size):
    user, group = os.getuid(), os.getgid()
    os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
    for name, line in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(line)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, f"size={size}".encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    keep(sys.argv[1], int(sys.argv[2]))
