"""Root mean square normalisation (Zhang and Sennrich, arXiv:1910.07467), rounded in DeepSeek-V2's order."""

import torch

from kernels.triton_import import jit, runs_triton, tl, triton


def rmsnorm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """Normalise x [..., H] with weight [H] -> a new [..., H] in x's dtype.

    The mean and the quotient are fp32; the quotient is rounded to x's dtype before the weight
    multiplies it, as in the released modelling code.
    """
    return rmsnorm_triton(x, weight, eps) if runs_triton(x) else rmsnorm_reference(x, weight, eps)


def add_rmsnorm(
    x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add x and residual [..., H] -> (rmsnorm of the sum, the sum), both new and in x's dtype, in which the sum is."""
    run = add_rmsnorm_triton if runs_triton(x) else add_rmsnorm_reference
    return run(x, residual, weight, eps)


def rmsnorm_reference(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    x32 = x.float()
    normalised = x32 * torch.rsqrt(x32.square().mean(-1, keepdim=True) + eps)
    return (normalised.to(x.dtype) * weight).to(x.dtype)


def add_rmsnorm_reference(
    x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    total = x + residual
    return rmsnorm_reference(total, weight, eps), total


def rmsnorm_triton(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return _launch(x, None, weight, eps)[0]


def add_rmsnorm_triton(
    x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    return _launch(x, residual, weight, eps)


def _launch(
    x: torch.Tensor, residual: torch.Tensor | None, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Launch a program for each row. Without a residual the second result is the first."""
    rows, added = (_rows_of(t) for t in (x, x if residual is None else residual))
    out = torch.empty(rows.shape, dtype=x.dtype, device=x.device)
    total = out if residual is None else torch.empty_like(out)
    if rows.shape[0]:
        _rmsnorm_kernel[(rows.shape[0],)](
            rows, added, weight.contiguous(), out, total, rows.stride(0), added.stride(0), rows.shape[1], eps,
            ADDS=residual is not None, BLOCK=triton.next_power_of_2(rows.shape[1]),
        )  # fmt: skip
    return out.view(x.shape), total.view(x.shape)


def _rows_of(x: torch.Tensor) -> torch.Tensor:
    rows = x.reshape(-1, x.shape[-1])
    return rows if rows.stride(-1) == 1 else rows.contiguous()


@jit
def _rmsnorm_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_ptr, added_ptr, weight_ptr, out_ptr, total_ptr, x_stride, added_stride, width, eps,
    ADDS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    dtype = out_ptr.dtype.element_ty
    x = tl.load(x_ptr + row * x_stride + columns, mask=inside, other=0.0).to(tl.float32)
    if ADDS:
        added = tl.load(added_ptr + row * added_stride + columns, mask=inside, other=0.0).to(tl.float32)
        total = (x + added).to(dtype)
        tl.store(total_ptr + row * width + columns, total, mask=inside)
        x = total.to(tl.float32)
    normalised = x * tl.rsqrt(tl.sum(x * x, axis=0) / width + eps)
    weight = tl.load(weight_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    scaled = normalised.to(dtype).to(tl.float32) * weight
    tl.store(out_ptr + row * width + columns, scaled.to(dtype), mask=inside)
