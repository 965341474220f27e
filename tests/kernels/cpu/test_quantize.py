"""The native search of codes in groups chooses what the reference in torch chooses."""

import ctypes
from collections.abc import Callable

import pytest
import torch

from inference.weights.int4_search import Columns, row_units, search_rows, weigh_columns
from inference.weights.matrix import LARGEST_CODE, Grouped, Matrix, dequantize, pack_codes
from kernels.cpu.quantize import QuantizeFunction, quantize_rows


@pytest.fixture(scope="module")
def function(compile_header: Callable[[str], ctypes.CDLL], isa: str) -> QuantizeFunction:
    function: QuantizeFunction = getattr(compile_header("exports_quantize.h"), f"midspan_{isa}_quantize_rows")
    return function


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def inputs(columns: int) -> torch.Tensor:
    mixed = random(columns, columns, seed=1) / columns**0.5 + torch.eye(columns)
    x: torch.Tensor = random(400, columns, seed=2) @ mixed * random(columns, seed=3).exp()
    return x


@pytest.mark.parametrize("form", ["int4", "int5"])
@pytest.mark.parametrize("has_feedback", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(16, 32), (1, 64), (37, 96), (130, 448)])
def test_the_codes_are_those_of_the_reference(
    rows: int, columns: int, has_feedback: bool, form: Grouped, function: QuantizeFunction
) -> None:
    largest = LARGEST_CODE[form]
    weight = random(rows, columns, seed=rows) * 0.05
    weight[rows // 2] = 0
    weight[rows - 1, 5] = 3.0
    (weighed,) = weigh_columns(inputs(columns))
    cost = Columns(weighed.costs, weighed.feedback if has_feedback else None)
    units = row_units(weight, largest)
    expected = search_rows(weight, units, cost, largest)
    got = quantize_rows(function, weight, units, cost.costs, cost.feedback, largest)
    for ours, theirs in zip(got, expected, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    # Sums are rounded in another order: where two grids cost the same either may be chosen, and with feedback all that
    # comes after in that row may differ.
    same = (got[0] == expected[0]).float().mean()
    assert same > (0.9 if has_feedback else 0.99)
    unit = torch.eye(columns) if cost.feedback is None else cost.feedback + torch.eye(columns)

    def total_cost(parts: tuple[torch.Tensor, ...]) -> float:
        codes, scale, offset = parts
        low, *high = pack_codes(form, codes)
        errors = weight - dequantize(Matrix(form, (low, scale, offset, units, *high)), torch.float32)
        return float(((errors @ unit).square() * cost.costs).sum())

    assert total_cost(got) == pytest.approx(total_cost(expected), rel=0.01)


def test_a_part_of_a_wider_matrix_is_read_where_it_lies(function: QuantizeFunction) -> None:
    whole = torch.full((40, 200), float("nan"))
    weight = whole[:, 64:160]
    weight.copy_(random(40, 96) * 0.05)
    units, costs = row_units(weight, 15), torch.ones(96)
    got = quantize_rows(function, weight, units, costs, None, 15)
    expected = quantize_rows(function, weight.contiguous(), units, costs, None, 15)
    for ours, theirs in zip(got, expected, strict=True):
        assert torch.equal(ours, theirs)
