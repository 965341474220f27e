"""Rounds the sizes of matrix products, so that a process meets few of them.

For bf16 on the CPU, torch calls oneDNN, which compiles each shape of a product on its own: the first product of a shape
takes 0.4 ms and more where the next takes 0.03 ms, and its code and description stay in caches of 0.8 MB a shape.
Prompts of every length would bring thousands of shapes.
"""

import torch
from torch.nn import functional as F


def round_up(size: int, step: int = 1) -> int:
    """Round up to a multiple of `step` and to four significant bits: eight sizes from one power of two to the next."""
    step = max(step, 1 << max(0, size.bit_length() - 4))
    return -(-size // step) * step


def round_down(size: int) -> int:
    """Round down to four significant bits."""
    step = 1 << max(0, size.bit_length() - 4)
    return size // step * step


def pad_rows(x: torch.Tensor) -> torch.Tensor:
    """Append rows of zeros: x [..., M, K] -> [..., round_up(M), K], x itself where M is round."""
    missing = round_up(x.shape[-2]) - x.shape[-2]
    return F.pad(x, (0, 0, 0, missing)) if missing else x


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Compute x @ weight.T + bias: x [M, K], weight [N, K], bias [N] -> [M, N]. Only the CPU pads the rows."""
    # Every size below 16 is round: a token of a decode shall not pay for a check and a slice at each product.
    if x.shape[0] < 16 or not x.is_cpu:
        return F.linear(x, weight, bias)
    return F.linear(pad_rows(x), weight, bias)[: x.shape[0]]
