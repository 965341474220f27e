"""The script in the sandbox: it gives up rights, runs the program on stdin, and writes the password at its end.

The script imports nothing of this project, because its process starts with an empty path.
"""

import ctypes
import json
import os
import resource
import socket
import sys
from typing import Any, NoReturn

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def limit_resources(memory_bytes: int, cpu_s: int) -> None:
    """Limit memory, time, file size, core dumps and processes for good."""
    if sys.platform == "win32":
        raise OSError("The sandbox is made of what Linux has.")
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 1 << 20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (most, most))


def leave_network() -> None:
    """Enter an empty network namespace, where Linux allows that, and refuse sockets of Python in any case."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise PermissionError("no network here")

    for name in ("socket", "create_connection", "create_server", "socketpair", "getaddrinfo"):
        setattr(socket, name, refuse)


def main() -> None:
    """Run the program. Exit code 0 and the password on the old stdout mean that the program ended by itself."""
    order = json.load(sys.stdin)
    answer = os.dup(1)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    leave_network()
    limit_resources(order["memory_bytes"], order["cpu_s"])
    sys.stdin.close()
    exec(compile(order.pop("program"), "program.py", "exec"), {"__name__": "program"})
    os.write(answer, order["password"].encode())


if __name__ == "__main__":
    main()
