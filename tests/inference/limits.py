"""Runs what may hang or fill the memory in a process of its own, whose memory and time are limited."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 280
SMALL_BYTES = 200 << 20

Answers = Mapping[str, Mapping[str, Any]]


def run_within_limits(action: str, paths: Sequence[Path], scratch: Path) -> list[Mapping[str, Any]]:
    """Load or import each path in one child process, and return what each ended in."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(scratch / "cache")}
    command = [sys.executable, "-m", "tests.inference.refuse", action, *map(str, paths)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(paths), done.stderr[-2000:]
    return answers


def check_refusal(answer: Mapping[str, Any], message: str) -> None:
    """Check that a ModelError in one line that can be read has refused the model."""
    assert answer["kind"] == "ModelError", answer
    assert message in answer["error"]
    assert answer["error"].isprintable()
    assert len(answer["error"]) < 1000
