"""The layout of quantized matrices that the native step reads: the codes of 16 rows lie together.

Rows are padded to a multiple of 16 and columns to a multiple of 64, with weights of zero; N16 and K64 below.

    int8  codes   [N16 / 16, K64 / 4, 16, 4] uint8: code + 128 of 16 rows and four columns
          scale   [N16] fp32
    int4  blocks  [N16 / 16, K64 / 64, 576] uint8: 16 rows and 64 columns, which are two groups. Bytes 0..511 are eight
                  vectors of 64 bytes, vectors 4g to 4g + 3 for group g. Byte 4r + j of vector 4g + v holds the code of
                  row r and column 32g + 4v + j in its low half, and that of column 32g + 16 + 4v + j in its high half.
                  Bytes 512..575: for each group the scales of the 16 rows, then their offsets
          units   [2, N16] fp32: the units of the rows' scales, then those of their offsets
    int5  blocks  [N16 / 16, K64 / 64, 704] uint8: as int4, with the fifth bits of the codes before the scales. Bit
                  i % 8 of byte 512 + 16w + 8h + i / 8 is of the code in byte i of vector w: in its low half
                  for h = 0, in its high half for h = 1
"""

from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor
from torch.nn import functional as F

from inference.weights.matrix import GROUP_COLUMNS, ROWS_AT_ONCE, Matrix, Quant, join_bits, split_bits

BLOCK_ROWS = 16
BLOCK_COLUMNS = 64
INT8_OFFSET = 128
_GROUPS = BLOCK_COLUMNS // GROUP_COLUMNS
_VECTOR_COLUMNS = 4  # of one half: four columns of 16 rows fill a vector
_VECTORS = GROUP_COLUMNS // 2 // _VECTOR_COLUMNS  # of a group
_CODE_BYTES = BLOCK_ROWS * BLOCK_COLUMNS // 2
_FIFTH_BYTES = BLOCK_ROWS * BLOCK_COLUMNS // 8
_GRID_BYTES = _GROUPS * 2 * BLOCK_ROWS
BLOCK_BYTES = {"int4": _CODE_BYTES + _GRID_BYTES, "int5": _CODE_BYTES + _FIFTH_BYTES + _GRID_BYTES}


@dataclass(frozen=True)
class NativeMatrix:
    """A matrix in the native layout. `codes` are the codes of int8 or the blocks of int4 and int5."""

    codes: Tensor
    units: Tensor  # the scale of int8, the units of int4 and int5
    rows: int  # without padding
    columns: int

    @property
    def quant(self) -> Quant:
        if self.units.dim() == 1:
            return "int8"
        return "int5" if self.codes.shape[2] == BLOCK_BYTES["int5"] else "int4"


# The ending of the name under which a copy on disk keeps the units; the codes have the matrix's own name.
UNITS = ".units"


