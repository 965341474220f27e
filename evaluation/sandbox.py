"""Runs a program that a model wrote: another process, with limits on time, memory and network, in an empty folder."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_INSIDE = Path(__file__).with_name("inside_sandbox.py")


@dataclass(frozen=True)
class Limits:
    """A busy machine runs a program slowly: wall time is several times the processor's."""

    wall_s: float = 30.0
    cpu_s: int = 5
    memory_bytes: int = 1 << 30


def passes(program: str, limits: Limits) -> bool:
    """Whether the program runs to its end without an exception. `sys.exit` on the way is a failure."""
    password = secrets.token_hex()
    order = {"program": program, "password": password, "memory_bytes": limits.memory_bytes, "cpu_s": limits.cpu_s}
    with tempfile.TemporaryDirectory(prefix="midspan-quality-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(_INSIDE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={"HOME": folder, "TMPDIR": folder, "PYTHONHASHSEED": "0"},
            start_new_session=True,
            text=True,
        )
        try:
            written, _ = process.communicate(json.dumps(order), timeout=limits.wall_s)
        except subprocess.TimeoutExpired:
            return False
        finally:
            _end_session(process)
        return process.returncode == 0 and written == password


def _end_session(process: "subprocess.Popen[str]") -> None:
    """Ends the process and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
