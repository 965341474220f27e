"""The codes of int4 cost less than those of the plain grid, by the measure that was asked for."""

import math

import pytest
import torch
from torch import Tensor

from inference.weights import int4_search
from inference.weights.int4_search import Columns, equal_columns, quantize_groups, weigh_columns
from inference.weights.matrix import LARGEST_CODE, Grouped, dequantize, int4_grid, unpack_codes

ROWS, COLUMNS = 48, 256
FORMS: list[Grouped] = ["int4", "int5"]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def values_of(weight: Tensor, columns: list[Columns] | None = None, form: Grouped = "int4") -> Tensor:
    return dequantize(quantize_groups(weight, form, columns or equal_columns(weight.shape[1])), torch.float32)


def nearest_codes(weight: Tensor, largest: int) -> Tensor:
    """Round to `largest` + 1 values from the least to the most of each group, with an exact scale and offset."""
    groups = weight.view(len(weight), -1, 32)
    lowest, highest = (end[..., None] for end in groups.aminmax(dim=-1))
    step = (highest - lowest) / largest
    return (((groups - lowest) / step).round() * step + lowest).flatten(1)


def inputs(count: int, seed: int) -> Tensor:
    """Inputs whose columns differ in size and depend on one another, as a model's do."""
    sizes = random(COLUMNS, seed=100).exp()
    mixed = random(COLUMNS, COLUMNS, seed=101) / 16 + torch.eye(COLUMNS)
    return random(count, COLUMNS, seed=seed) @ mixed * sizes


@pytest.mark.parametrize("form", FORMS)
def test_the_search_beats_the_plain_grid(form: Grouped) -> None:
    weight = random(ROWS, COLUMNS) * 0.05
    error = (values_of(weight, form=form) - weight).square().sum(1)
    plain = (nearest_codes(weight, LARGEST_CODE[form]) - weight).square().sum(1)
    assert (error < plain).float().mean() > 0.95
    assert error.sum() < 0.85 * plain.sum()


def test_a_fifth_bit_halves_the_errors() -> None:
    weight = random(ROWS, COLUMNS) * 0.05
    (columns,) = weigh_columns(inputs(500, seed=1))
    for known in (None, [columns]):
        four, five = ((values_of(weight, known, form) - weight).norm() for form in ("int4", "int5"))
        assert 0.4 * four < five < 0.55 * four


@pytest.mark.parametrize("form", FORMS)
def test_without_feedback_each_weight_gets_the_nearest_code(form: Grouped) -> None:
    weight = random(ROWS, COLUMNS) * 0.05
    matrix = quantize_groups(weight, form, equal_columns(COLUMNS))
    step, lowest = (part[..., None] for part in int4_grid(matrix))
    groups = weight.view(ROWS, -1, 32)
    nearest = ((groups - lowest) / step).round().clamp(0, LARGEST_CODE[form]).flatten(1)
    assert torch.equal(unpack_codes(matrix).float(), nearest)


def test_columns_that_cost_more_get_smaller_errors() -> None:
    weight = random(ROWS, COLUMNS) * 0.05
    costs = torch.ones(COLUMNS)
    costs[::8] = 50
    weighted, equal = values_of(weight, [Columns(costs, None)]), values_of(weight)
    cost = (((values - weight).square() * costs).sum() for values in (weighted, equal))
    assert next(cost) < 0.8 * next(cost)
    assert (weighted - weight)[:, ::8].square().mean() < 0.5 * (equal - weight)[:, ::8].square().mean()


def test_columns_that_depend_on_one_another_make_up_for_errors() -> None:
    weight = random(ROWS, COLUMNS) * 0.05
    known, other = inputs(2000, seed=1), inputs(2000, seed=2)
    (columns,) = weigh_columns(known)
    made_up = values_of(weight, [columns])
    alone = values_of(weight, [Columns(known.square().mean(0), None)])
    errors = [(other @ (values - weight).T).square().sum() for values in (made_up, alone, values_of(weight))]
    assert errors[0] < 0.8 * errors[1]
    assert errors[1] < 0.8 * errors[2]


