import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_float, c_int, c_int64, c_void_p
from dataclasses import dataclass, replace

import pytest
import torch

from kernels.int8_rows import decode, encode, scales_of
from kernels.mla_attention import mla_attention_reference
from kernels.rmsnorm import rmsnorm_reference
from kernels.rope import apply_rope_reference
from tests.kernels.cpu.attention_structures import FORMS, PAGE_TYPES, HeadWeights, KvQuery, up_projection
from tests.kernels.poisoned_pages import NAN, write_sequences

GUARD = 64  # floats behind each output, which must stay as they are
CACHE_LINE_BYTES = 64


class MlaShape(ctypes.Structure):
    _fields_ = [
        *((name, c_int) for name in ("heads", "latent", "rope")),
        ("scale", c_float),
        *((name, c_int) for name in ("type", "page_tokens")),
    ]


@dataclass(frozen=True)
class Case:
    """The new tokens at the end of one sequence, and the sizes; `splits` parts of the context are merged."""

    length: int
    rows: int = 1
    heads: int = 4
    latent: int = 32
    rope: int = 32
    page_tokens: int = 16
    splits: int = 1
    heads_together: int = 0  # in a call: all of them, unless given
    rows_together: int = 128
    scale: float = 1.5
    dtype: torch.dtype = torch.float32

    @property
    def width(self) -> int:
        return self.latent + self.rope


