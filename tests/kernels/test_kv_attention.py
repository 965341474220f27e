from dataclasses import dataclass, replace

import pytest
import torch

from kernels.int8_rows import decode, encode
from kernels.kv_attention import kv_attention, kv_attention_reference, kv_attention_triton
from kernels.split_softmax import combine_parts_triton
from tests.kernels.paged_attention import Attend, Inputs, check_far_pages, check_tokens_before_the_beginning
from tests.kernels.poisoned_pages import NAN, write_sequences

TOLERANCE = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}


@dataclass(frozen=True)
class Case:
    """The lengths of the sequences, and the sizes; `heads` query heads share `kv_heads`."""

    lengths: tuple[int, ...]
    new_tokens: int = 1
    heads: int = 4
    kv_heads: int = 2
    width: int = 16
    page_tokens: int = 16
    consecutive: bool = False
    dtype: torch.dtype = torch.float32
    seed: int = 0


def random_inputs(case: Case, device: str = "cpu") -> Inputs:
    """Arguments of kv_attention. Unwritten slots are NaN; unused table entries name no page."""
    torch.manual_seed(case.seed)
    row = 2 * case.kv_heads * case.width
    pages, table = write_sequences(case.lengths, case.page_tokens, row, case.consecutive)
    q = torch.randn(len(case.lengths), case.new_tokens, case.heads, case.width)
    lengths = torch.tensor(case.lengths, dtype=torch.int32)
    scale = 1.5 / case.width**0.5
    return (
        q.to(device, case.dtype),
        pages.to(device, case.dtype),
        table.to(device),
        lengths.to(device),
        scale,
        case.kv_heads,
    )


