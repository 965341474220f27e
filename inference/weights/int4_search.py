"""Chooses scales, offsets and codes of int4 and int5 for the least error of a product's outputs.

The inputs x of a product say what an error costs: the squared error of the outputs is e H e^T for the errors e of a row
of weights and H = x^T x / T. With H = (1 + U) diag(d) (1 + U)^T, U strictly upper, that is a sum over the columns k of
d_k (t_k - c_k)^2. Here c_k is the value of the code, and the target t_k = w_k + sum_j<k e_j U_jk is the weight and what
the errors of the columns before it leave to make up for. So the codes are chosen from the first column to the last,
each as near to its target as can be.

LDLQ of QuIP (arXiv:2307.13304, section 3), which is GPTQ (arXiv:2210.17323) without an inverse.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inference.weights.matrix import GROUP_COLUMNS, LARGEST_CODE, UINT8_LARGEST, Grouped, Matrix, pack_codes
from kernels.cpu.library import native_library
from kernels.cpu.quantize import quantize_rows

# The columns that make up for one another's errors: more cost time and gain nothing.
MOST_TOGETHER = 2048
# The number of steps from a group's smallest to its largest weight in the grids that are tried, beside that of the
# codes. Fewer leave codes unused, more cut the ends off.
GRIDS = tuple(steps / 2 for steps in range(-6, 5))
REFITS = 2
# A target may lie outside of the weights' range.
HEADROOM = 1.15
# An estimate of H from T inputs has errors that grow with the number of columns K. So only a part of what is not on its
# diagonal counts: 1 / (1 + 1.3 sqrt(K / T)) made the least errors with other inputs, for T from 16 to 4,400.
DOUBT = 1.3
# The first token of a text has inputs a thousand times as large as all others in some layers, and would outweigh them.
MOST_ENERGY = 4  # of a token's inputs, in medians
# Each column costs a part of the mean besides. For other code that is neither better nor worse; inputs that are nothing
# like code lose a quarter of their errors.
FLOOR = 0.1
_VALUES_AT_ONCE = 1 << 23
_TOKENS_AT_ONCE = 256


@dataclass(frozen=True)
class Columns:
    """The cost of errors in some neighbouring columns of a matrix."""

    costs: Tensor  # d [K] fp32, in the order in which codes are chosen
    feedback: Tensor | None  # U [K, K] fp32; None: columns do not make up for one another
    order: Tensor | None = None  # the columns in that order, by whole groups; None: from left to right

    @property
    def count(self) -> int:
        return len(self.costs)


def equal_columns(columns: int) -> list[Columns]:
    """Return the cost of errors for a product whose inputs are not known."""
    return [Columns(torch.ones(columns), None)]


def weigh_columns(x: Tensor) -> list[Columns]:
    """Compute the cost of errors from inputs x [T, K], in blocks of columns that make up for one another's errors.

    Inputs that are not finite, as a model with wild weights has them, say nothing.
    """
    if not x.isfinite().all():
        return equal_columns(x.shape[1])
    if x.dtype == torch.float16:  # the sums of squares do not fit
        x = x.float()
    energy = torch.cat([rows.float().square().mean(dim=1, keepdim=True) for rows in torch.split(x, _TOKENS_AT_ONCE)])
    limit = MOST_ENERGY * energy.median()
    x = x * (limit / energy.clamp(min=limit)).sqrt().to(x.dtype) if limit > 0 else x
    groups = x.shape[1] // GROUP_COLUMNS
    blocks = -(-x.shape[1] // MOST_TOGETHER)
    return [_weigh(block) for block in torch.split(x, -(-groups // blocks) * GROUP_COLUMNS, dim=1)]


def _weigh(x: Tensor) -> Columns:
    tokens, columns = x.shape
    cost = (x.T @ x).float() / tokens
    diagonal = cost.diagonal().clone()
    mean = diagonal.mean().clamp(min=torch.finfo(torch.float32).tiny)
    order = _dearest_first(diagonal)
    cost *= 1 / (1 + DOUBT * math.sqrt(columns / tokens))
    cost.diagonal().copy_(diagonal + FLOOR * mean)
    # The factor of the reversed matrix is upper triangular when it is reversed back.
    reverse = order.flip(0)
    upper = torch.linalg.cholesky(cost[reverse[:, None], reverse] / mean).flip(0, 1)
    root = upper.diagonal().clone()
    return Columns(root.square(), (upper / root).triu_(1).contiguous(), order)


def _dearest_first(costs: Tensor) -> Tensor:
    """Order columns by their cost, group by group and within the groups: the later ones make up for the earlier."""
    groups = costs.view(-1, GROUP_COLUMNS)
    within = groups.argsort(dim=1, descending=True, stable=True)
    order = groups.mean(dim=1).argsort(descending=True, stable=True)
    return (order[:, None] * GROUP_COLUMNS + within[order]).flatten()


def quantize_groups(weight: Tensor, form: Grouped, columns: Sequence[Columns]) -> Matrix:
    """Quantize weight [N, K] for the cost of errors in its columns."""
    largest = LARGEST_CODE[form]
    units = row_units(weight, largest)
    blocks = torch.split(weight, [block.count for block in columns], dim=1)
    parts = [_search_in_order(part.float(), units, block, largest) for part, block in zip(blocks, columns, strict=True)]
    codes, scale, offset = (torch.cat(tensors, dim=1) for tensors in zip(*parts, strict=True))
    low, *high = pack_codes(form, codes)
    return Matrix(form, (low, scale, offset, units, *high))


def row_units(weight: Tensor, largest: int) -> Tensor:
    """Choose the units of the rows' scales and offsets, [N, 2]: 255 of them are the largest that is needed."""
    lowest, highest = weight.float().view(weight.shape[0], -1, GROUP_COLUMNS).aminmax(dim=-1)
    lowest = lowest.clamp(max=0)
    step = (highest.clamp(min=0) - lowest) / largest
    units = torch.stack([step.amax(dim=1), -lowest.amin(dim=1)], dim=1)
    return (units * (HEADROOM / UINT8_LARGEST)).clamp(min=torch.finfo(torch.float32).tiny)


