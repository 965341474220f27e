"""The data structures of plan.h for ctypes: field by field the same, in the same order."""

import ctypes
from ctypes import c_float, c_int32, c_int64, c_void_p
from enum import IntEnum


class Form(IntEnum):
    """The form of a matrix's weights."""

    WIDE_F32 = 0
    WIDE_BF16 = 1
    INT8 = 2
    INT4 = 3
    INT5 = 4


class PageType(IntEnum):
    """The type of the values in the pages; page_row.h says how a row lies."""

    F32 = 0
    BF16 = 1
    INT8 = 2


class Kind(IntEnum):
    """The kind of an operation; plan.h says what each does."""

    EMBED = 0
    NORM = 1
    PRODUCT = 2
    ADD_PRODUCT = 3
    GATED_PRODUCT = 4
    ADD_HIDDEN = 5
    ROTATE_KV = 6
    ATTEND_KV = 7
    MIX_KV = 8
    NORM_QUERY = 9
    ROTATE_LATENT = 10
    ABSORB_QUERY = 11
    ATTEND_LATENT = 12
    MIX_LATENT = 13
    ATTEND_EXPANDED = 14
    QUANTIZE = 15
    ROUTE = 16
    GROUP_ROWS = 17
    GATHER = 18
    GATED_EXPERTS = 19
    ADD_EXPERTS = 20
    PICK = 21
    LOGITS = 22
    GUESS = 23
    WEIGH = 24
    LIKELIEST = 25
    KEEP_ROWS = 26
    END_SUBLAYER = 27


class Matrix(ctypes.Structure):
    _fields_ = [
        ("codes", c_void_p),
        ("scale", c_void_p),
        ("offset", c_void_p),
        ("bias", c_void_p),
        ("form", c_int32),
        ("rows", c_int32),
        ("columns", c_int32),
        ("target", c_int32),
    ]


class Mlp(ctypes.Structure):
    _fields_ = [("gate", Matrix), ("up", Matrix), ("down", Matrix)]


class Op(ctypes.Structure):
    _fields_ = [
        ("kind", c_int32),
        ("layer", c_int32),
        ("count", c_int32),
        ("is_quantized", c_int32),
        ("eps", c_float),
        ("width", c_int32),
        ("matrices", ctypes.POINTER(Matrix)),
        ("vector", c_void_p),
        ("mlps", ctypes.POINTER(Mlp)),
    ]


class Shape(ctypes.Structure):
    _fields_ = [
        *(
            (name, c_int32)
            for name in (
                *("hidden", "vocabulary", "layers", "known_tokens"),
                *("heads", "kv_heads", "key_width", "value_width", "latent", "rope"),
                *("query_at", "latent_at"),
                *("experts", "top_k", "groups", "top_groups", "is_group_limited", "is_normalized"),
                *("page_tokens", "page_width", "page_type", "wide_form", "largest_input", "values_width"),
                *("hidden_width", "expert_width"),
                *("rotates_halves", "expand_from_rows"),
            )
        ),
        ("softmax_scale", c_float),
        ("routed_scaling", c_float),
        ("rotation_factor", c_float),
        ("inverse_frequencies", c_void_p),
    ]


class Segment(ctypes.Structure):
    _fields_ = [("start", c_int32), ("count", c_int32), ("length", c_int32), ("table", c_void_p)]


class Batch(ctypes.Structure):
    _fields_ = [
        ("tokens", c_void_p),
        ("positions", c_void_p),
        ("slots", c_void_p),
        ("logit_rows", c_void_p),
        ("segments", ctypes.POINTER(Segment)),
        ("rows", c_int32),
        ("segment_count", c_int32),
        ("logit_count", c_int32),
        ("pages", c_void_p),
        ("layer_bytes", c_int64),
        ("logits", c_void_p),
        ("likeliest", c_void_p),
        ("likeliest_logprobs", c_void_p),
        ("screen", c_void_p),
        ("addends", c_void_p),
        ("activations", c_void_p),
    ]


def activation_floats(shape: Shape, rows: int) -> int:
    """Return the number of floats that a step of `rows` rows keeps from one sublayer to the next, as plan.h has it."""
    return int(rows * (shape.hidden + 2 * shape.rope) + 16)