def test_costs_and_feedback_are_the_factors_of_what_the_inputs_say() -> None:
    x = inputs(500, seed=3)
    (columns,) = weigh_columns(x)
    assert columns.feedback is not None
    assert columns.order is not None
    unit = columns.feedback + torch.eye(COLUMNS)
    got = unit @ columns.costs.diag() @ unit.T
    energy = x.square().mean(1)
    x = x[:, columns.order] * (4 * energy.median() / energy).clamp(max=1).sqrt()[:, None]
    expected = x.T @ x / 500
    mean = expected.diagonal().mean()
    diagonal = expected.diagonal() + 0.1 * mean
    expected = expected / (1 + 1.3 * math.sqrt(COLUMNS / 500))
    expected.diagonal().copy_(diagonal)
    torch.testing.assert_close(got, expected / mean, rtol=1e-4, atol=1e-4)


def test_wide_products_are_cut_into_blocks_of_whole_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int4_search, "MOST_TOGETHER", 100)
    blocks = weigh_columns(inputs(300, seed=4))
    assert [block.count for block in blocks] == [96, 96, 64]
    weight = random(ROWS, COLUMNS) * 0.05
    parts = [values_of(part, [block]) for part, block in zip(weight.split([96, 96, 64], 1), blocks, strict=True)]
    assert (values_of(weight, blocks) - torch.cat(parts, 1)).abs().max() < 0.05  # only the units of the rows differ
    assert not torch.equal(values_of(weight, blocks), values_of(weight))


def test_weights_of_16_values_come_back() -> None:
    steps = random(ROWS, 8).abs()[..., None] + 0.2
    codes = torch.randint(0, 16, (ROWS, 8, 32), generator=torch.Generator().manual_seed(5))
    weight = (codes * steps - 7 * steps).flatten(1)
    # Half a unit of the scale for code 15, and half one of the offset.
    limit = quantize_groups(weight, "int4", equal_columns(COLUMNS)).tensors[3] @ torch.tensor([7.5, 0.5])
    assert ((values_of(weight) - weight).abs() <= limit[:, None] * 1.01).all()


@pytest.mark.parametrize("form", FORMS)
def test_inputs_may_say_little_or_nothing(form: Grouped) -> None:
    weight, plain = random(ROWS, COLUMNS) * 0.05, values_of(random(ROWS, COLUMNS) * 0.05, form=form)
    few = inputs(3, seed=7)  # the cost of errors has a rank of 3 for 256 columns
    alike = inputs(1, seed=8).repeat(400, 1)
    dead = inputs(400, seed=9) * (torch.arange(COLUMNS) % 3 == 0)
    for x in (few, alike, dead, torch.zeros(400, COLUMNS)):
        values = values_of(weight, weigh_columns(x), form)
        assert (values - weight).norm() < 2 * (plain - weight).norm()
    for wild in (math.inf, math.nan):
        few[1, 2] = wild
        assert torch.equal(values_of(weight, weigh_columns(few), form), plain)


def test_inputs_in_half_precision_are_summed_in_single() -> None:
    x = inputs(2000, seed=10)
    (half,), (single,) = weigh_columns((30 * x).half()), weigh_columns((30 * x).half().float())
    assert half.order is not None
    assert single.order is not None
    assert torch.equal(half.order, single.order)
    assert torch.equal(half.costs, single.costs)


def test_rows_without_a_range() -> None:
    weight = torch.zeros(4, COLUMNS)
    weight[1] = 0.25
    weight[2] = -0.25
    weight[3, 7] = 40.0  # an outlier costs its row precision, but no weight its sign or more than its size
    weight[3, 64:] = random(COLUMNS - 64) * 0.05
    values = values_of(weight)
    assert values.isfinite().all()
    torch.testing.assert_close(values[:3], weight[:3], rtol=2e-2, atol=1e-7)
    assert values[3, 7] == pytest.approx(40, rel=1e-2)
    assert (values[3] - weight[3])[64:].norm() < 0.5 * weight[3, 64:].norm()


def test_rows_do_not_depend_on_those_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, columns = random(ROWS, COLUMNS) * 0.05, weigh_columns(inputs(500, seed=6))
    whole = quantize_groups(weight, "int5", columns)
    monkeypatch.setattr(int4_search, "_VALUES_AT_ONCE", 7 * len(int4_search.GRIDS) * 32)
    for got, expected in zip(quantize_groups(weight, "int5", columns).tensors, whole.tensors, strict=True):
        assert torch.equal(got, expected)
