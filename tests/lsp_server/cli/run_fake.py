"""Runs `midspan` with a fake engine in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def midspan(*arguments: str | Path, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; `stdin` is its input."""
    return subprocess.run(
        [sys.executable, HERE / "cli_fake.py", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(HERE.parents[2])},
    )
