import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_float, c_int, c_int64, c_void_p
from dataclasses import dataclass, replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.int8_rows import decode, encode
from tests.kernels.cpu.attention_structures import (
    PAGE_TYPES,
    WIDE_FORMS,
    HeadWeights,
    KvQuery,
    UpProjection,
    up_projection,
)
from tests.kernels.poisoned_pages import NAN, write_sequences

GUARD = 32  # floats behind the work space and behind each row of the output, which must stay as they are


class ExpandedShape(ctypes.Structure):
    _fields_ = [
        *((name, c_int) for name in ("heads", "latent", "nope", "rope", "value_width")),
        ("scale", c_float),
        *((name, c_int) for name in ("type", "wide_form", "page_tokens")),
    ]


class HeadUp(ctypes.Structure):
    _fields_ = [("key", HeadWeights), ("value", HeadWeights)]


@dataclass(frozen=True)
class Case:
    """The new tokens at the end of one sequence, and the sizes of a model."""

    length: int
    rows: int
    heads: int = 2
    latent: int = 32
    nope: int = 16
    rope: int = 8
    value_width: int = 16
    page_tokens: int = 16
    rows_together: int = 100_000  # in a call
    dtype: torch.dtype = torch.float32
    has_int8_pages: bool = False
    has_codes: bool = False

    @property
    def scale(self) -> float:
        return float((self.nope + self.rope) ** -0.5)


@dataclass
class Inputs:
    q: Tensor  # [M, H, N + D]
    pages: Tensor
    table: Tensor
    keys: list[UpProjection]  # of each head [N, R]
    values: list[UpProjection]  # [V, R]


def random_inputs(case: Case, seed: int = 0) -> Inputs:
    torch.manual_seed(seed)
    width = case.latent + case.rope
    pages, table = write_sequences([case.length], case.page_tokens, width, consecutive=False)
    keys, values = (
        [
            up_projection(head / case.latent**0.5, torch.int8 if case.has_codes else case.dtype)
            for head in torch.randn(case.heads, n, case.latent)
        ]
        for n in (case.nope, case.value_width)
    )
    q = torch.randn(case.rows, case.heads, case.nope + case.rope)
    return Inputs(q, encode(pages) if case.has_int8_pages else pages.to(case.dtype), table[0], keys, values)


