"""A GPU that is not there: tensors on "cuda" that have a shape and no values, and kernels that are not launched.

Under FakeTensorMode an operation on tensors of two devices fails, and so does one that needs a value on the host, which
on a GPU would wait for all that was launched before.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import kernels
from inference.weights.matrix import PART_DTYPES, Matrix, Quant, form_of, part_shapes

CUDA = torch.device("cuda", 0)


class NotLaunched:
    """Stands for a Triton kernel. A launch looks at the devices of its tensors, and notes the kernel's name."""

    def __init__(self, name: str, launched: list[str]) -> None:
        self._name = name
        self._launched = launched

    def __getitem__(self, _grid: Any) -> Callable[..., None]:
        return self._launch

    def _launch(self, *arguments: Any, **_options: Any) -> None:
        tensors = [each for each in arguments if isinstance(each, Tensor)]
        assert {each.device for each in tensors} == {CUDA}, f"{self._name} is given tensors of the CPU"
        self._launched.append(self._name)


def replace_kernels(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the public functions of `kernels` take their Triton path on "cuda"; return the kernels that are launched."""
    launched: list[str] = []
    triton = SimpleNamespace(
        cdiv=lambda a, b: -(-a // b),
        next_power_of_2=lambda n: 1 << max(0, n - 1).bit_length(),
        jit=lambda kernel: kernel,
    )
    for found in pkgutil.iter_modules(kernels.__path__):
        if not found.ispkg:
            _replace_in(import_module(f"kernels.{found.name}"), triton, launched, monkeypatch)
    return launched


def _replace_in(
    module: ModuleType, triton: SimpleNamespace, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins: dict[str, Any] = {
        "triton": triton,
        "runs_triton": lambda tensor: tensor.is_cuda,
        "compute_dtype": lambda _tensor: None,
        "multiprocessors": lambda _device: 132,
    }
    for name in vars(module):
        if name in stand_ins:
            monkeypatch.setattr(module, name, stand_ins[name])
        elif name.endswith("_kernel"):
            monkeypatch.setattr(module, name, NotLaunched(name, launched))


class WeightsOnGpu:
    """Weights on the GPU in a form, without values."""

    dtype = torch.bfloat16

    def __init__(self, quant: Quant) -> None:
        self._quant: Quant = quant

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.empty(shape, dtype=self.dtype, device=CUDA)

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        form = form_of(self._quant, at_least, shape[1])
        if form == "wide":
            return Matrix(form, (self.load(name, shape),))
        parts = zip(part_shapes(form, *shape), PART_DTYPES[form], strict=True)
        return Matrix(form, tuple(torch.empty(part, dtype=dtype, device=CUDA) for part, dtype in parts))

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        return self.load_matrix(name, shape, at_least="int8")

    def load_native(self, name: str, shape: tuple[int, int]) -> None:
        """Say that no matrix lies in the native layout."""


class EventStub:
    """Stands for a CUDA event."""

    def record(self) -> None: ...

    def synchronize(self) -> None: ...
