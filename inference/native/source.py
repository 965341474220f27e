"""Weights as the native step reads them."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from inference.weights.checkpoint import TensorSource
from inference.weights.matrix import Quant
from inference.weights.native_layout import NativeMatrix, pack
from kernels.cpu.plan import Form

_QUANTIZED: dict[Quant, Form] = {"int8": Form.INT8, "int5": Form.INT5, "int4": Form.INT4}
_WIDE = {torch.float32: Form.WIDE_F32, torch.bfloat16: Form.WIDE_BF16}


@dataclass(frozen=True)
class Weights:
    """A matrix of the step. Quantized codes lie as native_layout.py says, wide weights row by row."""

    form: Form
    codes: Tensor
    units: tuple[Tensor | None, Tensor | None]  # of each row: of the codes, and of the offsets
    bias: Tensor | None
    rows: int
    columns: int

    @property
    def is_quantized(self) -> bool:
        return self.form in _QUANTIZED.values()


class StepTensors(TensorSource, Protocol):
    """The tensors of a model, some of which may lie in the native layout already."""

    def load_native(self, name: str, shape: tuple[int, int]) -> NativeMatrix | None: ...


class WeightSource:
    """Loads a model's tensors: mapped where they are stored as the step reads them, else converted."""

    def __init__(self, source: StepTensors) -> None:
        self._source = source

    @property
    def dtype(self) -> torch.dtype:
        """The type of the pages and of what is never quantized."""
        return self._source.dtype

    def vector(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Load a tensor in fp32."""
        return self._source.load(name, shape).float().contiguous()

    def rows(self, name: str, shape: tuple[int, int]) -> Weights:
        """Load a matrix that the step reads row by row in every form."""
        matrix = self._source.load_rows(name, shape)
        if matrix.quant == "wide":
            return _wide(matrix.tensors[0].contiguous(), None)
        codes, scale = matrix.tensors
        return Weights(Form.INT8, codes.contiguous(), (scale.contiguous(), None), None, *shape)

    def matrix(
        self, name: str, shape: tuple[int, int], bias: Tensor | None = None, at_least: Quant = "int4"
    ) -> Weights:
        """Load a matrix that may be quantized, but not below `at_least`."""
        if native := self._source.load_native(name, shape):
            return _quantized(native, bias)
        matrix = self._source.load_matrix(name, shape, at_least)
        if matrix.quant == "wide":
            return _wide(matrix.tensors[0].contiguous(), bias)
        return _quantized(pack(matrix), bias)


def _wide(weight: Tensor, bias: Tensor | None) -> Weights:
    rows, columns = weight.shape
    return Weights(_WIDE[weight.dtype], weight, (None, None), bias, rows, columns)


def _quantized(native: NativeMatrix, bias: Tensor | None) -> Weights:
    units = (native.units, None) if native.quant == "int8" else (native.units[0], native.units[1])
    return Weights(_QUANTIZED[native.quant], native.codes, units, bias, native.rows, native.columns)
