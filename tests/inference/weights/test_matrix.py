"""Quantized matrices are near the weights, and every way to multiply by one gives the same."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from inference.weights.linear import GroupsLinear, Int8Linear, Linear, ReferenceLinear, make_linear
from inference.weights.matrix import (
    PARTS,
    Grouped,
    Matrix,
    Quant,
    dequantize,
    form_of,
    join_bits,
    join_rows,
    part_shapes,
    split_bits,
)
from inference.weights.quantize import quantize

QUANTIZED: list[Quant] = ["int8", "int5", "int4"]
# Released widths that are awkward: DeepSeek's 10944 and 1408 are no multiples of 256.
SHAPES = [(64, 10944), (128, 1408), (80, 96), (2112, 64), (7, 32), (48, 40)]


def random_weight(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * 0.05


def form_in(smallest: Quant, columns: int) -> Quant:
    """Return the form of a matrix of this smallest form."""
    return form_of("int8", "int4", columns) if smallest == "int8" else form_of("int4", smallest, columns)


def test_bits_come_back_with_the_lowest_first() -> None:
    bits = torch.randint(0, 2, (3, 5, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    packed = join_bits(bits)
    assert packed.shape == (3, 5, 4)
    assert packed[1, 2, 3] == sum(int(bits[1, 2, 24 + i]) << i for i in range(8))
    assert torch.equal(split_bits(packed), bits)


def test_each_value_of_int8_becomes_the_nearest_code() -> None:
    weight = random_weight(130, 1408)
    weight[3] = 0
    weight[4] = 0.25
    weight[5, 7] = 40.0
    error = (dequantize(quantize(weight, "int8"), torch.float32) - weight).abs()
    assert (error <= weight.abs().amax(dim=1, keepdim=True) / 254 + 1e-7).all()
    assert error.max() > 1e-5  # something was quantized


@pytest.mark.parametrize("form", ["int4", "int5"])
def test_a_value_is_what_the_layout_says(form: Grouped) -> None:
    matrix = quantize(random_weight(3, 64), form)
    codes, scale, offset, row, *high = (part.tolist() for part in matrix.tensors)
    wide = dequantize(matrix, torch.float64)
    for r, k in [(0, 0), (1, 15), (1, 16), (2, 31), (2, 32), (0, 63)]:
        group, j = divmod(k, 32)
        code = codes[r][group * 16 + j % 16] >> (4 if j >= 16 else 0) & 15
        if form == "int5":
            code += 16 * (high[0][r][k // 8] >> k % 8 & 1)
        expected = row[r][0] * scale[r][group] * code - row[r][1] * offset[r][group]
        assert wide[r, k] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("quant", QUANTIZED)
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_the_layout_is_what_part_shapes_says(quant: Quant, rows: int, columns: int) -> None:
    form = form_in(quant, columns)
    assert form == ("int8" if columns == 40 else quant), "10944 and 1408 columns have all forms"
    matrix = quantize(random_weight(rows, columns), form)
    assert tuple(tuple(t.shape) for t in matrix.tensors) == part_shapes(form, rows, columns)
    assert len(PARTS[form]) == len(matrix.tensors)


def test_what_must_stay_precise_does() -> None:
    assert form_of("int4", at_least="int8", columns=64) == "int8"
    assert form_of("int4", at_least="int5", columns=64) == "int5"
    assert form_of("int8", at_least="int5", columns=64) == "int8"
    assert form_of("wide", at_least="int8", columns=64) == "wide"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("quant", QUANTIZED)
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_every_number_of_rows_gives_the_product_of_the_widened_matrix(
    quant: Quant, rows: int, columns: int, dtype: torch.dtype
) -> None:
    matrix = quantize(random_weight(rows, columns), form_in(quant, columns))
    bias = random_weight(1, rows, seed=2)[0]
    fast = make_linear(matrix, bias.to(dtype), dtype)
    exact = ReferenceLinear(matrix, bias)
    for count in (1, 2, 23, 24, 63, 64, 130):
        x = random_weight(count, columns, seed=count) * 20
        expected = exact(x.to(dtype).float())
        limit = 1e-5 if dtype == torch.float32 else 2e-2
        got = fast(x.to(dtype))
        assert got.dtype == dtype
        torch.testing.assert_close(got.float(), expected, rtol=0, atol=limit * float(expected.abs().max()))


def test_the_fast_products_are_taken_for_the_released_shapes() -> None:
    for rows, columns in [(2048, 10944), (2816, 2048), (2048, 1408)]:
        weight = random_weight(rows, columns)
        assert isinstance(make_linear(quantize(weight, "int8"), None, torch.bfloat16), Int8Linear)
        for form in ("int4", "int5"):
            assert isinstance(make_linear(quantize(weight, form), None, torch.bfloat16), GroupsLinear)


@pytest.mark.parametrize("quant", ["wide", *QUANTIZED])
def test_rows_are_joined_and_chosen_in_every_form(quant: Quant) -> None:
    weight = random_weight(96, 64)
    whole = quantize(weight, quant)
    parts = [quantize(weight[a:b], quant) for a, b in pairwise((0, 16, 48, 96))]
    joined = join_rows(parts[0], iter(parts[1:]), 96)
    order = torch.randperm(96, generator=torch.Generator().manual_seed(1))
    for got, expected in [(joined, whole), (whole.pick_rows(order), Matrix(quant, tuple(whole.tensors)))]:
        rows = dequantize(expected, torch.float32)
        rows = rows if got is joined else rows[order]
        assert torch.equal(dequantize(got, torch.float32), rows)


@pytest.mark.parametrize("quant", QUANTIZED)
def test_a_matrix_too_large_to_widen_at_once(quant: Quant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.weights.linear.WIDENED_AT_ONCE", 64 * 150)
    monkeypatch.setattr("inference.weights.packed_int4.WIDENED_AT_ONCE", 64 * 150)
    matrix = quantize(random_weight(448, 64), quant)
    linear: Linear = make_linear(matrix, None, torch.float32)
    x = random_weight(70, 64, seed=3)
    torch.testing.assert_close(linear(x), F.linear(x, dequantize(matrix, torch.float32)), rtol=0, atol=1e-5)
