"""Imports Triton where it can run, and a stand-in where it cannot, so that every kernel file imports.

Importing triton takes time and memory, so it happens only where a kernel can be launched: with a GPU, or in the
interpreter (TRITON_INTERPRET=1), which runs the kernels on CPU tensors for the tests.
"""

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import torch

INTERPRETED = os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "yes", "on", "y")
IS_AMD = torch.version.hip is not None

triton: Any = None
tl: Any = SimpleNamespace(constexpr=int)  # enough to define a kernel, not to run it

if INTERPRETED or torch.cuda.is_available():
    try:
        tl = import_module("triton.language")
        triton = import_module("triton")
    except ImportError:  # this platform has no triton and uses the references
        pass


def jit(kernel: Any) -> Any:
    """Apply `triton.jit`, or return the function as it is where Triton cannot run."""
    return kernel if triton is None else triton.jit(kernel)


def jit_for_any(*arguments: str) -> Callable[[Any], Any]:
    """Make a decorator like `jit` that compiles once for all values of some arguments.

    Triton compiles anew for a value of 1, and for multiples of 16, of an address too. What changes from request to
    request must not make one of them wait for the compiler.
    """
    return lambda kernel: kernel if triton is None else triton.jit(kernel, do_not_specialize=arguments)


def runs_triton(tensor: torch.Tensor) -> bool:
    """Return whether the public functions launch a kernel for `tensor` instead of the reference."""
    return triton is not None and tensor.is_cuda


def compute_dtype(tensor: torch.Tensor) -> Any:
    """Return the type in which a kernel multiplies: the tensor's own on a GPU.

    The interpreter multiplies in fp32, because its products of bf16 operands are wrong.
    """
    if INTERPRETED or tensor.dtype == torch.float32:
        return tl.float32
    return tl.float16 if tensor.dtype == torch.float16 else tl.bfloat16


@cache
def multiprocessors(device: torch.device) -> int:
    """Return how many multiprocessors a GPU has; of what stands for a GPU, about as many as a large one."""
    if device.type != "cuda":
        return 128
    count: int = torch.cuda.get_device_properties(device).multi_processor_count
    return count


def warps(most: int) -> int:
    """Return how many warps a program has: those of AMD have twice the threads, and each thread more registers."""
    return min(4, most) if IS_AMD else most
