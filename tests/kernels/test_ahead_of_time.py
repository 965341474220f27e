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


pytestmark = pytest.mark.timeout(900)  # the first test waits for all targets, which is long on a busy machine
TARGETS = ("sm_80", "sm_90", "sm_120", "gfx942")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Compile for all targets in one process: most of its start is the import of torch and Triton."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed")
    cache = str(tmp_path_factory.mktemp("triton"))
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": cache}
    command = [sys.executable, "-m", "tests.kernels.compile_kernels", *TARGETS]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("target", TARGETS)
def test_every_kernel_compiles_and_fits(target: str, compiled: list[dict[str, Any]]) -> None:
    found = [kernel for kernel in compiled if kernel["target"] == target]
    assert {kernel["kernel"] for kernel in found} == defined_kernels()
    assert [kernel for kernel in found if kernel["shared_bytes"] > SHARED_BYTES or kernel["spilled_bytes"]] == []


def defined_kernels() -> set[str]:
    """Return the names of the functions in `kernels` that are launched."""
    lines = (line for path in (ROOT / "kernels").glob("*.py") for line in path.read_text("utf-8").splitlines())
    names = {line.removeprefix("def ").partition("(")[0] for line in lines if line.startswith("def _")}
    return {name for name in names if name.endswith("_kernel")}
