import pytest
import torch
from torch.nn import functional as F

from kernels.few_shapes import linear, pad_rows, round_down, round_up
from kernels.page_rows import spans_of_sequence
from tests.kernels.poisoned_pages import write_sequences

MOST_TOKENS = 2048


def test_sizes_grow_by_an_eighth_at_most_and_few_are_left() -> None:
    for size in range(1, MOST_TOKENS + 1):
        assert size <= round_up(size) <= size * 9 / 8
        assert size * 8 / 9 <= round_down(size) <= size
        assert round_up(round_up(size)) == round_up(size)
    assert round_up(0) == round_down(0) == 0
    assert len({round_up(size) for size in range(1, MOST_TOKENS + 1)}) == 72


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 2, 15, 17, 66, 131, 255])
def test_a_padded_product_is_the_product(rows: int, dtype: torch.dtype) -> None:
    torch.manual_seed(rows)
    x, weight, bias = torch.randn(rows, 64), torch.randn(48, 64), torch.randn(48)
    padded = linear(x.to(dtype), weight.to(dtype), bias.to(dtype))
    assert padded.shape == (rows, 48)
    tolerance = 1e-5 if dtype == torch.float32 else 0.05
    torch.testing.assert_close(padded.float(), F.linear(x, weight, bias), rtol=tolerance, atol=10 * tolerance)


def test_round_rows_are_not_copied() -> None:
    x = torch.randn(2, 64, 3)
    assert pad_rows(x) is x


@pytest.mark.parametrize("consecutive", [True, False])
def test_spans_are_the_rows_of_a_sequence_and_have_few_lengths(consecutive: bool) -> None:
    lengths = range(1, MOST_TOKENS + 1, 3)
    seen = set[int]()
    for length in lengths:
        pages, table = write_sequences([length], 16, 2, consecutive)
        spans = spans_of_sequence(pages, table[0], length)
        rows = torch.cat(spans)
        pages_of_it = table[0, : -(-length // 16)].long()
        assert torch.equal(rows[:length], pages[pages_of_it].flatten(0, 1)[:length])
        assert not rows[length:].any()  # zeros, and no NaN
        seen.update(len(span) for span in spans)
    assert len(seen) < 60
