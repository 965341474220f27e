"""The structures and numbers of plan.h that the tests of attention hand to the native functions."""

import ctypes
from ctypes import c_int, c_int64, c_void_p
from dataclasses import dataclass

import torch

from inference.weights.quantize import quantize

WIDE_FORMS = {torch.float32: 0, torch.bfloat16: 1}
PAGE_TYPES = {**WIDE_FORMS, torch.int8: 2}
FORMS = PAGE_TYPES  # plan.h numbers the forms of weights and of pages alike


class HeadWeights(ctypes.Structure):
    _fields_ = [
        ("form", c_int), ("values", c_void_p), ("scale", c_void_p), ("rows", c_int), ("latent", c_int),
        ("wide_form", c_int),
    ]  # fmt: skip


@dataclass
class UpProjection:
    """The weights [N, R] of a head in a form, and what they stand for."""

    values: torch.Tensor
    scale: torch.Tensor | None
    wide: torch.Tensor

    @property
    def structure(self) -> HeadWeights:
        scale = None if self.scale is None else self.scale.data_ptr()
        form = FORMS[self.values.dtype]
        return HeadWeights(form, self.values.data_ptr(), scale, *self.values.shape, FORMS[torch.bfloat16])


def up_projection(weight: torch.Tensor, dtype: torch.dtype) -> UpProjection:
    """Return the weights in `dtype`, which may be that of codes."""
    if dtype != torch.int8:
        return UpProjection(weight.to(dtype), None, weight.to(dtype))
    codes, scale = quantize(weight, "int8").tensors
    return UpProjection(codes, scale, codes.float() * scale[:, None])


class KvQuery(ctypes.Structure):
    _fields_ = [
        ("q", c_void_p), ("q_stride", c_int64), ("rows", c_int), ("length", c_int), ("table", c_void_p),
        ("pages", c_void_p),
    ]  # fmt: skip
