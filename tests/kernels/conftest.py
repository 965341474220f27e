"""Runs the Triton kernels: on a GPU where there is one, else on CPU tensors by the interpreter."""

import importlib.util
import os
import sys
from collections.abc import Iterator

import pytest
import torch

HAS_GPU = torch.cuda.is_available()
HAS_TRITON = importlib.util.find_spec("triton") is not None

if not HAS_GPU and os.environ.get("TRITON_INTERPRET") != "1":
    if "triton" in sys.modules:  # its own library is compiled for one way or the other at import
        raise pytest.UsageError(
            "triton was imported before tests/kernels could choose its interpreter: "
            "set TRITON_INTERPRET=1 before the tests start"
        )
    os.environ["TRITON_INTERPRET"] = "1"


@pytest.fixture
def device() -> str:
    """Where a launcher's tensors must be; asking for it means that the test launches a kernel."""
    if not HAS_TRITON:
        pytest.skip("triton is not installed")
    return "cuda" if HAS_GPU else "cpu"


@pytest.fixture(autouse=True)
def poisoned_memory() -> Iterator[None]:
    """Every new uninitialised tensor is full of NaN, so that a number nobody wrote shows up."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.empty(2).isnan().all()
    assert torch.empty(1).new_empty(2).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)
