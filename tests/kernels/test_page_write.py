from collections.abc import Callable

import pytest
import torch

from kernels.page_write import write_pages, write_pages_reference, write_pages_triton
from tests.kernels.poisoned_pages import many_pages

Write = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]


def test_each_value_lands_at_its_page_and_offset() -> None:
    pages = torch.zeros(3, 4, 2)
    write_pages(pages, torch.tensor([2 * 4 + 1, 0 * 4 + 3]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    expected = torch.zeros(3, 4, 2)
    expected[2, 1] = torch.tensor([1.0, 2.0])
    expected[0, 3] = torch.tensor([3.0, 4.0])
    assert torch.equal(pages, expected)


def check_against_a_loop(write: Write, pages: torch.Tensor, values: torch.Tensor) -> None:
    slots = torch.randperm(pages.shape[0] * pages.shape[1], device=pages.device)[: len(values)]
    expected = pages.clone()
    for slot, value in zip(slots.tolist(), values, strict=True):
        expected[slot // pages.shape[1], slot % pages.shape[1]] = value.to(pages.dtype)
    write(pages, slots, values)
    # NaN slots must stay NaN too
    torch.testing.assert_close(pages, expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("pages_dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("values_dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("write", [write_pages_reference, write_pages_triton])
def test_only_the_named_slots_change(
    device: str, write: Write, pages_dtype: torch.dtype, values_dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    for page_count, page_tokens, width, tokens in ((1, 1, 1, 1), (5, 3, 9, 7), (4, 16, 36, 0)):
        pages = torch.randn(page_count, page_tokens, width, device=device).to(pages_dtype)
        pages[0] = float("nan")
        values = torch.randn(tokens, width, device=device).to(values_dtype)
        check_against_a_loop(write, pages, values)


@pytest.mark.parametrize("write", [write_pages_reference, write_pages_triton])
def test_one_layer_of_a_pool_and_strided_values(device: str, write: Write) -> None:
    torch.manual_seed(1)
    pool = torch.randn(3, 4, 8, 20, device=device)
    before = pool.clone()
    check_against_a_loop(write, pool[1], torch.randn(20, 6, device=device).T)
    assert torch.equal(pool[0], before[0])
    assert torch.equal(pool[2], before[2])
    check_against_a_loop(write, pool[2, ..., :12], torch.randn(5, 24, device=device)[:, ::2])
    assert torch.equal(pool[2, ..., 12:], before[2, ..., 12:])


@pytest.mark.parametrize("write", [write_pages_reference, write_pages_triton])
def test_pages_that_cannot_be_written_in_place_are_refused(device: str, write: Write) -> None:
    pages = torch.zeros(4, 2, 3, device=device).transpose(0, 1)
    with pytest.raises(RuntimeError, match="view"):
        write(pages, torch.tensor([0], device=device), torch.ones(1, 3, device=device))


@pytest.mark.parametrize("write", [write_pages_reference, write_pages_triton])
def test_negative_slots_are_skipped(device: str, write: Write) -> None:
    pages = torch.zeros(2, 2, 3, device=device)
    write(pages, torch.tensor([-1, 2, -1], device=device), torch.ones(3, 3, device=device))
    assert pages.view(4, 3).sum(1).tolist() == [0, 0, 3, 0]


def test_triton_writes_behind_two_to_the_31_items(device: str) -> None:
    pages = many_pages(16, 64, torch.bfloat16).to(device)
    values = torch.ones(1, 64, device=device)
    write_pages_triton(pages, torch.tensor([len(pages) * 16 - 1], device=device), values)
    assert pages[-1].float().sum(1).tolist() == [0.0] * 15 + [64.0]
