"""The native layout holds the codes of a matrix, each where its definition says."""

from dataclasses import replace

import pytest
import torch

from inference.weights.matrix import ROWS_AT_ONCE, Grouped, Matrix, Quant, dequantize, unpack_codes
from inference.weights.native_layout import (
    BLOCK_BYTES,
    NativeMatrix,
    native_shapes,
    pack,
    pack_groups,
    pack_int8,
    unpack_groups,
    unpack_int8,
)
from inference.weights.quantize import quantize

FORMS: list[Grouped] = ["int4", "int5"]
SHAPES = [(64, 10944), (80, 96), (7, 32), (130, 64)]


def random_matrix(rows: int, columns: int, quant: Quant) -> Matrix:
    return quantize(torch.randn(rows, columns, generator=torch.Generator().manual_seed(rows)) * 0.05, quant)


def assert_equal(got: Matrix, expected: Matrix) -> None:
    assert got.quant == expected.quant
    for ours, theirs in zip(got.tensors, expected.tensors, strict=True):
        assert ours.dtype == theirs.dtype
        assert torch.equal(ours, theirs)


def with_padding(native: NativeMatrix) -> NativeMatrix:
    """Count the padding as rows and columns of the matrix."""
    return replace(native, rows=-(-native.rows // 16) * 16, columns=-(-native.columns // 64) * 64)


def assert_padded_with_zeros(whole: torch.Tensor, rows: int, columns: int) -> None:
    assert whole[:rows, :columns].abs().max() > 0
    assert not whole[rows:].any()
    assert not whole[:, columns:].any()


@pytest.mark.parametrize(("rows", "columns"), [*SHAPES, (48, 40)])
def test_int8_comes_back_and_its_padding_weighs_nothing(rows: int, columns: int) -> None:
    matrix = random_matrix(rows, columns, "int8")
    native = pack_int8(matrix)
    assert native.codes.dtype == torch.uint8
    assert native.codes.shape == (-(-rows // 16), -(-columns // 64) * 16, 16, 4)
    assert native.units.shape == (len(native.codes) * 16,)
    assert_equal(unpack_int8(native), matrix)
    assert_padded_with_zeros(dequantize(unpack_int8(with_padding(native)), torch.float32), rows, columns)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_groups_come_back_and_their_padding_weighs_nothing(form: Grouped, rows: int, columns: int) -> None:
    matrix = random_matrix(rows, columns, form)
    native = pack_groups(matrix)
    assert native.quant == form
    assert native.codes.dtype == torch.uint8
    assert native.codes.shape == (-(-rows // 16), -(-columns // 64), {"int4": 576, "int5": 704}[form])
    assert native.units.shape == (2, len(native.codes) * 16)
    assert (native.codes.shape, native.units.shape) == native_shapes(form, rows, columns)
    assert_equal(unpack_groups(native), matrix)
    assert_padded_with_zeros(dequantize(unpack_groups(with_padding(native)), torch.float32), rows, columns)


@pytest.mark.parametrize("form", [*FORMS, "int8"])
def test_a_matrix_of_many_rows_is_reordered_a_part_at_a_time(form: Quant) -> None:
    matrix = random_matrix(2 * ROWS_AT_ONCE + 40, 96, form)
    at_once = pack_int8(matrix) if form == "int8" else pack_groups(matrix)
    packed = pack(matrix)
    assert (packed.rows, packed.columns, packed.quant) == (at_once.rows, at_once.columns, form)
    assert torch.equal(packed.codes, at_once.codes)
    assert torch.equal(packed.units, at_once.units)


def test_each_byte_of_int8_is_where_the_definition_says() -> None:
    matrix = random_matrix(32, 128, "int8")
    codes = pack_int8(matrix).codes.flatten()
    for row, column in [(0, 0), (5, 3), (15, 127), (16, 4), (31, 66)]:
        at = ((row // 16 * 32 + column // 4) * 16 + row % 16) * 4 + column % 4
        assert codes[at] == int(matrix.tensors[0][row, column]) + 128


@pytest.mark.parametrize("form", FORMS)
def test_each_byte_of_groups_is_where_the_definition_says(form: Grouped) -> None:
    matrix = random_matrix(32, 128, form)
    native = pack_groups(matrix)
    file = native.codes.flatten()
    codes, (_, scale, offset, row_units) = unpack_codes(matrix), matrix.tensors[:4]
    for row in range(32):
        for column in range(128):
            block = (row // 16 * 2 + column // 64) * BLOCK_BYTES[form]
            group, within = column % 64 // 32, column % 32
            vector = 4 * group + within % 16 // 4
            at, half = 4 * (row % 16) + within % 4, within // 16
            code = file[block + vector * 64 + at] >> 4 * half & 15
            if form == "int5":
                code += 16 * (file[block + 512 + 16 * vector + 8 * half + at // 8] >> at % 8 & 1)
            assert code == codes[row, column]
            grid = block + BLOCK_BYTES[form] - 64 + group * 32 + row % 16
            assert file[grid] == scale[row, column // 32]
            assert file[grid + 16] == offset[row, column // 32]
    assert torch.equal(native.units, row_units.T)