def _search_in_order(weight: Tensor, units: Tensor, columns: Columns, largest: int) -> tuple[Tensor, Tensor, Tensor]:
    if columns.order is None:
        return _search(weight, units, columns, largest)
    codes, scale, offset = _search(weight[:, columns.order], units, columns, largest)
    groups = (columns.order[::GROUP_COLUMNS] // GROUP_COLUMNS).argsort()
    return codes[:, columns.order.argsort()], scale[:, groups], offset[:, groups]


def _search(weight: Tensor, units: Tensor, columns: Columns, largest: int) -> tuple[Tensor, Tensor, Tensor]:
    """Quantize weight [N, K] fp32: codes [N, K] up to `largest`, scale and offset [N, K / 32], all uint8."""
    library = native_library().functions
    if library is not None:
        function = library.midspan_quantize_rows
        return quantize_rows(function, weight, units, columns.costs, columns.feedback, largest)
    rows_at_once = max(1, _VALUES_AT_ONCE // (len(GRIDS) * GROUP_COLUMNS))
    chunks = zip(torch.split(weight, rows_at_once), torch.split(units, rows_at_once), strict=True)
    parts = [search_rows(rows, row_units, columns, largest) for rows, row_units in chunks]
    codes, scale, offset = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    return codes, scale, offset


def search_rows(weight: Tensor, units: Tensor, columns: Columns, largest: int) -> tuple[Tensor, Tensor, Tensor]:
    """Do in torch what kernels/cpu/quantize.h does much faster: the reference."""
    errors, groups = torch.zeros_like(weight), []
    for start in range(0, columns.count, GROUP_COLUMNS):
        group = slice(start, start + GROUP_COLUMNS)
        target, costs = weight[:, group].clone(), columns.costs[group]
        inner = None
        if columns.feedback is not None:
            target += errors[:, :start] @ columns.feedback[:start, group]
            inner = columns.feedback[group, group]
        scale, offset = _round_grid(target, costs, *_best_grid(target, costs, largest), units, largest)
        step, lowest = scale * units[:, 0], offset * -units[:, 1]
        codes = _choose_codes(weight[:, group], target, step, lowest, errors[:, group], inner, largest)
        groups.append((codes, scale[:, None], offset[:, None]))
    codes, scale, offset = (torch.cat(tensors, dim=1).to(torch.uint8) for tensors in zip(*groups, strict=True))
    return codes, scale, offset


def _best_grid(target: Tensor, costs: Tensor, largest: int) -> tuple[Tensor, Tensor]:
    """Find the best of the grids for targets [N, 32]: the distance of two codes, and the value of code 0 negated."""
    lowest, highest = target.amin(-1, keepdim=True).clamp(max=0), target.amax(-1, keepdim=True).clamp(min=0)
    step = (highest - lowest) / (torch.tensor(GRIDS) + largest)  # [N, grids]
    offset = (-lowest).expand_as(step)
    values = target[:, None]
    for _ in range(REFITS):
        step, offset = _refit(values, costs, step, offset, largest)
    missed = values - (_codes(values, step, offset, largest) * step[..., None] - offset[..., None])
    best = (missed.square() * costs).sum(-1).argmin(dim=1, keepdim=True)
    return step.gather(1, best)[:, 0], offset.gather(1, best)[:, 0]


def _round_grid(
    target: Tensor, costs: Tensor, step: Tensor, offset: Tensor, units: Tensor, largest: int
) -> tuple[Tensor, Tensor]:
    """Round a grid to whole units: first the step, then the best offset for it."""
    scale = _round(step / units[:, 0], 1, UINT8_LARGEST)
    step = scale * units[:, 0]
    codes = _codes(target, step, offset, largest)
    best = (step * (codes * costs).sum(-1) - (target * costs).sum(-1)) / costs.sum()
    return scale, _round(best / units[:, 1], 0, UINT8_LARGEST)


def _choose_codes(
    weight: Tensor, target: Tensor, step: Tensor, lowest: Tensor, errors: Tensor, feedback: Tensor | None, largest: int
) -> Tensor:
    """Choose the codes of a group from left to right; writes `errors` and moves the targets on the right."""
    codes = torch.empty_like(weight)
    for k in range(GROUP_COLUMNS):
        codes[:, k] = _round((target[:, k] - lowest) / step, 0, largest)
        errors[:, k] = weight[:, k] - torch.addcmul(lowest, codes[:, k], step)
        if feedback is not None:
            target[:, k + 1 :] += torch.outer(errors[:, k], feedback[k, k + 1 :])
    return codes


def _codes(values: Tensor, step: Tensor, offset: Tensor, largest: int) -> Tensor:
    inverse = 1 / step.clamp(min=torch.finfo(torch.float32).tiny)
    return _round((values + offset[..., None]) * inverse[..., None], 0, largest)


def _round(values: Tensor, least: int, most: int) -> Tensor:
    return (values + 0.5).floor_().clamp_(least, most)


def _refit(values: Tensor, costs: Tensor, step: Tensor, offset: Tensor, largest: int) -> tuple[Tensor, Tensor]:
    """Fit a line to the codes that a grid gives, by weighted least squares; a grid without a better one stays."""
    codes = _codes(values, step, offset, largest)
    weighted = codes * costs
    total, code, square = costs.sum(), weighted.sum(-1), (weighted * codes).sum(-1)
    value, product = (values * costs).sum(-1), (weighted * values).sum(-1)
    determinant = total * square - code.square()
    fitted = (total * product - code * value) / determinant
    fitted_offset = (fitted * code - value) / total
    through_zero = fitted_offset <= 0  # an offset has no sign
    fitted = torch.where(through_zero, product / square, fitted)
    fitted_offset = fitted_offset.clamp(min=0)
    is_better = (determinant > 1e-6 * total * square) & (fitted > 0)
    return torch.where(is_better, fitted, step), torch.where(is_better, fitted_offset, offset)
