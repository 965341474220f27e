"""Starts a process that runs a module of ours. It ends with the process that started it, whose end closes its stdin."""

import os
import subprocess
import sys
from pathlib import Path

from midspan import MidspanError

_CODE = Path(__file__).parents[1]
_END_SECONDS = 5.0


class NoChildError(MidspanError):
    """The system starts no process: it has too many, or no memory."""


def start_child(module: str) -> "subprocess.Popen[bytes]":
    """Start a module by its name, with pipes for its stdin and stdout. Raises NoChildError."""
    path = [str(_CODE), os.environ.get("PYTHONPATH", "")]
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        )
    except OSError as error:
        raise NoChildError(f"the system starts no process ({error.strerror})") from error


def end_child(process: "subprocess.Popen[bytes]") -> None:
    """Close the child's stdin, and kill the child when it does not end by that."""
    assert process.stdin is not None
    try:
        process.stdin.close()
        process.wait(_END_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
