from dataclasses import dataclass, replace

import pytest
import torch

from kernels.int8_rows import decode, encode
from kernels.mla_attention import mla_attention, mla_attention_reference, mla_attention_triton
from kernels.split_softmax import combine_parts_triton
from tests.kernels.paged_attention import Attend, Inputs, check_far_pages, check_tokens_before_the_beginning
from tests.kernels.poisoned_pages import NAN, write_sequences

TOLERANCE = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}


@dataclass(frozen=True)
class Case:
    """The lengths of the sequences, and the sizes as the paper names them."""

    lengths: tuple[int, ...]
    new_tokens: int = 1
    heads: int = 4
    latent: int = 32
    rotary: int = 16
    page_tokens: int = 16
    consecutive: bool = False
    dtype: torch.dtype = torch.float32
    seed: int = 0


def random_inputs(case: Case, device: str = "cpu") -> Inputs:
    """Arguments of mla_attention. Unwritten slots are NaN; unused table entries name no page."""
    torch.manual_seed(case.seed)
    width = case.latent + case.rotary
    pages, table = write_sequences(case.lengths, case.page_tokens, width, case.consecutive)
    q = torch.randn(len(case.lengths), case.new_tokens, case.heads, width)
    lengths = torch.tensor(case.lengths, dtype=torch.int32)
    scale = 1.5 / width**0.5
    return (
        q.to(device, case.dtype),
        pages.to(device, case.dtype),
        table.to(device),
        lengths.to(device),
        scale,
        case.latent,
    )


