import pytest
import torch

from kernels.split_softmax import combine_parts_reference, combine_parts_triton, count_parts


def test_parts_fill_the_card_and_are_long_enough() -> None:
    assert count_parts(1, 32768) == 128
    assert count_parts(8, 32768) == 16
    assert count_parts(3, 32768) == 32
    assert count_parts(1, 1000) == 4
    assert count_parts(1, 16) == count_parts(500, 32768) == 1


def test_the_mean_of_the_parts_is_the_mean_of_all_keys() -> None:
    torch.manual_seed(0)
    scores, values = torch.randn(3, 4, 10), torch.randn(3, 4, 10, 7)
    means = (scores.softmax(-1)[..., None] * values).sum(2)
    out = torch.empty(3, 7)
    combine_parts_reference(means, scores.logsumexp(-1) / torch.log(torch.tensor(2.0)), out)
    expected = (scores.flatten(1).softmax(-1)[..., None] * values.flatten(1, 2)).sum(1)
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rows", "parts", "width"), [(1, 1, 1), (3, 2, 40), (2, 37, 200), (5, 64, 128)])
def test_triton_equals_the_reference(device: str, rows: int, parts: int, width: int, dtype: torch.dtype) -> None:
    """Empty parts hold NaN: nobody wrote their means. The logarithms are as far apart as fp32 scores may be."""
    torch.manual_seed(rows)
    means = torch.randn(rows, parts, width, device=device)
    logarithms = torch.randn(rows, parts, device=device) * 20 + 1000
    empty = torch.rand(rows, parts) < 0.3
    empty[0] = rows > 1  # a row without keys
    means[empty], logarithms[empty] = float("nan"), float("-inf")
    actual, expected = (torch.empty(rows, width, dtype=dtype, device=device) for _ in range(2))
    combine_parts_triton(means, logarithms, actual)
    combine_parts_reference(means, logarithms, expected)
    torch.testing.assert_close(actual, expected, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-5)
    assert rows == 1 or not expected[0].any()