def aligned_floats(count: int) -> torch.Tensor:
    """Return NaNs that begin at a cache line, with a guard behind them."""
    memory = torch.full((count + GUARD + CACHE_LINE_BYTES // 4,), NAN)
    skipped = -memory.data_ptr() % CACHE_LINE_BYTES // 4
    return memory[skipped : skipped + count + GUARD]


def merge(partials: torch.Tensor) -> torch.Tensor:
    """Merge the partials [splits, N, latent + 2] of parts of a context -> [N, latent], in fp64."""
    largest, total, mixed = partials.double().split([1, 1, partials.shape[-1] - 2], dim=-1)
    weight = (largest - largest.amax(0)).exp()
    return torch.div((mixed * weight).sum(0), (total * weight).sum(0))


@dataclass
class Native:
    """The functions of one instruction set."""

    attend_mla: Callable[..., None]
    attend_mla_work_bytes: Callable[..., int]
    absorb_head: Callable[..., None]
    project_head: Callable[..., None]
    write_latent: Callable[..., None]

    def attend(self, q: torch.Tensor, pages: torch.Tensor, table: torch.Tensor, case: Case) -> torch.Tensor:
        """Attend with q [M, H, W] over one sequence, in calls of some heads and rows and splits -> [M, H, latent]."""
        padded_q = torch.full((case.rows, q[0].numel() + 5), NAN)
        padded_q[:, :-5] = q.flatten(1)
        shape = MlaShape(
            case.heads, case.latent, case.rope, case.scale / case.width**0.5, PAGE_TYPES[case.dtype], case.page_tokens
        )
        query = KvQuery(
            padded_q.data_ptr(), padded_q.stride(0), case.rows, case.length, table.data_ptr(), pages.data_ptr()
        )
        out = torch.empty(case.rows, case.heads, case.latent, dtype=torch.float64)
        bounds = [case.length * split // case.splits for split in range(case.splits + 1)]
        for head in range(0, case.heads, case.heads_together or case.heads):
            heads = min(case.heads_together or case.heads, case.heads - head)
            for row in range(0, case.rows, case.rows_together):
                rows = min(case.rows_together, case.rows - row)
                work = aligned_floats(self.attend_mla_work_bytes(byref(shape), heads, rows) // 4)
                partials = aligned_floats(case.splits * rows * heads * (case.latent + 2))
                parts = partials[:-GUARD].view(case.splits, rows * heads, -1)
                for part, start, end in zip(parts, bounds, bounds[1:], strict=False):
                    self.attend_mla(
                        byref(shape), byref(query), head, heads, row, rows, start, end, part.data_ptr(), work.data_ptr()
                    )
                assert not parts.isnan().any()
                assert partials[-GUARD:].isnan().all()
                assert work[-GUARD:].isnan().all()
                out[row : row + rows, head : head + heads] = merge(parts).view(rows, heads, -1)
        return out


@pytest.fixture(scope="module")
def native(compile_header: Callable[[str], ctypes.CDLL], isa: str) -> Native:
    library = compile_header("exports_attention_mla.h")
    names = ("attend_mla", "attend_mla_work_bytes", "absorb_head", "project_head", "write_latent")
    attend, work_bytes, absorb, project, write = (getattr(library, f"midspan_{isa}_{name}") for name in names)
    attend.argtypes = [POINTER(MlaShape), POINTER(KvQuery), *[c_int] * 6, c_void_p, c_void_p]
    work_bytes.argtypes, work_bytes.restype = [POINTER(MlaShape), c_int, c_int], c_int64
    absorb.argtypes = project.argtypes = [POINTER(HeadWeights), c_void_p, c_int64, c_int, c_void_p, c_int64]
    write.argtypes = [c_int, c_int, c_void_p, c_void_p, c_float, c_void_p, c_void_p, c_int, c_void_p]
    attend.restype = absorb.restype = project.restype = write.restype = None
    return Native(attend, work_bytes, absorb, project, write)


def random_inputs(case: Case, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, pages and the table of a sequence; unwritten slots are NaN, unused table entries name no page."""
    torch.manual_seed(seed)
    pages, table = write_sequences([case.length], case.page_tokens, case.width, consecutive=False)
    pages = encode(pages) if case.dtype == torch.int8 else pages.to(case.dtype)
    return torch.randn(case.rows, case.heads, case.width), pages, table[0]


def formula(q: torch.Tensor, pages: torch.Tensor, table: torch.Tensor, case: Case) -> torch.Tensor:
    """Compute attention in fp64 over gathered rows -> [M, H, latent]."""
    used = table[: -(-case.length // case.page_tokens)].long()
    rows = pages[used].flatten(0, 1)[: case.length]
    rows = (decode(rows, case.width) if case.dtype == torch.int8 else rows).double()
    scores = torch.einsum("mhd,ld->mhl", q.double(), rows) * case.scale / case.width**0.5
    hidden = torch.ones(case.rows, case.length).triu(case.length - case.rows + 1).bool()
    return torch.matmul(scores.masked_fill(hidden[:, None], -torch.inf).softmax(-1), rows[:, : case.latent])


CASES = [
    Case(1),
    Case(16),
    Case(17, heads=1),
    Case(33, rows=5, heads=3, latent=24, rope=6, page_tokens=4),
    Case(35, heads=1, latent=5, rope=2, page_tokens=1),
    Case(70, rows=7, heads=2, latent=37, rope=10, page_tokens=4, splits=3),
    Case(5, rows=5, heads=7),  # only new tokens
    Case(63, rows=2, heads=13, latent=96, splits=2),
    Case(64, heads=12, latent=512, rope=64),
    Case(200, heads=12, latent=512, rope=64, splits=3),
    Case(333, rows=3, heads=16, latent=512, rope=64, splits=2),
    Case(150, rows=16, heads=12, latent=128, rope=64),
    Case(1000, rows=2, heads=5, latent=64, splits=7, heads_together=2),
    Case(300, rows=128, heads=4, latent=64, splits=2, rows_together=50),
    Case(40, rows=30, heads=11, latent=64, splits=5),  # a split that some rows do not see
    Case(90, rows=20, heads=20, latent=32, rope=64, page_tokens=300),
]
# The formula reads what the pages hold; queries, probabilities and the values of codes may be rounded to bf16.
LIMIT = {torch.float32: 1e-5, torch.bfloat16: 4e-2, torch.int8: 4e-2}


@pytest.mark.parametrize("dtype", LIMIT)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_softmax_over_the_rows_that_a_token_may_see(native: Native, case: Case, dtype: torch.dtype) -> None:
    case = replace(case, dtype=dtype)
    inputs = random_inputs(case)
    torch.testing.assert_close(
        native.attend(*inputs, case), formula(*inputs, case), rtol=LIMIT[dtype], atol=LIMIT[dtype]
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_fp32_equals_the_reference(native: Native, case: Case, seed: int) -> None:
    q, pages, table = random_inputs(case, seed)
    lengths = torch.tensor([case.length], dtype=torch.int32)
    scale = case.scale / case.width**0.5
    expected = mla_attention_reference(q[None], pages, table[None], lengths, scale, case.latent)[0]
    torch.testing.assert_close(native.attend(q, pages, table, case).float(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [1, 4])
def test_bf16_is_at_least_as_exact_as_the_reference(native: Native, rows: int, seed: int) -> None:
    case = Case(700, rows=rows, heads=12, latent=512, rope=64, splits=2, scale=1.0, dtype=torch.bfloat16)
    q, pages, table = random_inputs(case, seed)
    q = q.bfloat16().float()
    lengths = torch.tensor([case.length], dtype=torch.int32)
    scale = case.scale / case.width**0.5
    reference = mla_attention_reference(q[None].bfloat16(), pages, table[None], lengths, scale, case.latent)[0]
    expected = formula(q, pages, table, case)
    error = (native.attend(q, pages, table, case) - expected).norm()
    assert error < (reference.double() - expected).norm()


@pytest.mark.parametrize("dtype", LIMIT)
def test_scores_far_from_zero_do_not_overflow(native: Native, dtype: torch.dtype) -> None:
    case = Case(200, rows=2, scale=1000.0, splits=2, dtype=dtype)
    q, pages, table = random_inputs(case)
    q = q.bfloat16().float()
    case = replace(case, scale=1024.0 * case.width**0.5)  # a power of 2 keeps the queries exact
    actual = native.attend(q, pages, table, case)
    torch.testing.assert_close(actual, formula(q, pages, table, case), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("dtype", LIMIT)
def test_a_row_that_sees_nothing_of_a_split_has_an_empty_partial(native: Native, dtype: torch.dtype) -> None:
    case = Case(100, rows=10, heads=3, latent=64, dtype=dtype)
    q, pages, table = random_inputs(case)
    shape = MlaShape(3, 64, 32, 0.1, PAGE_TYPES[dtype], 16)
    query = KvQuery(q.data_ptr(), q.stride(0), 10, 100, table.data_ptr(), pages.data_ptr())
    work = aligned_floats(native.attend_mla_work_bytes(byref(shape), 3, 10) // 4)
    partials = torch.full((10, 3, 66), NAN)
    native.attend_mla(byref(shape), byref(query), 0, 3, 0, 10, 95, 100, partials.data_ptr(), work.data_ptr())
    assert (partials[:5, :, 0] == -torch.inf).all()  # they stand at the positions 90 to 94
    assert (partials[:5, :, 1:] == 0).all()
    assert (partials[5:, :, 1] >= 0.99).all()
    assert partials[5:].isfinite().all()


def test_a_query_is_the_same_whatever_is_computed_beside_it(native: Native) -> None:
    case = Case(130, rows=6, heads=12, latent=64, dtype=torch.bfloat16)
    inputs = random_inputs(case)
    together = native.attend(*inputs, case)
    assert native.attend(*inputs, replace(case, rows_together=1)).equal(together)
    assert native.attend(*inputs, replace(case, heads_together=5)).equal(together)


@pytest.mark.parametrize("dtype", FORMS)
@pytest.mark.parametrize(
    ("rows", "inner", "latent"), [(1, 128, 512), (3, 64, 512), (16, 13, 96), (19, 9, 37), (2, 3, 5)]
)
def test_products_of_a_head(native: Native, rows: int, inner: int, latent: int, dtype: torch.dtype) -> None:
    torch.manual_seed(rows)
    up = up_projection(torch.randn(inner, latent), dtype)
    if up.scale is not None:  # powers of two, so that a scaled query is a bf16 number still
        up.scale.log2_().round_().exp2_()
        up.wide = up.values.float() * up.scale[:, None]
    weight = up.wide
    q, mixed = torch.full((rows, 2 * inner), NAN), torch.full((rows, latent + 3), NAN)
    # Products with weights that are not fp32 may round these to bf16.
    exact = torch.float32 if dtype == torch.float32 else torch.bfloat16
    q[:, :inner], mixed[:, :latent] = torch.randn(rows, inner).to(exact), torch.randn(rows, latent).to(exact)
    absorbed, values = torch.full((rows, latent + 7), NAN), torch.full((rows, inner + 7), NAN)
    head = byref(up.structure)
    native.absorb_head(head, q.data_ptr(), 2 * inner, rows, absorbed.data_ptr(), latent + 7)
    native.project_head(head, mixed.data_ptr(), latent + 3, rows, values.data_ptr(), inner + 7)
    for actual, expected in (
        (absorbed, q[:, :inner].double() @ weight.double()),
        (values, mixed[:, :latent].double() @ weight.double().T),
    ):
        assert actual[:, -7:].isnan().all()
        torch.testing.assert_close(actual[:, :-7].double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", PAGE_TYPES)
@pytest.mark.parametrize(("latent", "rope"), [(512, 64), (24, 6), (5, 2)])
def test_a_new_token_is_written_into_its_page_row(native: Native, latent: int, rope: int, dtype: torch.dtype) -> None:
    torch.manual_seed(latent)
    values, norm = 3 * torch.randn(latent + rope), torch.randn(latent)
    angles = torch.randn(rope // 2)
    cos = angles.cos().repeat_interleave(2)
    sin = torch.stack([-angles.sin(), angles.sin()], dim=-1).flatten()
    rotated = apply_rope_reference(values[None, None, latent:], angles.cos()[None], angles.sin()[None])[0, 0]
    expected = torch.cat([rmsnorm_reference(values[:latent], norm, 1e-6), rotated])
    pages = torch.full((3, latent + rope), NAN)
    pages = encode(pages) if dtype == torch.int8 else pages.to(dtype)
    native.write_latent(
        latent, rope, values.data_ptr(), norm.data_ptr(), 1e-6, cos.data_ptr(), sin.data_ptr(), PAGE_TYPES[dtype],
        pages[1].data_ptr(),
    )  # fmt: skip
    got = decode(pages, latent + rope) if dtype == torch.int8 else pages.float()
    assert got[[0, 2]].isnan().all()
    if dtype == torch.int8:
        assert ((got[1] - expected).abs() <= 0.501 * scales_of(pages[1], latent + rope)).all()
    else:
        limit = 1e-5 if dtype == torch.float32 else 1e-2
        torch.testing.assert_close(got[1], expected, rtol=limit, atol=limit)
    torch.testing.assert_close(values, expected, rtol=1e-5, atol=1e-5)