def native_shapes(quant: Quant, rows: int, columns: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shapes of a quantized matrix's codes and units."""
    blocks, across = -(-rows // BLOCK_ROWS), -(-columns // BLOCK_COLUMNS)
    if quant == "int8":
        return (blocks, across * BLOCK_COLUMNS // 4, BLOCK_ROWS, 4), (blocks * BLOCK_ROWS,)
    return (blocks, across, BLOCK_BYTES[quant]), (2, blocks * BLOCK_ROWS)


def pack(matrix: Matrix) -> NativeMatrix:
    """Reorder a quantized matrix. Beside the result, only some rows are held: an embedding is 100 MB and more."""
    rows = matrix.tensors[0].shape[0]
    pack_rows = pack_int8 if matrix.quant == "int8" else pack_groups
    tensors_of_rows = zip(*(torch.split(tensor, ROWS_AT_ONCE) for tensor in matrix.tensors), strict=True)
    packed = (pack_rows(Matrix(matrix.quant, tensors)) for tensors in tensors_of_rows)
    first = next(packed)
    if first.rows == rows:
        return first
    codes_shape, units_shape = native_shapes(matrix.quant, rows, first.columns)
    codes, units = first.codes.new_empty(codes_shape), first.units.new_empty(units_shape)
    block = 0
    for part in chain([first], packed):
        end = block + len(part.codes)
        codes[block:end] = part.codes
        units[..., block * BLOCK_ROWS : end * BLOCK_ROWS] = part.units
        block = end
    return NativeMatrix(codes, units, rows, first.columns)


def pack_int8(matrix: Matrix) -> NativeMatrix:
    """Reorder an int8 matrix."""
    codes, scale = matrix.tensors
    rows, columns = codes.shape
    padded = _pad(codes, rows, columns).to(torch.int16).add_(INT8_OFFSET).to(torch.uint8)
    blocks = padded.view(-1, BLOCK_ROWS, padded.shape[1] // 4, 4).transpose(1, 2).contiguous()
    return NativeMatrix(blocks, _pad_rows(scale, rows), rows, columns)


def unpack_int8(native: NativeMatrix) -> Matrix:
    """Restore the matrix that `pack_int8` reordered."""
    padded = native.codes.transpose(1, 2).flatten(2).flatten(0, 1)
    codes = padded[: native.rows, : native.columns].to(torch.int16).sub_(INT8_OFFSET).to(torch.int8)
    return Matrix("int8", (codes, native.units[: native.rows].clone()))


def pack_groups(matrix: Matrix) -> NativeMatrix:
    """Reorder an int4 or int5 matrix."""
    halves, scale, offset, row, *fifth = matrix.tensors
    rows, columns = halves.shape[0], halves.shape[1] * 2
    # A byte of a group holds columns that are 16 apart in both layouts: only the bytes move.
    halves = _pad(halves, rows, columns // 2, BLOCK_COLUMNS // 2)
    blocks = len(halves) // BLOCK_ROWS
    vectors = halves.view(blocks, BLOCK_ROWS, -1, _GROUPS, _VECTORS, _VECTOR_COLUMNS)
    parts = [vectors.permute(0, 2, 3, 4, 1, 5).reshape(blocks, -1, _CODE_BYTES)]
    for bits in fifth:
        padded = split_bits(_pad(bits, rows, columns // 8, BLOCK_COLUMNS // 8))
        columns_of = padded.view(blocks, BLOCK_ROWS, -1, _GROUPS, 2, _VECTORS, _VECTOR_COLUMNS)
        ordered = columns_of.permute(0, 2, 3, 5, 4, 1, 6).reshape(blocks, vectors.shape[2], -1)
        parts.append(join_bits(ordered))
    grids = torch.stack([_pad(part, rows, columns // GROUP_COLUMNS, _GROUPS) for part in (scale, offset)])
    grids = grids.view(2, blocks, BLOCK_ROWS, -1, _GROUPS).permute(1, 3, 4, 0, 2)
    parts.append(grids.reshape(blocks, -1, _GRID_BYTES))
    return NativeMatrix(torch.cat(parts, dim=-1), _pad_rows(row, rows).T.contiguous(), rows, columns)


def unpack_groups(native: NativeMatrix) -> Matrix:
    """Restore the matrix that `pack_groups` reordered."""
    rows, columns, quant = native.rows, native.columns, native.quant
    blocks, across, _ = native.codes.shape
    sizes = [_CODE_BYTES, native.codes.shape[2] - _CODE_BYTES - _GRID_BYTES, _GRID_BYTES]
    codes, fifth, grids = torch.split(native.codes, sizes, dim=-1)
    vectors = codes.view(blocks, across, _GROUPS, _VECTORS, BLOCK_ROWS, _VECTOR_COLUMNS)
    halves = vectors.permute(0, 4, 1, 2, 3, 5).reshape(blocks * BLOCK_ROWS, -1)
    grids = grids.view(blocks, across, _GROUPS, 2, BLOCK_ROWS)
    scale, offset = grids.permute(3, 0, 4, 1, 2).reshape(2, blocks * BLOCK_ROWS, -1)
    groups = columns // GROUP_COLUMNS
    parts = [halves[:, : columns // 2], scale[:, :groups], offset[:, :groups], native.units.T]
    if quant == "int5":
        bits = split_bits(fifth).view(blocks, across, _GROUPS, _VECTORS, 2, BLOCK_ROWS, _VECTOR_COLUMNS)
        ordered = bits.permute(0, 5, 1, 2, 4, 3, 6).reshape(blocks * BLOCK_ROWS, -1)
        parts.append(join_bits(ordered)[:, : columns // 8])
    return Matrix(quant, tuple(part[:rows].contiguous() for part in parts))


def _pad(part: Tensor, rows: int, columns: int, step: int = BLOCK_COLUMNS) -> Tensor:
    """Pad [rows, columns] to whole blocks of rows and to a multiple of `step` columns, with zeros."""
    return F.pad(part, (0, -columns % step, 0, -rows % BLOCK_ROWS))


def _pad_rows(part: Tensor, rows: int) -> Tensor:
    return torch.cat([part, part.new_zeros(-rows % BLOCK_ROWS, *part.shape[1:])])
