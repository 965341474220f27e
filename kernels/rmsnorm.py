"""Root mean square normalisation (Zhang and Sennrich, arXiv:1910.07467), rounded in DeepSeek-V2's order."""

import torch

from kernels.triton_import import jit, runs_triton, tl, triton


def rmsnorm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """Normalise x [..., H] with weight [H] -> a new [..., H] in x's dtype.

    The mean and the quotient are fp32; the quotient is rounded to x's dtype before the weight
    multiplies it, as in the released modelling code.
    """
    return rmsnorm_triton(x, weight, eps) if runs_triton(x) else rmsnorm_reference(x, weight, eps)


def rmsnorm_reference(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    x32 = x.float()
    normalised = x32 * torch.rsqrt(x32.square().mean(-1, keepdim=True) + eps)
    return (normalised.to(x.dtype) * weight).to(x.dtype)


def rmsnorm_triton(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    width = x.shape[-1]
    rows = x.reshape(-1, width)
    rows = rows if rows.stride(-1) == 1 else rows.contiguous()
    out = torch.empty(rows.shape, dtype=x.dtype, device=x.device)
    if rows.shape[0]:
        _rmsnorm_kernel[(rows.shape[0],)](
            rows, weight.contiguous(), out, rows.stride(0), width, eps,
            BLOCK=triton.next_power_of_2(width),
        )  # fmt: skip
    return out.view(x.shape)


@jit
def _rmsnorm_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_ptr, weight_ptr, out_ptr, x_stride, width, eps, BLOCK: tl.constexpr
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    x = tl.load(x_ptr + row * x_stride + columns, mask=inside, other=0.0).to(tl.float32)
    normalised = x * tl.rsqrt(tl.sum(x * x, axis=0) / width + eps)
    dtype = out_ptr.dtype.element_ty
    weight = tl.load(weight_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    scaled = normalised.to(dtype).to(tl.float32) * weight
    tl.store(out_ptr + row * width + columns, scaled.to(dtype), mask=inside)
