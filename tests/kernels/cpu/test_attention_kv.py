import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_float, c_int, c_int64, c_void_p
from dataclasses import dataclass, replace

import pytest
import torch

from kernels.int8_rows import decode, encode
from kernels.kv_attention import kv_attention_reference
from tests.kernels.cpu.attention_structures import PAGE_TYPES, KvQuery
from tests.kernels.poisoned_pages import NAN, write_sequences

GUARD = 64  # floats behind each output, which must stay as they are


class KvShape(ctypes.Structure):
    _fields_ = [
        *((name, c_int) for name in ("heads", "kv_heads", "key_width", "value_width")),
        ("scale", c_float),
        *((name, c_int) for name in ("type", "page_tokens", "row_width", "value_start")),
    ]


@dataclass(frozen=True)
class Case:
    """The new tokens at the end of one sequence, and the sizes; `splits` parts of the context are merged."""

    length: int
    rows: int = 1
    heads: int = 4
    kv_heads: int = 2
    width: int = 16
    value_width: int = 0  # that of a key, unless given
    page_tokens: int = 16
    splits: int = 1
    tile: int = 64  # rows of a call
    heads_at_once: int = 1  # kv heads of a call
    scale: float = 1.5
    dtype: torch.dtype = torch.float32

    @property
    def values(self) -> int:
        return self.value_width or self.width

    @property
    def row_width(self) -> int:
        return self.kv_heads * (self.width + self.values)


