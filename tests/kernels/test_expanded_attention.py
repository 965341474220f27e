from collections.abc import Callable

import pytest
import torch

from kernels.expanded_attention import (
    expanded_attention,
    expanded_attention_reference,
    expanded_attention_triton,
)
from kernels.int8_rows import decode, encode
from tests.kernels.poisoned_pages import write_sequences

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 4e-2}
Attend = Callable[..., torch.Tensor]
Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, int, torch.Tensor, torch.Tensor, float]
# length, new tokens, heads, N, D, V, R
SIZES = [
    (1, 1, 1, 16, 16, 16, 16),
    (70, 70, 2, 16, 8, 16, 24),
    (150, 90, 3, 24, 6, 20, 32),
    (130, 3, 2, 32, 16, 40, 16),
]


def random_inputs(sizes: tuple[int, ...], dtype: torch.dtype = torch.float32, device: str = "cpu") -> Inputs:
    length, new_tokens, heads, nope, rotary, value, latent = sizes
    torch.manual_seed(length)
    pages, table = write_sequences([length], 16, latent + rotary, consecutive=False)
    q = torch.randn(new_tokens, heads, nope + rotary).to(device, dtype)
    ups = [torch.randn(heads, width, latent) / latent**0.5 for width in (nope, value)]
    key_up, value_up = (up.to(device, dtype) for up in ups)
    scale = 1.5 / (nope + rotary) ** 0.5
    return q[..., :nope], q[..., nope:], pages.to(device, dtype), table[0].to(device), length, key_up, value_up, scale


def naive(inputs: Inputs) -> torch.Tensor:
    """Compute each query by itself, in fp64."""
    q_nope, q_rope, pages, table, length, key_up, value_up, scale = inputs
    q_nope, q_rope, pages, key_up, value_up = (t.cpu().double() for t in (q_nope, q_rope, pages, key_up, value_up))
    rows = torch.stack([pages[int(table[t // 16]), t % 16] for t in range(length)])
    latent, k_rope = rows[:, : key_up.shape[2]], rows[:, key_up.shape[2] :]
    out = torch.zeros(*q_nope.shape[:2], value_up.shape[1], dtype=torch.float64)
    for m in range(len(q_nope)):
        seen = length - len(q_nope) + m + 1
        for h in range(q_nope.shape[1]):
            scores = latent[:seen] @ key_up[h].T @ q_nope[m, h] + k_rope[:seen] @ q_rope[m, h]
            out[m, h] = (scores * scale).softmax(0) @ (latent[:seen] @ value_up[h].T)
    return out


def check(attend: Attend, inputs: Inputs) -> None:
    actual = attend(*inputs)
    assert actual.dtype == inputs[0].dtype
    limit = TOLERANCE[actual.dtype]
    torch.testing.assert_close(actual.cpu().double(), naive(inputs), rtol=limit, atol=limit)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("sizes", SIZES)
def test_softmax_over_the_expanded_keys(sizes: tuple[int, ...], dtype: torch.dtype) -> None:
    check(expanded_attention, random_inputs(sizes, dtype))


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("chunk_tokens", [16, 40, 4096])
@pytest.mark.parametrize("sizes", SIZES)
def test_triton_merges_the_chunks(
    device: str, sizes: tuple[int, ...], chunk_tokens: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of 40 tokens begin in the middle of a page, and the first new tokens see nothing of the last chunks."""
    monkeypatch.setattr("kernels.expanded_attention._CHUNK_TOKENS", chunk_tokens)
    check(expanded_attention_triton, random_inputs(sizes, dtype, device))


@pytest.mark.parametrize("attend", [expanded_attention_reference, expanded_attention_triton])
def test_int8_pages(device: str, attend: Attend) -> None:
    q_nope, q_rope, pages, table, length, key_up, value_up, scale = random_inputs(
        (75, 20, 2, 16, 16, 16, 32), device=device
    )
    coded = encode(pages)
    expected = naive((q_nope, q_rope, decode(coded, 48), table, length, key_up, value_up, scale))
    actual = attend(q_nope, q_rope, coded, table, length, key_up, value_up, scale)
    torch.testing.assert_close(actual.cpu().double(), expected, rtol=1e-5, atol=1e-5)


def test_triton_does_not_overflow(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The highest scores of two chunks may be so far apart that the one is nothing beside the other."""
    monkeypatch.setattr("kernels.expanded_attention._CHUNK_TOKENS", 16)
    inputs = (*random_inputs((60, 30, 2, 16, 16, 16, 32), device=device)[:7], 200.0)
    actual = expanded_attention_triton(*inputs)
    torch.testing.assert_close(actual.cpu().double(), naive(inputs), rtol=1e-2, atol=1e-2)
