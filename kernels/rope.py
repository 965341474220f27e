"""Rotary position embedding (Su et al., arXiv:2104.09864) on interleaved pairs."""

import torch

from kernels.triton_import import jit, runs_triton, tl, triton


def apply_rope(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotate pair (2i, 2i+1) of every head: x [T, H, D] -> a new [T, H, D] in x's dtype.

    cos and sin are [T, D/2] in fp32, one row per token: the caller picks rows by position and has
    applied any YaRN factor. The result keeps the interleaved layout of the released DeepSeek
    checkpoints: a score does not depend on the layout, but the bytes of a cached key do.
    """
    return apply_rope_triton(x, cos, sin) if runs_triton(x) else apply_rope_reference(x, cos, sin)


def apply_rope_reference(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    even, odd = x.float().reshape(*x.shape[:-1], x.shape[-1] // 2, 2).unbind(-1)
    cos, sin = cos[:, None], sin[:, None]
    rotated = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1)
    return rotated.flatten(-2).to(x.dtype)


def apply_rope_triton(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    tokens, heads, width = x.shape
    x = x if x.stride(-1) == 1 else x.contiguous()
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    if tokens:
        _rope_kernel[(tokens, heads)](
            x, cos.contiguous(), sin.contiguous(), out,
            x.stride(0), x.stride(1), heads, width // 2, BLOCK=triton.next_power_of_2(width // 2),
        )  # fmt: skip
    return out


@jit
def _rope_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_ptr, cos_ptr, sin_ptr, out_ptr, token_stride, head_stride, heads, pairs, BLOCK: tl.constexpr
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    pair = tl.arange(0, BLOCK)
    inside = pair < pairs
    cos = tl.load(cos_ptr + token * pairs + pair, mask=inside, other=0.0).to(tl.float32)
    sin = tl.load(sin_ptr + token * pairs + pair, mask=inside, other=0.0).to(tl.float32)
    source = x_ptr + token * token_stride + head * head_stride + 2 * pair
    even = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    odd = tl.load(source + 1, mask=inside, other=0.0).to(tl.float32)
    target = out_ptr + (token * heads + head) * (2 * pairs) + 2 * pair
    dtype = out_ptr.dtype.element_ty
    tl.store(target, (even * cos - odd * sin).to(dtype), mask=inside)
    tl.store(target + 1, (even * sin + odd * cos).to(dtype), mask=inside)