@dataclass
class Native:
    """The functions of one instruction set."""

    attend_kv: Callable[..., None]
    attend_kv_work_bytes: Callable[..., int]
    combine: Callable[..., None]

    def attend(self, q: torch.Tensor, pages: torch.Tensor, table: torch.Tensor, case: Case) -> torch.Tensor:
        """Attend with q [M, H, D] over one sequence, in tiles of rows and splits of the context -> [M, H, V]."""
        group, width = case.heads // case.kv_heads, case.values
        padded_q = torch.full((case.rows, q[0].numel() + 5), NAN)
        padded_q[:, :-5] = q.flatten(1)
        shape = KvShape(
            case.heads, case.kv_heads, case.width, width, case.scale / case.width**0.5,
            PAGE_TYPES[case.dtype], case.page_tokens, case.row_width, case.kv_heads * case.width,
        )  # fmt: skip
        query = KvQuery(
            padded_q.data_ptr(), padded_q.stride(0), case.rows, case.length, table.data_ptr(), pages.data_ptr()
        )
        out = torch.empty(case.rows, case.heads, width)
        for first in range(0, case.rows, case.tile):
            rows = min(case.tile, case.rows - first)
            work = torch.full((self.attend_kv_work_bytes(byref(shape), case.heads_at_once, rows) // 4 + GUARD,), NAN)
            for kv_head in range(0, case.kv_heads, case.heads_at_once):
                queries = rows * group * case.heads_at_once
                partials = torch.full((case.splits * queries * (width + 2) + GUARD,), NAN)
                parts = partials[:-GUARD].view(case.splits, queries, width + 2)
                for split in range(case.splits):
                    bounds = (case.length * s // case.splits for s in (split, split + 1))
                    taken = (kv_head, case.heads_at_once, first, rows, *bounds)
                    self.attend_kv(byref(shape), byref(query), *taken, parts[split].data_ptr(), work.data_ptr())
                assert not parts.isnan().any()
                assert partials[-GUARD:].isnan().all()
                assert work[-GUARD:].isnan().all()
                for m in range(queries):
                    head, row = divmod(m, rows * group)
                    to = out[first + row // group, (kv_head + head) * group + row % group].data_ptr()
                    self.combine(parts[0, m].data_ptr(), case.splits, parts.stride(0), width, to)
        return out


@pytest.fixture(scope="module")
def native(compile_header: Callable[[str], ctypes.CDLL], isa: str) -> Native:
    library = compile_header("exports_attention_kv.h")
    attend, work_bytes, combine = (
        getattr(library, f"midspan_{isa}_{name}") for name in ("attend_kv", "attend_kv_work_bytes", "combine")
    )
    attend.argtypes = [POINTER(KvShape), POINTER(KvQuery), *[c_int] * 6, c_void_p, c_void_p]
    attend.restype = combine.restype = None
    work_bytes.argtypes, work_bytes.restype = [POINTER(KvShape), c_int, c_int], c_int64
    combine.argtypes = [c_void_p, c_int, c_int64, c_int, c_void_p]
    return Native(attend, work_bytes, combine)


def random_inputs(case: Case, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, pages and the table of a sequence; unwritten slots are NaN, unused table entries name no page."""
    torch.manual_seed(seed)
    pages, table = write_sequences([case.length], case.page_tokens, case.row_width, consecutive=False)
    pages = encode(pages) if case.dtype == torch.int8 else pages.to(case.dtype)
    return torch.randn(case.rows, case.heads, case.width), pages, table[0]


def formula(q: torch.Tensor, pages: torch.Tensor, table: torch.Tensor, case: Case) -> torch.Tensor:
    """Compute attention in fp64 over gathered rows -> [M, H, V]."""
    used = table[: -(-case.length // case.page_tokens)].long()
    rows = pages[used].flatten(0, 1)[: case.length]
    rows = (decode(rows, case.row_width) if case.dtype == torch.int8 else rows).double()
    keys, values = rows.split([case.kv_heads * case.width, case.kv_heads * case.values], dim=1)
    group = case.heads // case.kv_heads
    keys = keys.view(case.length, case.kv_heads, -1).repeat_interleave(group, dim=1)
    values = values.view(case.length, case.kv_heads, -1).repeat_interleave(group, dim=1)
    scores = torch.einsum("mhd,lhd->mhl", q.double(), keys) * case.scale / case.width**0.5
    hidden = torch.ones(case.rows, case.length).triu(case.length - case.rows + 1).bool()
    return torch.einsum("mhl,lhv->mhv", scores.masked_fill(hidden[:, None], -torch.inf).softmax(-1), values)


CASES = [
    Case(1),
    Case(16),
    Case(17, heads=1, kv_heads=1, width=8),
    Case(63, rows=5, heads=3, kv_heads=3, width=24, page_tokens=4),  # no sharing
    Case(5, rows=5, heads=14, kv_heads=2, width=64),  # only new tokens; Qwen2.5-Coder-0.5B
    Case(700, heads=14, kv_heads=2, width=64, splits=3),
    Case(333, rows=16, heads=14, kv_heads=2, width=64, splits=2),
    Case(400, rows=3, heads=12, kv_heads=2, width=128),  # Qwen2.5-Coder-1.5B
    Case(1000, rows=100, heads=12, kv_heads=2, width=128, tile=64),
    Case(130, rows=130, heads=7, kv_heads=1, width=96, tile=17),
    Case(259, rows=40, heads=4, kv_heads=4, width=192, value_width=128, page_tokens=300),  # expanded MLA, dense
    Case(97, rows=2, heads=5, kv_heads=1, width=6, value_width=10, page_tokens=1, splits=4),
    Case(90, rows=9, heads=2, kv_heads=1, width=17, value_width=33, splits=3),
    Case(40, rows=30, heads=11, kv_heads=1, width=80, splits=5),  # a split that some rows do not see
    Case(5000, rows=2, heads=13, kv_heads=1, width=64, splits=7),
    Case(2000, rows=33, heads=2, kv_heads=2, width=64, page_tokens=64),
]
# Over pages that are not fp32, queries, probabilities and the values of codes may be rounded to bf16 too.
LIMIT = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.int8: 2e-2}


@pytest.mark.parametrize("dtype", LIMIT)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_softmax_over_the_rows_that_a_token_may_see(native: Native, case: Case, dtype: torch.dtype) -> None:
    case = replace(case, dtype=dtype)
    inputs = random_inputs(case)
    actual = native.attend(*inputs, case).double()
    torch.testing.assert_close(actual, formula(*inputs, case), rtol=LIMIT[dtype], atol=LIMIT[dtype])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", [case for case in CASES if not case.value_width], ids=str)
def test_fp32_equals_the_reference(native: Native, case: Case, seed: int) -> None:
    q, pages, table = random_inputs(case, seed)
    lengths = torch.tensor([case.length], dtype=torch.int32)
    scale = case.scale / case.width**0.5
    expected = kv_attention_reference(q[None], pages, table[None], lengths, scale, case.kv_heads)[0]
    torch.testing.assert_close(native.attend(q, pages, table, case), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", LIMIT)
@pytest.mark.parametrize("heads_at_once", [2, 6])
def test_kv_heads_that_are_taken_together_give_the_same_numbers(
    native: Native, heads_at_once: int, dtype: torch.dtype
) -> None:
    case = Case(150, rows=3, heads=12, kv_heads=6, width=24, value_width=40, splits=2, dtype=dtype)
    inputs = random_inputs(case)
    together = native.attend(*inputs, replace(case, heads_at_once=heads_at_once))
    torch.testing.assert_close(together, native.attend(*inputs, case), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", LIMIT)
def test_scores_far_from_zero_do_not_overflow(native: Native, dtype: torch.dtype) -> None:
    case = Case(200, rows=2, scale=1000.0, splits=2, dtype=dtype)
    inputs = random_inputs(case)
    torch.testing.assert_close(native.attend(*inputs, case).double(), formula(*inputs, case), rtol=2e-2, atol=2e-2)


def test_a_row_that_sees_nothing_of_a_split_has_an_empty_partial(native: Native) -> None:
    case = Case(100, rows=10, heads=2, kv_heads=1)
    q, pages, table = random_inputs(case)
    shape = KvShape(2, 1, 16, 16, 0.25, 0, 16, 32, 16)
    query = KvQuery(q.data_ptr(), q.stride(0), 10, 100, table.data_ptr(), pages.data_ptr())
    work = torch.full((native.attend_kv_work_bytes(byref(shape), 1, 10),), NAN)
    partials = torch.full((10, 2, 18), NAN)
    native.attend_kv(byref(shape), byref(query), 0, 1, 0, 10, 95, 100, partials.data_ptr(), work.data_ptr())
    assert (partials[:5, :, 0] == -torch.inf).all()  # they stand at the positions 90 to 94
    assert (partials[:5, :, 1:] == 0).all()
    assert (partials[5:, :, 1] >= 1).all()
    assert partials[5:].isfinite().all()
