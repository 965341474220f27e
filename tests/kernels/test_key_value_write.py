import pytest
import torch

from kernels.int8_rows import encode
from kernels.key_value_write import rotate_and_write, rotate_and_write_reference, rotate_and_write_triton
from kernels.rope import apply_rope
from tests.kernels.poisoned_pages import NAN, many_pages

Arguments = tuple[torch.Tensor, torch.Tensor, int, torch.Tensor, torch.Tensor]


def random_arguments(
    tokens: int, heads: int, kv_heads: int, width: int, dtype: torch.dtype, device: str = "cpu"
) -> Arguments:
    """Slots in 0..19, projected, heads, cos, sin."""
    torch.manual_seed(tokens)
    slots = torch.randperm(20)[:tokens].to(device)
    projected = torch.randn(tokens, heads + 2 * kv_heads, width + 3).to(dtype).to(device)[..., :width]
    angles = torch.rand(tokens, width // 2) * 7
    return slots, projected, heads, angles.cos().to(device), angles.sin().to(device)


def test_a_row_is_the_rotated_keys_and_the_values() -> None:
    slots, projected, heads, cos, sin = random_arguments(3, 4, 2, 6, torch.float32)
    pages = torch.full((5, 4, 24), NAN)
    queries = rotate_and_write(pages, slots, projected, heads, cos, sin)
    rotated = apply_rope(projected[:, :6], cos, sin)
    assert torch.equal(queries, rotated[:, :4])
    rows = pages.view(20, 2, 2, 6)
    assert torch.equal(rows[slots, 0], rotated[:, 4:])
    assert torch.equal(rows[slots, 1], projected[:, 6:])
    assert int(pages.view(20, 24).isnan().all(1).sum()) == 17


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("tokens", "heads", "kv_heads", "width"), [(0, 2, 1, 4), (1, 28, 4, 128), (7, 3, 3, 6), (20, 4, 1, 2)]
)
def test_triton_equals_the_reference(
    device: str, tokens: int, heads: int, kv_heads: int, width: int, dtype: torch.dtype
) -> None:
    arguments = random_arguments(tokens, heads, kv_heads, width, dtype, device)
    pool = torch.full((3, 5, 4, 2 * kv_heads * width), NAN, dtype=dtype, device=device)
    expected = pool.clone()
    queries = rotate_and_write_triton(pool[1], *arguments)
    torch.testing.assert_close(queries, rotate_and_write_reference(expected[1], *arguments))
    torch.testing.assert_close(pool, expected, equal_nan=True)


@pytest.mark.parametrize(("kv_heads", "width"), [(1, 16), (4, 128), (3, 48)])
def test_triton_rounds_to_int8_as_the_reference_does(device: str, kv_heads: int, width: int) -> None:
    slots, projected, heads, cos, sin = random_arguments(9, 4, kv_heads, width, torch.float32, device)
    projected[:2, -1, :16] = 0  # a group of zeros has the scale 0
    coded = encode(torch.ones(5, 4, 2 * kv_heads * width)).to(device)
    expected = coded.clone()
    rotate_and_write_triton(coded, slots, projected, heads, cos, sin)
    rotate_and_write_reference(expected, slots, projected, heads, cos, sin)
    assert torch.equal(coded, expected)
    with pytest.raises(ValueError, match="whole groups of 16"):
        rotate_and_write_triton(coded, slots, projected[..., :12], heads, cos, sin)


def test_triton_skips_negative_slots(device: str) -> None:
    slots, projected, heads, cos, sin = random_arguments(4, 2, 1, 8, torch.float32, device)
    pages = torch.full((5, 4, 16), NAN, device=device)
    kept = slots.clone()
    slots[1] = slots[3] = -1
    rotate_and_write_triton(pages, slots, projected, heads, cos, sin)
    assert pages.view(20, 16)[kept[[0, 2]]].isfinite().all()
    assert int(pages.view(20, 16).isnan().all(1).sum()) == 18


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int8])
def test_triton_writes_behind_two_to_the_31_items(device: str, dtype: torch.dtype) -> None:
    _, projected, heads, cos, sin = random_arguments(1, 2, 1, 32, torch.bfloat16, device)
    pages = many_pages(16, 72 if dtype == torch.int8 else 64, dtype).to(device)
    rotate_and_write_triton(pages, torch.tensor([len(pages) * 16 - 1], device=device), projected, heads, cos, sin)
    near = pages[-1:].clone().zero_()
    rotate_and_write_triton(near, torch.tensor([15], device=device), projected, heads, cos, sin)
    assert torch.equal(pages[-1:], near)
