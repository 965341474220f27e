"""Triton where it can run, and a stand-in where it cannot, so that every kernel file imports.

Importing triton takes time and memory, so it happens only where a kernel can be launched: with a
GPU, or in the interpreter (TRITON_INTERPRET=1), which runs the kernels on CPU tensors and is how
the tests reach them.
"""

import os
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import torch

INTERPRETED = os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "yes", "on", "y")

triton: Any = None
tl: Any = SimpleNamespace(constexpr=int)  # all that a kernel needs to be defined, never run

if INTERPRETED or torch.cuda.is_available():
    try:
        tl = import_module("triton.language")
        triton = import_module("triton")
    except ImportError:  # there is none for this platform: the references serve
        pass


def jit(kernel: Any) -> Any:
    """`triton.jit`, or the function as it is where there is no Triton to launch it."""
    return kernel if triton is None else triton.jit(kernel)


def runs_triton(tensor: torch.Tensor) -> bool:
    """Whether the public functions launch a kernel for `tensor` instead of the reference."""
    return triton is not None and tensor.is_cuda


def compute_dtype(tensor: torch.Tensor) -> Any:
    """The type in which a kernel multiplies what it loads: the tensor's own on a GPU.

    In the interpreter it is fp32, because there a product of bf16 operands is garbage.
    """
    if INTERPRETED or tensor.dtype == torch.float32:
        return tl.float32
    return tl.float16 if tensor.dtype == torch.float16 else tl.bfloat16
