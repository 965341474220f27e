"""What the tests of attention hand to the native functions: the structure and the numbers of plan.h that all share."""

import ctypes
from ctypes import c_int, c_int64, c_void_p

import torch

WIDE_FORMS = {torch.float32: 0, torch.bfloat16: 1}
PAGE_TYPES = {**WIDE_FORMS, torch.int8: 2}


class KvQuery(ctypes.Structure):
    _fields_ = [
        ("q", c_void_p), ("q_stride", c_int64), ("rows", c_int), ("length", c_int), ("table", c_void_p),
        ("pages", c_void_p),
    ]  # fmt: skip