def attention(inputs: Inputs, case: Case, dtype: torch.dtype) -> Tensor:
    """Compute expanded attention with torch in `dtype` -> [M, H, V]."""
    used = inputs.table[: -(-case.length // case.page_tokens)].long()
    rows = inputs.pages[used].flatten(0, 1)[: case.length]
    rows = (decode(rows, case.latent + case.rope) if case.has_int8_pages else rows).to(dtype)
    latent, k_rope = rows.split([case.latent, case.rope], dim=-1)
    key_up, value_up = (torch.stack([up.wide for up in ups]).to(dtype) for ups in (inputs.keys, inputs.values))
    k_nope = torch.einsum("lr,hnr->hln", latent, key_up)
    k = torch.cat([k_nope, k_rope.expand(case.heads, -1, -1)], dim=-1)
    v = torch.einsum("lr,hvr->hlv", latent, value_up)
    visible = torch.ones(case.rows, case.length).tril(case.length - case.rows).bool()
    q = inputs.q.to(dtype).transpose(0, 1)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=visible, scale=case.scale).transpose(0, 1)


@dataclass
class Native:
    """The functions of one instruction set."""

    attend_expanded: Callable[..., None]
    work_bytes: Callable[..., int]

    def attend(self, inputs: Inputs, case: Case) -> Tensor:
        """Attend in calls of some rows, each head on its own -> [M, H, V]."""
        q = torch.full((case.rows, inputs.q[0].numel() + 5), NAN)
        q[:, :-5] = inputs.q.flatten(1)
        shape = ExpandedShape(
            case.heads, case.latent, case.nope, case.rope, case.value_width, case.scale, PAGE_TYPES[inputs.pages.dtype],
            WIDE_FORMS[case.dtype], case.page_tokens,
        )  # fmt: skip
        query = KvQuery(
            q.data_ptr(), q.stride(0), case.rows, case.length, inputs.table.data_ptr(), inputs.pages.data_ptr()
        )
        out = torch.full((case.rows, case.heads * case.value_width + GUARD), NAN)
        for head in range(case.heads):
            up = HeadUp(inputs.keys[head].structure, inputs.values[head].structure)
            for row in range(0, case.rows, case.rows_together):
                rows = min(case.rows_together, case.rows - row)
                work = torch.full((self.work_bytes(byref(shape), rows) // 4 + GUARD,), NAN)
                self.attend_expanded(
                    byref(shape), byref(query), byref(up), head, row, rows,
                    out[row, head * case.value_width :].data_ptr(), out.stride(0), work.data_ptr(),
                )  # fmt: skip
                assert work[-GUARD:].isnan().all()
        assert out[:, -GUARD:].isnan().all()
        return out[:, :-GUARD].view(case.rows, case.heads, case.value_width)


@pytest.fixture(scope="module")
def native(compile_header: Callable[[str], ctypes.CDLL], isa: str) -> Native:
    library = compile_header("exports_attention_expanded.h")
    attend, work_bytes = (
        getattr(library, f"midspan_{isa}_{name}") for name in ("attend_expanded", "attend_expanded_work_bytes")
    )
    attend.argtypes = [
        POINTER(ExpandedShape), POINTER(KvQuery), POINTER(HeadUp), *[c_int] * 3, c_void_p, c_int64, c_void_p
    ]  # fmt: skip
    attend.restype = None
    work_bytes.argtypes, work_bytes.restype = [POINTER(ExpandedShape), c_int], c_int64
    return Native(attend, work_bytes)


CASES = [
    Case(1, 1),
    Case(40, 40),  # only new tokens
    Case(200, 3, heads=3, latent=24, nope=10, rope=6, value_width=12, page_tokens=4),
    Case(301, 170, heads=1, latent=37, nope=13, rope=2, value_width=7, page_tokens=1),  # a word would be halved
    Case(65, 64, latent=512, nope=128, rope=64, value_width=128),
    Case(520, 300, latent=96, nope=40, rope=24, value_width=72),
    Case(257, 129, latent=64, nope=64, rope=64, value_width=33, page_tokens=300),
    Case(600, 11, latent=64, value_width=40, rows_together=4),
]


@pytest.mark.parametrize("has_codes", [False, True])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_fp32_equals_torch(native: Native, case: Case, seed: int, has_codes: bool) -> None:
    case = replace(case, has_codes=has_codes)
    inputs = random_inputs(case, seed)
    expected = attention(inputs, case, torch.float32)
    torch.testing.assert_close(native.attend(inputs, case), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("has_codes", [False, True])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_bf16_is_about_as_exact_as_torch(native: Native, case: Case, has_codes: bool) -> None:
    """Both round keys, values and probabilities, but only torch rounds what it returns: ours is the nearer one."""
    case = replace(case, dtype=torch.bfloat16, has_codes=has_codes)
    inputs = random_inputs(case)
    inputs.q = inputs.q.bfloat16().float()
    exact = attention(inputs, case, torch.float64)
    error, error_of_torch = (
        (got.double() - exact).norm() for got in (native.attend(inputs, case), attention(inputs, case, torch.bfloat16))
    )
    assert error < 1.2 * error_of_torch
    assert error < 2e-2 * exact.norm()


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_int8_pages_are_what_their_codes_stand_for(
    native: Native, case: Case, dtype: torch.dtype, limit: float
) -> None:
    case = replace(case, dtype=dtype, has_int8_pages=True)
    inputs = random_inputs(case)
    exact = attention(inputs, case, torch.float64)
    assert (native.attend(inputs, case).double() - exact).norm() < limit * exact.norm()


@pytest.mark.parametrize("dtype", WIDE_FORMS)
def test_a_row_is_the_same_whatever_is_computed_beside_it(native: Native, dtype: torch.dtype) -> None:
    case = Case(420, 300, latent=64, dtype=dtype)
    inputs = random_inputs(case)
    together = native.attend(inputs, case)
    assert native.attend(inputs, replace(case, rows_together=1)).equal(together)
    assert native.attend(inputs, replace(case, rows_together=77)).equal(together)
