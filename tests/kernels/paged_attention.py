"""Checks that both kinds of attention over pages pass: their arguments differ in what the last one says of a row."""

from collections.abc import Callable

import torch

from kernels.int8_rows import encode
from tests.kernels.poisoned_pages import far_apart

Attend = Callable[..., torch.Tensor]
# q, pages, page_table, lengths, scale, and the last argument of the operation
Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, float, int]


def check_far_pages(attend: Attend, inputs: Inputs, dtype: torch.dtype) -> None:
    """Check that pages behind 2^31 items are read as those that stand together; int8 asks for coded pages."""
    q, pages, table, lengths, scale, last = inputs
    far = encode(pages) if dtype == torch.int8 else pages
    near = attend(q, far, table, lengths, scale, last)
    assert torch.equal(attend(q, far_apart(far), table, lengths, scale, last), near)


def check_tokens_before_the_beginning(attend: Attend, inputs: Inputs) -> None:
    """Check that the second of two sequences gets zeros for tokens before its beginning; `inputs` have 3 new tokens."""
    q, pages, table, lengths, scale, last = inputs
    full = attend(q, pages, table, lengths, scale, last)
    lengths[1] = 0
    actual = attend(q, pages, table, lengths, scale, last)
    assert torch.equal(actual[1], torch.zeros_like(actual[1]))
    assert torch.equal(actual[0], full[0])
    lengths[1] = 2
    actual = attend(q, pages, table, lengths, scale, last)
    alone = attend(q[1:, 1:], pages, table[1:], lengths[1:], scale, last)
    assert torch.equal(actual[1, 0], torch.zeros_like(actual[1, 0]))
    torch.testing.assert_close(actual[1, 1:], alone[0], rtol=1e-5, atol=1e-5)
    assert torch.equal(actual[0], full[0])
