import pytest
import torch

from kernels.int8_rows import decode, encode
from kernels.latent_write import write_latents, write_latents_reference, write_latents_triton
from kernels.rmsnorm import rmsnorm
from kernels.rope import apply_rope
from tests.kernels.poisoned_pages import NAN, many_pages

Arguments = tuple[torch.Tensor, torch.Tensor, torch.Tensor, float, torch.Tensor, torch.Tensor]


def random_arguments(tokens: int, latent: int, rotary: int, dtype: torch.dtype, device: str = "cpu") -> Arguments:
    """Slots in 0..19, entries, norm_weight, eps, cos, sin."""
    torch.manual_seed(tokens)
    slots = torch.randperm(20)[:tokens]
    wide = torch.randn(tokens, latent + rotary + 5).to(dtype)
    weight = torch.rand(latent).to(dtype) + 0.5
    angles = torch.rand(tokens, rotary // 2) * 7
    entries = wide.to(device)[:, : latent + rotary]
    return slots.to(device), entries, weight.to(device), 1e-6, angles.cos().to(device), angles.sin().to(device)


def test_a_row_is_the_normalised_latent_and_the_rotated_key() -> None:
    slots, entries, weight, eps, cos, sin = random_arguments(3, 8, 4, torch.float32)
    pages = torch.full((5, 4, 12), NAN)
    write_latents(pages, slots, entries, weight, eps, cos, sin)
    rows = pages.view(20, 12)
    assert torch.equal(rows[slots, :8], rmsnorm(entries[:, :8], weight, eps))
    assert torch.equal(rows[slots, 8:], apply_rope(entries[:, None, 8:], cos, sin)[:, 0])
    assert int(rows.isnan().all(1).sum()) == 17


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("tokens", "latent", "rotary"), [(0, 8, 4), (1, 512, 64), (7, 24, 6), (20, 5, 2)])
def test_triton_equals_the_reference(device: str, tokens: int, latent: int, rotary: int, dtype: torch.dtype) -> None:
    arguments = random_arguments(tokens, latent, rotary, dtype, device)
    pool = torch.full((3, 5, 4, latent + rotary), NAN, dtype=dtype, device=device)
    expected = pool.clone()
    write_latents_triton(pool[1], *arguments)
    write_latents_reference(expected[1], *arguments)
    torch.testing.assert_close(pool, expected, equal_nan=True)


@pytest.mark.parametrize(("latent", "rotary"), [(32, 16), (48, 24), (512, 64)])
def test_triton_rounds_to_int8_as_the_reference_does(device: str, latent: int, rotary: int) -> None:
    slots, entries, weight, eps, cos, sin = random_arguments(9, latent, rotary, torch.float32, device)
    entries[:2, :16] = 0  # a group of zeros has the scale 0
    coded = encode(torch.ones(5, 4, latent + rotary)).to(device)
    expected = coded.clone()
    write_latents_triton(coded, slots, entries, weight, eps, cos, sin)
    write_latents_reference(expected, slots, entries, weight, eps, cos, sin)
    width = latent + rotary
    values, wanted = decode(coded, width), decode(expected, width)
    # The two square roots may differ by a bit, which moves a code at a boundary, and its scale, by one.
    assert int((coded != expected).sum()) <= coded.numel() // 1000
    torch.testing.assert_close(values, wanted, rtol=1e-2, atol=wanted.abs().max().item() / 100)


def test_triton_skips_negative_slots(device: str) -> None:
    slots, entries, weight, eps, cos, sin = random_arguments(4, 16, 16, torch.float32, device)
    pages = torch.full((5, 4, 32), NAN, device=device)
    kept = slots.clone()
    slots[1] = slots[3] = -1
    write_latents_triton(pages, slots, entries, weight, eps, cos, sin)
    assert pages.view(20, 32)[kept[[0, 2]]].isfinite().all()
    assert int(pages.view(20, 32).isnan().all(1).sum()) == 18


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int8])
def test_triton_writes_behind_two_to_the_31_items(device: str, dtype: torch.dtype) -> None:
    _, entries, weight, eps, cos, sin = random_arguments(1, 48, 16, torch.bfloat16, device)
    pages = many_pages(16, 72 if dtype == torch.int8 else 64, dtype).to(device)
    slot = torch.tensor([len(pages) * 16 - 1], device=device)
    write_latents_triton(pages, slot, entries, weight, eps, cos, sin)
    near = pages[-1:].clone().zero_()
    write_latents_triton(near, torch.tensor([15], device=device), entries, weight, eps, cos, sin)
    assert torch.equal(pages[-1:], near)