def naive(inputs: Inputs) -> torch.Tensor:
    """Compute each query by itself, in fp64, over rows that are looked up one by one."""
    q, pages, table, lengths, scale, kv_heads = inputs
    q, pages, table = q.cpu().double(), pages.cpu().double(), table.cpu()
    page_tokens = pages.shape[1]
    width, group = q.shape[3], q.shape[2] // kv_heads
    out = torch.zeros(q.shape, dtype=torch.float64)
    for b, length in enumerate(lengths.tolist()):
        for m in range(q.shape[1]):
            seen = range(length - q.shape[1] + m + 1)
            rows = torch.stack([pages[int(table[b, t // page_tokens]), t % page_tokens] for t in seen])
            for h in range(q.shape[2]):
                keys, values = rows.view(-1, 2, kv_heads, width)[:, :, h // group].unbind(1)
                weights = (keys @ q[b, m, h] * scale).exp()
                out[b, m, h] = (weights / weights.sum()) @ values
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
    Case((70, 9), new_tokens=7, heads=3, kv_heads=3, width=24, page_tokens=4),  # no sharing: Coder v1
    Case((40,), new_tokens=3, heads=14, kv_heads=2, width=64, consecutive=True),  # Qwen2.5-Coder-0.5B
    Case((35,), heads=5, kv_heads=1, width=6, page_tokens=1),
    Case((45, 40), new_tokens=30, heads=12, kv_heads=2, width=8),  # more queries than are taken at once
    Case((50, 50), new_tokens=2, heads=4, kv_heads=4, width=128, consecutive=True),
]


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_softmax_over_the_rows_that_a_token_may_see(case: Case, dtype: torch.dtype) -> None:
    check(kv_attention, random_inputs(replace(case, dtype=dtype)))


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_triton_equals_the_formula(device: str, case: Case, dtype: torch.dtype) -> None:
    check(kv_attention_triton, random_inputs(replace(case, dtype=dtype, seed=1), device))


@pytest.mark.parametrize("attend", [kv_attention_reference, kv_attention_triton])
def test_several_new_tokens_at_once_equal_one_after_the_other(device: str, attend: Attend) -> None:
    q, pages, table, lengths, scale, kv_heads = random_inputs(Case((37, 21), new_tokens=6), device)
    together = attend(q, pages, table, lengths, scale, kv_heads)
    for m in range(6):
        alone = attend(q[:, m : m + 1], pages, table, lengths - 5 + m, scale, kv_heads)
        torch.testing.assert_close(alone, together[:, m : m + 1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("attend", [kv_attention_reference, kv_attention_triton])
def test_scores_far_from_zero_do_not_overflow(device: str, attend: Attend) -> None:
    q, pages, table, lengths, _, kv_heads = random_inputs(Case((40,)), device)
    actual = attend(q, pages, table, lengths, 500.0, kv_heads)
    rows = pages[table[0, :3].long()].flatten(0, 1)[:40].double().view(40, 2, 2, 1, 16).expand(-1, -1, -1, 2, -1)
    keys, values = rows.flatten(2, 3).unbind(1)  # [40, H, D]
    scores = torch.einsum("hd,lhd->hl", q[0, 0].double(), keys) * 500.0
    assert scores.abs().max() > 1000
    expected = torch.einsum("hl,lhd->hd", scores.softmax(-1), values)
    torch.testing.assert_close(actual[0, 0].double(), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("consecutive", [True, False])
@pytest.mark.parametrize("attend", [kv_attention_reference, kv_attention_triton])
def test_one_layer_of_a_pool_and_strided_queries(device: str, attend: Attend, consecutive: bool) -> None:
    case = Case((30, 12), new_tokens=2, consecutive=consecutive)
    q, pages, table, lengths, scale, kv_heads = random_inputs(case, device)
    expected = naive((q, pages, table, lengths, scale, kv_heads))
    pool = torch.full((3, *pages.shape), NAN, device=device)
    pool[1] = pages
    padded = torch.full((*pages.shape[:2], pages.shape[2] + 8), NAN, device=device)
    padded[..., :-8] = pages
    strided_q = q.transpose(1, 2).contiguous().transpose(1, 2)
    strided_table = table.repeat_interleave(2, dim=1)[:, ::2]
    strided_lengths = lengths.repeat_interleave(2)[::2]
    for some_pages in (pool[1], padded[..., :-8], pages.transpose(0, 2).contiguous().transpose(0, 2)):
        actual = attend(strided_q, some_pages, strided_table, strided_lengths, scale, kv_heads)
        torch.testing.assert_close(actual.double().cpu(), expected, rtol=1e-5, atol=1e-5)


SPLIT_CASES = [
    Case((300, 7)),  # some parts of the second sequence are empty
    Case((130, 250), new_tokens=9, heads=6, kv_heads=3),  # the first tokens see nothing of the last parts
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

    monkeypatch.setattr("kernels.kv_attention.combine_parts_triton", combine)
    check(kv_attention_triton, random_inputs(replace(case, dtype=dtype, seed=2), device))
    assert split[0].shape[1] > 1


@pytest.mark.parametrize("least_keys", [16, 128])
def test_triton_decodes_int8_pages(device: str, least_keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.split_softmax._LEAST_KEYS", least_keys)
    case = Case((75, 20), new_tokens=3, seed=3)
    q, pages, table, lengths, scale, last = random_inputs(case, device)
    values = pages.shape[2]
    coded = encode(pages)
    expected = naive((q, decode(coded, values), table, lengths, scale, last))
    for attend in (kv_attention_triton, kv_attention_reference):
        actual = attend(q, coded, table, lengths, scale, last)
        torch.testing.assert_close(actual.double().cpu(), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="whole groups of 16"):
        kv_attention_triton(q[..., :12], coded, table, lengths, scale, last)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int8])
def test_triton_reaches_pages_behind_two_to_the_31_items(device: str, dtype: torch.dtype) -> None:
    inputs = random_inputs(Case((60, 33), page_tokens=16, dtype=torch.bfloat16), device)
    check_far_pages(kv_attention_triton, inputs, dtype)


@pytest.mark.parametrize("attend", [kv_attention_reference, kv_attention_triton])
@pytest.mark.parametrize("least_keys", [16, 128])
def test_tokens_before_the_beginning_get_zeros(
    device: str, least_keys: int, attend: Attend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernels.split_softmax._LEAST_KEYS", least_keys)
    check_tokens_before_the_beginning(attend, random_inputs(Case((70, 20), new_tokens=3), device))
