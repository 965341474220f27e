"""Runs the Triton kernels: on a GPU where there is one, else on CPU tensors by the interpreter."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator

import pytest
import torch

HAS_GPU = torch.cuda.is_available()
HAS_TRITON = importlib.util.find_spec("triton") is not None
# Each after those that it imports.
KERNELS = (
    "triton_import",
    "int8_rows",
    "split_softmax",
    "packed_weights",
    "packed_linear",
    "few_experts",
    "experts",
    "kv_attention",
    "mla_attention",
    "page_write",
    "rmsnorm",
    "rope",
    "router",
    "latent_write",
    "key_value_write",
    "expanded_attention",
)
INTERPRET = {} if HAS_GPU else {"TRITON_INTERPRET": "1"}

if INTERPRET.items() - os.environ.items():
    if "triton" in sys.modules:  # its own library is set up for one of the two at import
        raise pytest.UsageError(
            "triton was imported before tests/kernels could choose its interpreter: "
            "import it later, or set TRITON_INTERPRET=1 before the tests start"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        # tests of other folders may have imported the kernels without triton, as the CPU runs them
        for name in KERNELS:
            importlib.reload(importlib.import_module(f"kernels.{name}"))


@pytest.fixture(autouse=True)
def interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in INTERPRET.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def device() -> str:
    """The device of a launcher's tensors; a test that uses this fixture launches a kernel."""
    if not HAS_TRITON:
        pytest.skip("triton is not installed")
    return "cuda" if HAS_GPU else "cpu"


@pytest.fixture(autouse=True)
def poisoned_memory() -> Iterator[None]:
    """Fill every new uninitialised tensor with NaN, so that a value that was never written shows up."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.empty(2).isnan().all()
    assert torch.empty(1).new_empty(2).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)
