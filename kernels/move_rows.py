"""Moves cached tokens to other positions: rows are copied, and their keys rotated by the distance.

A key that rope has rotated to position p becomes that of p + n by a rotation of n positions (Su et al.,
arXiv:2104.09864). A factor that YaRN puts on rotations is in the key already. Values and latents know no position.
"""

from dataclasses import dataclass

import torch

from kernels.int8_rows import SCALE_BYTES, SCALED_VALUES, decode, encode


@dataclass(frozen=True)
class RotatedKeys:
    """The rotated keys in a cache row: `heads` keys of `width` values each, from the value `first` on.

    `inverse_frequencies` [width / 2] are radians for each position. Pairs are (i, i + width / 2) with
    `rotates_halves`, else (2i, 2i + 1).
    """

    row_values: int  # of the whole row
    first: int
    heads: int
    width: int
    rotates_halves: bool
    inverse_frequencies: torch.Tensor


def move_rows(
    memory: torch.Tensor, sources: torch.Tensor, targets: torch.Tensor, distance: int, keys: RotatedKeys
) -> None:
    """Copy the rows of the slots `sources` to the slots `targets` in every layer, with keys `distance` positions on.

    memory [L, P, S, W] contiguous, of floats or of int8 rows (kernels/cpu/page_row.h); sources, targets [N] int64 are
    flat, page * S + offset, and no slot is in both. The angles are those of fp64, and values are rotated in fp32. Rows
    of int8 are rounded anew, where they hold keys.
    """
    angles = distance * keys.inverse_frequencies.double()
    cos, sin = (each.float().to(memory.device) for each in (angles.cos(), angles.sin()))
    is_coded = memory.dtype == torch.int8
    for layer in memory.view(len(memory), -1, memory.shape[-1]):  # one at a time: a layer's rows stay in the cache
        rows = layer.index_select(0, sources)
        if is_coded:
            _rotate_coded(rows, cos, sin, keys)
        else:
            part = rows[:, keys.first : keys.first + keys.heads * keys.width]
            part.copy_(_rotate(part.float(), cos, sin, keys))
        layer.index_copy_(0, targets, rows)


def _rotate(values: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, keys: RotatedKeys) -> torch.Tensor:
    """Rotate the keys [N, heads * width] in fp32."""
    pairs = (2, keys.width // 2) if keys.rotates_halves else (keys.width // 2, 2)
    axis = -2 if keys.rotates_halves else -1
    first, second = values.view(len(values), keys.heads, *pairs).unbind(axis)
    return torch.stack((first * cos - second * sin, first * sin + second * cos), dim=axis).flatten(1)


def _rotate_coded(rows: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, keys: RotatedKeys) -> None:
    """Rotate the keys of int8 rows [N, W] in place, and round anew the values that share a scale with them."""
    end = keys.first + keys.heads * keys.width
    from_group, to_group = keys.first // SCALED_VALUES, -(-end // SCALED_VALUES)
    start, stop = from_group * SCALED_VALUES, min(to_group * SCALED_VALUES, keys.row_values)
    scales = slice(keys.row_values + SCALE_BYTES * from_group, keys.row_values + SCALE_BYTES * to_group)
    values = decode(torch.cat((rows[:, start:stop], rows[:, scales]), dim=1), stop - start)
    part = values[:, keys.first - start : end - start]
    part.copy_(_rotate(part, cos, sin, keys))
    coded = encode(values)
    rows[:, start:stop], rows[:, scales] = coded[:, : stop - start], coded[:, stop - start :]
