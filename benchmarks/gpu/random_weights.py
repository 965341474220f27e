"""Random weights on a device, in any form, without quantizing any: the codes themselves are random."""

import torch
from torch import Tensor

from inference.weights.matrix import PART_DTYPES, Matrix, Quant, form_of, part_shapes

_MIDDLE: dict[Quant, float] = {"int4": 7.5, "int5": 15.5}


class RandomWeights:
    """A source of tensors for a model, by a seed. Products of its matrices keep the size of their inputs."""

    def __init__(self, quant: Quant, device: torch.device, seed: int, dtype: torch.dtype = torch.bfloat16) -> None:
        self.dtype = dtype
        self._quant: Quant = quant
        self._device = device
        self._generator = torch.Generator(device).manual_seed(seed)

    def normal(self, *shape: int, scale: float = 1.0) -> Tensor:
        values = torch.randn(shape, generator=self._generator, device=self._device, dtype=self.dtype)
        return values.mul_(scale)

    def permutation(self, count: int) -> Tensor:
        return torch.randperm(count, generator=self._generator, device=self._device)

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return (
            self.normal(*shape, scale=shape[-1] ** -0.5) if len(shape) > 1 else self.normal(*shape, scale=0.1).add_(1)
        )

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        return self.matrix(form_of(self._quant, at_least, shape[1]), *shape)

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        return self.load_matrix(name, shape, at_least="int8")

    def load_native(self, name: str, shape: tuple[int, int]) -> None:
        """Say that no matrix lies in the native layout."""

    def matrix(self, form: Quant, rows: int, columns: int) -> Matrix:
        """Make a matrix whose rows have a norm of about one."""
        size = columns**-0.5
        if form == "wide":
            return Matrix(form, (self.normal(rows, columns, scale=size),))
        shapes = part_shapes(form, rows, columns)
        if form == "int8":
            unit = torch.full(shapes[1], size / 73, device=self._device)
            return Matrix(form, (self._bytes(shapes[0], torch.int8), unit))
        middle = _MIDDLE[form]
        unit = size / 128 / (middle * 0.6)
        parts = []
        for part, (shape, dtype) in enumerate(zip(shapes, PART_DTYPES[form], strict=True)):
            if part in (1, 2):
                parts.append(self._bytes(shape, dtype, 96, 160))
            elif dtype == torch.float32:
                units = torch.tensor([unit, unit * middle], device=self._device)
                parts.append(units.expand(shape).contiguous())
            else:
                parts.append(self._bytes(shape, dtype))
        return Matrix(form, tuple(parts))

    def _bytes(self, shape: tuple[int, ...], dtype: torch.dtype, least: int = 0, end: int = 256) -> Tensor:
        if dtype == torch.int8:
            least, end = -127, 128
        return torch.randint(least, end, shape, generator=self._generator, dtype=dtype, device=self._device)
