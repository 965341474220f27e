"""A moved row is the row that would have been written at the other position."""

import math

import pytest
import torch

from kernels.int8_rows import decode, encode, scales_of
from kernels.move_rows import RotatedKeys, move_rows

LAYERS, PAGES, PAGE_TOKENS = 3, 8, 16
COUNT = 37
# The first rotated value, heads, their width, the values behind them, and whether pairs are half a head apart.
ROWS = {
    "keys and values": (0, 2, 16, 32, True),
    "keys and values, neighbours": (0, 2, 16, 32, False),
    "a latent and a key": (32, 1, 8, 0, False),
    "a key that shares a scale with the latent": (24, 1, 6, 0, False),
    "a key that shares a scale with the values": (0, 1, 8, 8, True),
}
DISTANCES = [1, 7, -3, 500]


@pytest.fixture(params=ROWS)
def keys(request: pytest.FixtureRequest) -> RotatedKeys:
    first, heads, width, behind, rotates_halves = ROWS[request.param]
    frequencies = 10000.0 ** (-torch.arange(0, width, 2) / width)
    return RotatedKeys(first + heads * width + behind, first, heads, width, rotates_halves, frequencies)


def rows_at(position: int, keys: RotatedKeys, dtype: torch.dtype) -> torch.Tensor:
    """Rows [LAYERS, COUNT, values] of tokens from `position` on, rotated with a factor as YaRN has one."""
    rows = torch.randn(LAYERS, COUNT, keys.row_values, generator=torch.Generator().manual_seed(1)).double()
    for head in range(keys.heads):
        for pair in range(keys.width // 2):
            places = (pair, pair + keys.width // 2) if keys.rotates_halves else (2 * pair, 2 * pair + 1)
            a, b = (keys.first + head * keys.width + place for place in places)
            angles = [float(keys.inverse_frequencies[pair]) * (position + row) for row in range(COUNT)]
            cos, sin = (torch.tensor([1.2 * turn(angle) for angle in angles]).double() for turn in (math.cos, math.sin))
            first, second = rows[..., a].clone(), rows[..., b].clone()
            rows[..., a], rows[..., b] = first * cos - second * sin, first * sin + second * cos
    return rows.to(dtype)


def move(rows: torch.Tensor, distance: int, keys: RotatedKeys) -> torch.Tensor:
    """Write rows [LAYERS, COUNT, W] into pages, move them by `distance`, and check that all else stays."""
    memory = torch.full((LAYERS, PAGES, PAGE_TOKENS, rows.shape[-1]), 3).to(rows.dtype)
    slots = torch.randperm(PAGES * PAGE_TOKENS, generator=torch.Generator().manual_seed(2))
    sources, targets = slots[:COUNT], slots[COUNT : 2 * COUNT]
    flat = memory.view(LAYERS, -1, rows.shape[-1])
    flat[:, sources] = rows
    before = memory.clone()
    move_rows(memory, sources, targets, distance, keys)
    moved = flat[:, targets].clone()
    flat[:, targets] = before.view_as(flat)[:, targets]
    assert torch.equal(memory, before)
    return moved


def is_no_key(keys: RotatedKeys) -> torch.Tensor:
    columns = torch.arange(keys.row_values)
    return (columns < keys.first) | (columns >= keys.first + keys.heads * keys.width)


@pytest.mark.parametrize("distance", DISTANCES)
def test_fp32_rows_are_those_of_the_other_position(keys: RotatedKeys, distance: int) -> None:
    rows = rows_at(600, keys, torch.float32)
    moved = move(rows, distance, keys)
    torch.testing.assert_close(moved, rows_at(600 + distance, keys, torch.float32), rtol=0, atol=2e-6)
    assert torch.equal(moved[..., is_no_key(keys)], rows[..., is_no_key(keys)])


@pytest.mark.parametrize("distance", DISTANCES)
def test_bf16_rows_are_rounded_twice(keys: RotatedKeys, distance: int) -> None:
    """Both values of a pair were rounded, and their sum is rounded again."""
    rows = rows_at(600, keys, torch.bfloat16)
    moved = move(rows, distance, keys)
    assert torch.equal(moved[..., is_no_key(keys)], rows[..., is_no_key(keys)])
    expected = rows_at(600 + distance, keys, torch.float64)
    largest = rows.abs().max()
    assert ((moved - expected).abs() <= 2.5 * largest * 2**-8).all()
    assert ((moved - expected).norm() / expected.norm()) < 2**-8


@pytest.mark.parametrize("distance", DISTANCES)
def test_int8_rows_are_rounded_twice_where_they_hold_keys(keys: RotatedKeys, distance: int) -> None:
    rows = encode(rows_at(600, keys, torch.float32))
    moved = move(rows, distance, keys)
    expected = rows_at(600 + distance, keys, torch.float32)
    scales = scales_of(rows, keys.row_values)
    width = keys.row_values
    # Half a step of each of two rounded values, and half a step of the new scale.
    bound = scales.amax(-1, keepdim=True) * 0.75 + scales_of(moved, width) * 0.51
    assert ((decode(moved, width) - expected).abs() <= bound).all()
    away = is_no_key(keys) & ~_shares_a_scale(keys)
    assert torch.equal(moved[..., :width][..., away], rows[..., :width][..., away])


def _shares_a_scale(keys: RotatedKeys) -> torch.Tensor:
    groups = torch.arange(keys.row_values) // 16
    return torch.isin(groups, groups[~is_no_key(keys)])


def test_two_moves_are_one() -> None:
    keys = RotatedKeys(8, 0, 1, 8, True, torch.tensor([1.0, 0.3, 0.02, 0.001]))
    rows = rows_at(0, keys, torch.float32)
    torch.testing.assert_close(move(move(rows, 9, keys), -4, keys), move(rows, 5, keys), rtol=0, atol=2e-6)