def naive(inputs: Inputs) -> torch.Tensor:
    """Compute each query by itself, in fp64, over rows that are looked up one by one."""
    q, pages, table, lengths, scale, latent = inputs
    q, pages, table = q.cpu().double(), pages.cpu().double(), table.cpu()
    page_tokens = pages.shape[1]
    out = torch.zeros(*q.shape[:3], latent, dtype=torch.float64)
    for b, length in enumerate(lengths.tolist()):
        for m in range(q.shape[1]):
            seen = range(length - q.shape[1] + m + 1)
            rows = torch.stack([pages[int(table[b, t // page_tokens]), t % page_tokens] for t in seen])
            for h in range(q.shape[2]):
                weights = (rows @ q[b, m, h] * scale).exp()
                out[b, m, h] = (weights / weights.sum()) @ rows[:, :latent]
    return out


def check(attend: Attend, inputs: Inputs) -> None:
    actual = attend(*inputs)
    assert actual.dtype == inputs[0].dtype
    limit = TOLERANCE[actual.dtype]
    torch.testing.assert_close(actual.cpu().double(), naive(inputs), rtol=limit, atol=limit)


CASES = [
    Case((1,)),
    Case((16, 17)),
    Case((33, 5, 64), new_tokens=5),  # one sequence has only new tokens
    Case((70, 9), new_tokens=7, heads=3, latent=24, rotary=6, page_tokens=4),
    Case((40,), new_tokens=3, heads=20, latent=96, rotary=32, consecutive=True),
    Case((35,), heads=1, latent=5, rotary=2, page_tokens=1),
    Case((45, 40), new_tokens=30, heads=10, latent=8, rotary=4),  # more queries than are taken at once
    Case((50, 50), new_tokens=2, heads=16, latent=128, rotary=64, consecutive=True),
]


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_softmax_over_the_rows_that_a_token_may_see(case: Case, dtype: torch.dtype) -> None:
    check(mla_attention, random_inputs(replace(case, dtype=dtype)))


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_triton_equals_the_formula(device: str, case: Case, dtype: torch.dtype) -> None:
    check(mla_attention_triton, random_inputs(replace(case, dtype=dtype, seed=1), device))


@pytest.mark.parametrize("attend", [mla_attention_reference, mla_attention_triton])
def test_several_new_tokens_at_once_equal_one_after_the_other(device: str, attend: Attend) -> None:
    q, pages, table, lengths, scale, latent = random_inputs(Case((37, 21), new_tokens=6), device)
    together = attend(q, pages, table, lengths, scale, latent)
    for m in range(6):
        alone = attend(q[:, m : m + 1], pages, table, lengths - 5 + m, scale, latent)
        torch.testing.assert_close(alone, together[:, m : m + 1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("attend", [mla_attention_reference, mla_attention_triton])
def test_scores_far_from_zero_do_not_overflow(device: str, attend: Attend) -> None:
    q, pages, table, lengths, _, latent = random_inputs(Case((40,)), device)
    actual = attend(q, pages, table, lengths, 500.0, latent)
    rows = pages[table[0, :3].long()].flatten(0, 1)[:40]
    scores = (q[0, 0].double() @ rows.double().T) * 500.0
    assert scores.abs().max() > 1000
    expected = scores.softmax(-1) @ rows.double()[:, :latent]
    torch.testing.assert_close(actual[0, 0].double(), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("consecutive", [True, False])
@pytest.mark.parametrize("attend", [mla_attention_reference, mla_attention_triton])
def test_one_layer_of_a_pool_and_strided_queries(device: str, attend: Attend, consecutive: bool) -> None:
    case = Case((30, 12), new_tokens=2, consecutive=consecutive)
    q, pages, table, lengths, scale, latent = random_inputs(case, device)
    expected = naive((q, pages, table, lengths, scale, latent))
    pool = torch.full((3, *pages.shape), NAN, device=device)
    pool[1] = pages
    padded = torch.full((*pages.shape[:2], pages.shape[2] + 8), NAN, device=device)
    padded[..., :-8] = pages
    strided_q = q.transpose(1, 2).contiguous().transpose(1, 2)
    strided_table = table.repeat_interleave(2, dim=1)[:, ::2]
    strided_lengths = lengths.repeat_interleave(2)[::2]
    for some_pages in (pool[1], padded[..., :-8], pages.transpose(0, 2).contiguous().transpose(0, 2)):
        actual = attend(strided_q, some_pages, strided_table, strided_lengths, scale, latent)
        torch.testing.assert_close(actual.double().cpu(), expected, rtol=1e-5, atol=1e-5)


SPLIT_CASES = [
    Case((300, 7)),  # some parts of the second sequence are empty
    Case((130, 250), new_tokens=9, heads=6),  # the first tokens see nothing of the last parts
    Case((90,), new_tokens=40, heads=4),
]


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("case", SPLIT_CASES, ids=str)
def test_triton_splits_the_keys_into_parts(
    device: str, case: Case, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernels.split_softmax._LEAST_KEYS", 16)
    split: list[torch.Tensor] = []

    def combine(means: torch.Tensor, logarithms: torch.Tensor, out: torch.Tensor) -> None:
        split.append(means)
        combine_parts_triton(means, logarithms, out)

    monkeypatch.setattr("kernels.mla_attention.combine_parts_triton", combine)
    check(mla_attention_triton, random_inputs(replace(case, dtype=dtype, seed=2), device))
    assert split[0].shape[1] > 1


@pytest.mark.parametrize("least_keys", [16, 128])
def test_triton_decodes_int8_pages(device: str, least_keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.split_softmax._LEAST_KEYS", least_keys)
    case = Case((75, 20), new_tokens=3, latent=48, rotary=24, seed=3)
    q, pages, table, lengths, scale, last = random_inputs(case, device)
    values = pages.shape[2]
    coded = encode(pages)
    expected = naive((q, decode(coded, values), table, lengths, scale, last))
    for attend in (mla_attention_triton, mla_attention_reference):
        actual = attend(q, coded, table, lengths, scale, last)
        torch.testing.assert_close(actual.double().cpu(), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="whole groups of 16"):
        mla_attention_triton(q, coded, table, lengths, scale, 40)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int8])
def test_triton_reaches_pages_behind_two_to_the_31_items(device: str, dtype: torch.dtype) -> None:
    inputs = random_inputs(Case((60, 33), page_tokens=16, dtype=torch.bfloat16), device)
    check_far_pages(mla_attention_triton, inputs, dtype)


@pytest.mark.parametrize("attend", [mla_attention_reference, mla_attention_triton])
@pytest.mark.parametrize("least_keys", [16, 128])
def test_tokens_before_the_beginning_get_zeros(
    device: str, least_keys: int, attend: Attend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernels.split_softmax._LEAST_KEYS", least_keys)
    check_tokens_before_the_beginning(attend, random_inputs(Case((70, 20), new_tokens=3), device))
