"""The blocked attention of training equals torch's own, with its gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from training.model.causal_attention import causal_attention


@pytest.mark.parametrize(("length", "compiled"), [(1, False), (127, False), (128, False), (300, False), (300, True)])
def test_blocks_equal_attention_over_all_scores(length: int, compiled: bool) -> None:
    torch.manual_seed(6)
    # The layout in which the model has them: heads beside each other in a token's row.
    q, k, v = (
        torch.randn(2, length, 3, width, dtype=torch.float64, requires_grad=True).transpose(1, 2)
        for width in (16, 16, 12)
    )
    pull = torch.randn(2, 3, length, 12, dtype=torch.float64)

    def with_gradients(out: Tensor) -> tuple[Tensor, ...]:
        return out, *torch.autograd.grad((out * pull).sum(), (q, k, v))

    blocked = torch.compile(causal_attention, dynamic=False) if compiled else causal_attention
    for got, wanted in zip(
        with_gradients(blocked(q, k, v)),
        with_gradients(F.scaled_dot_product_attention(q, k, v, is_causal=True)),
        strict=True,
    ):
        # Gradients of keys and values are summed in fp32.
        assert torch.allclose(got, wanted, atol=1e-5)
