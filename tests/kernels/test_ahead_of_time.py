"""Every kernel compiles for the cards that people have, on a machine without one, and fits into them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SHARED_BYTES = 99 * 1024  # sm_86, sm_89 and sm_120 have no more
ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
@pytest.mark.parametrize("target", ["sm_80", "sm_90", "sm_120", "gfx942"])
def test_every_kernel_compiles_and_fits(target: str, tmp_path: Path) -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.kernels.compile_kernels", target]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    compiled: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert {kernel["kernel"] for kernel in compiled} == defined_kernels()
    assert [kernel for kernel in compiled if kernel["shared_bytes"] > SHARED_BYTES or kernel["spilled_bytes"]] == []


def defined_kernels() -> set[str]:
    """Return the names of the functions in `kernels` that are launched."""
    lines = (line for path in (ROOT / "kernels").glob("*.py") for line in path.read_text("utf-8").splitlines())
    names = {line.removeprefix("def ").partition("(")[0] for line in lines if line.startswith("def _")}
    return {name for name in names if name.endswith("_kernel")}
