"""The sandbox for a model's program: a process with limits on time, memory and network, in an empty folder."""

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

_SCRIPT = Path(__file__).with_name("sandboxed_program.py")


@dataclass(frozen=True)
class Limits:
    """Limits of a program. Wall time is several times processor time, because a busy machine runs a program slowly."""

    wall_s: float = 30.0
    cpu_s: int = 5
    memory_bytes: int = 1 << 30


def passes(program: str, limits: Limits) -> bool:
    """Return whether the program runs to its end without an exception. An early `sys.exit` is a failure."""
    password = secrets.token_hex()
    order = {"program": program, "password": password, "memory_bytes": limits.memory_bytes, "cpu_s": limits.cpu_s}
    with tempfile.TemporaryDirectory(prefix="midspan-sandbox-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(_SCRIPT)],
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
    """End the process and every process that it has started."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
