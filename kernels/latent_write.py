"""Writes what multi-head latent attention caches of a token, in one go: the normalised latent and the rotated key."""

import torch

from kernels.int8_rows import SCALED_VALUES, encode, scales_view, store_values
from kernels.page_write import write_pages
from kernels.rmsnorm import rmsnorm_reference
from kernels.rope import apply_rope_reference
from kernels.triton_import import jit, runs_triton, tl, triton


def write_latents(
    pages: torch.Tensor,
    slots: torch.Tensor,
    entries: torch.Tensor,
    norm_weight: torch.Tensor,
    eps: float,
    cos: torch.Tensor,
    sin: torch.Tensor,
) -> None:
    """Write [rmsnorm(latent), rope(key)] of entries [T, R + D] into pages [P, S, R + D] in place.

    slots [T] int64 are flat, as in write_pages; a negative one is skipped. norm_weight [R]; cos, sin [T, D/2]
    in fp32. The pages have the entries' type, or hold int8 rows of as many values (int8_rows.py).
    """
    write = write_latents_triton if runs_triton(pages) else write_latents_reference
    write(pages, slots, entries, norm_weight, eps, cos, sin)


def write_latents_reference(
    pages: torch.Tensor,
    slots: torch.Tensor,
    entries: torch.Tensor,
    norm_weight: torch.Tensor,
    eps: float,
    cos: torch.Tensor,
    sin: torch.Tensor,
) -> None:
    latent, key = torch.split(entries, [len(norm_weight), entries.shape[1] - len(norm_weight)], dim=1)
    latent = rmsnorm_reference(latent, norm_weight, eps)
    rows = torch.cat((latent, apply_rope_reference(key[:, None], cos, sin)[:, 0]), dim=1)
    write_pages(pages, slots, encode(rows) if pages.dtype == torch.int8 else rows)


def write_latents_triton(
    pages: torch.Tensor,
    slots: torch.Tensor,
    entries: torch.Tensor,
    norm_weight: torch.Tensor,
    eps: float,
    cos: torch.Tensor,
    sin: torch.Tensor,
) -> None:
    """Launch a program for each token."""
    tokens, width = entries.shape
    latent_dim = len(norm_weight)
    pairs = (width - latent_dim) // 2
    is_coded = pages.dtype == torch.int8
    rows = pages.view(-1, pages.shape[-1])
    entries = entries if entries.stride(-1) == 1 else entries.contiguous()
    if tokens:
        _write_latents_kernel[(tokens,)](
            rows, scales_view(rows, latent_dim) if is_coded else rows, slots.contiguous(), entries,
            norm_weight.contiguous(), cos.contiguous(), sin.contiguous(), rows.stride(0), entries.stride(0),
            latent_dim, pairs, eps,
            CODED=is_coded, LATENT=triton.next_power_of_2(max(latent_dim, SCALED_VALUES)),
            PAIRS=triton.next_power_of_2(max(pairs, SCALED_VALUES // 2)),
        )  # fmt: skip


@jit
def _write_latents_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    rows_ptr, scales_ptr, slots_ptr, entries_ptr, weight_ptr, cos_ptr, sin_ptr, row_stride, entry_stride,
    latent_dim, pairs, eps, CODED: tl.constexpr, LATENT: tl.constexpr, PAIRS: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    slot = tl.load(slots_ptr + token)
    if slot >= 0:
        entry = entries_ptr + token * entry_stride
        dtype = entries_ptr.dtype.element_ty
        column = tl.arange(0, LATENT)
        inside = column < latent_dim
        x = tl.load(entry + column, mask=inside, other=0.0).to(tl.float32)
        x = x * tl.rsqrt(tl.sum(x * x, axis=0) / latent_dim + eps)
        weight = tl.load(weight_ptr + column, mask=inside, other=0.0).to(tl.float32)
        latent = (x.to(dtype).to(tl.float32) * weight).to(dtype)

        pair = tl.arange(0, PAIRS)
        cos = tl.load(cos_ptr + token * pairs + pair, mask=pair < pairs, other=0.0)
        sin = tl.load(sin_ptr + token * pairs + pair, mask=pair < pairs, other=0.0)
        key = entry + latent_dim + 2 * pair
        even = tl.load(key, mask=pair < pairs, other=0.0).to(tl.float32)
        odd = tl.load(key + 1, mask=pair < pairs, other=0.0).to(tl.float32)
        key = tl.interleave((even * cos - odd * sin).to(dtype), (even * sin + odd * cos).to(dtype))

        row = rows_ptr + slot * row_stride
        scales = scales_ptr + (slot * row_stride + latent_dim + 2 * pairs) // 2
        store_values(row, scales, 0, latent_dim, latent, CODED, LATENT)
        store_values(row, scales, latent_dim, 2 * pairs, key, CODED, 2 * PAIRS)
