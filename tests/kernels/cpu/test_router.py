import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_float, c_int32, c_void_p

import pytest
import torch

from kernels.router import route
from tests.kernels.poisoned_pages import NAN


class RouterShape(ctypes.Structure):
    _fields_ = [
        *((name, c_int32) for name in ("hidden", "experts", "top_k", "groups", "top_groups")),
        *((name, c_int32) for name in ("is_group_limited", "is_normalized")),
        ("scaling", c_float),
    ]


Route = Callable[[torch.Tensor, torch.Tensor, RouterShape], tuple[torch.Tensor, torch.Tensor]]
METHODS = {False: "greedy", True: "group_limited_greedy"}


@pytest.fixture(scope="module")
def route_rows(compile_header: Callable[[str], ctypes.CDLL], isa: str) -> Route:
    """Chooses the experts of rows [T, hidden] one by one: ids and weights [T, K]."""
    route_row = getattr(compile_header("exports_attention_mla.h"), f"midspan_{isa}_route_row")
    route_row.argtypes, route_row.restype = [POINTER(RouterShape), *[c_void_p] * 4], None

    def route_them(x: torch.Tensor, weight: torch.Tensor, shape: RouterShape) -> tuple[torch.Tensor, torch.Tensor]:
        ids = torch.full((len(x), shape.top_k + 1), -7, dtype=torch.int32)
        weights = torch.full((len(x), shape.top_k + 1), NAN)
        for row, row_ids, row_weights in zip(x, ids, weights, strict=True):
            route_row(byref(shape), row.data_ptr(), weight.data_ptr(), row_ids.data_ptr(), row_weights.data_ptr())
        assert (ids[:, -1] == -7).all()
        assert weights[:, -1].isnan().all()
        return ids[:, :-1], weights[:, :-1]

    return route_them


def by_id(ids: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Order each row by its ids: torch's choice has no order."""
    order = ids.argsort(dim=-1)
    return ids.gather(1, order).long(), weights.gather(1, order)


SHAPES = [
    RouterShape(2048, 64, 6, 1, 1, False, False, 1.0),  # DeepSeek-Coder-V2-Lite
    RouterShape(5120, 160, 6, 8, 3, True, False, 16.0),  # DeepSeek-Coder-V2
    RouterShape(768, 32, 4, 1, 1, False, True, 1.0),
    RouterShape(13, 10, 3, 1, 1, False, True, 16.0),
    RouterShape(7, 6, 4, 3, 2, True, False, 2.5),
    RouterShape(77, 41, 5, 1, 1, False, False, 1.0),
    RouterShape(5, 3, 1, 1, 1, False, True, 2.0),  # a single weight is not normalised
    RouterShape(8, 1, 1, 1, 1, False, False, 1.0),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "-".join(str(getattr(s, n)) for n, _ in s._fields_))
def test_the_experts_of_torch(route_rows: Route, shape: RouterShape, seed: int) -> None:
    torch.manual_seed(seed)
    x, weight = torch.randn(20, shape.hidden), torch.randn(shape.experts, shape.hidden) / shape.hidden**0.5
    expected = route(
        x, weight, shape.top_k, shape.groups, shape.top_groups, METHODS[bool(shape.is_group_limited)], shape.scaling,
        bool(shape.is_normalized),
    )  # fmt: skip
    ids, weights = by_id(*route_rows(x, weight, shape))
    expected_ids, expected_weights = by_id(*expected)
    assert ids.equal(expected_ids)
    torch.testing.assert_close(weights, expected_weights, rtol=1e-4, atol=1e-6)


def test_the_best_expert_comes_first_and_of_equal_ones_the_lower_id(route_rows: Route) -> None:
    weight = torch.tensor([[1.0], [3.0], [2.0], [3.0], [1.0], [1.0]])
    ids, weights = route_rows(torch.ones(1, 1), weight, RouterShape(1, 6, 4, 1, 1, False, False, 1.0))
    assert ids.tolist() == [[1, 3, 2, 0]]
    assert weights[0].tolist() == sorted(weights[0].tolist(), reverse=True)


def test_more_experts_than_the_kept_groups_have(route_rows: Route) -> None:
    weight = torch.tensor([[1.0], [2.0], [4.0], [3.0]])
    ids, weights = route_rows(torch.ones(1, 1), weight, RouterShape(1, 4, 3, 2, 1, True, False, 1.0))
    assert ids.tolist() == [[2, 3, 0]]
    assert weights[0, 2] == 0


def test_scores_far_apart_and_nan_choose_experts_that_exist(route_rows: Route) -> None:
    weight = torch.tensor([[0.0], [1000.0], [-1000.0], [500.0]])
    shape = RouterShape(1, 4, 2, 1, 1, False, False, 1.0)
    ids, weights = route_rows(torch.ones(1, 1), weight, shape)
    assert ids[0, 0] == 1
    assert weights.tolist() == [[1.0, 0.0]]
    ids, _ = route_rows(torch.full((1, 1), NAN), weight, shape)
    assert len({*ids[0].tolist()} & {0, 1, 2, 3}) == 2
