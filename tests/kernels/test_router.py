import math

import pytest
import torch

from kernels.router import route, route_reference, route_triton


def softmax(logits: list[float]) -> list[float]:
    total = sum(math.exp(v) for v in logits)
    return [math.exp(v) / total for v in logits]


def chosen(ids: torch.Tensor, weights: torch.Tensor) -> list[dict[int, float]]:
    """Return {expert: weight} for each token; the order of a row has no meaning."""
    return [dict(zip(i, w, strict=True)) for i, w in zip(ids.tolist(), weights.tolist(), strict=True)]


def naive(x: torch.Tensor, weight: torch.Tensor, top_k: int, n_group: int, topk_group: int) -> list[dict[int, float]]:
    result = []
    experts = len(weight)
    size = experts // n_group
    for row in x.double():
        scores = softmax((weight.double() @ row).tolist())
        best = sorted(range(n_group), key=lambda g: -max(scores[g * size : (g + 1) * size]))
        allowed = [e for e in range(experts) if e // size in best[:topk_group]]
        picked = sorted(allowed, key=lambda e: -scores[e])[:top_k]
        result.append({e: scores[e] for e in picked})
    return result


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("method", "n_group", "topk_group"),
    [("greedy", 1, 1), ("group_limited_greedy", 8, 3), ("group_limited_greedy", 4, 1)],
)
def test_the_best_experts_of_the_best_groups(seed: int, method: str, n_group: int, topk_group: int) -> None:
    torch.manual_seed(seed)
    x, weight = torch.randn(50, 12), torch.randn(32, 12)
    ids, weights = route(x, weight, 6, n_group, topk_group, method, 16.0, False)
    expected = naive(x, weight, 6, n_group, topk_group)
    assert ids.dtype == torch.int64
    for actual, want in zip(chosen(ids, weights), expected, strict=True):
        assert actual == pytest.approx({e: 16.0 * s for e, s in want.items()}, rel=1e-4)


def test_groups_limit_the_choice() -> None:
    """Group 0 holds the best expert and group 1 the next two: one group wins by its maximum."""
    weight = torch.tensor([[9.0], [0.0], [8.0], [7.0]])
    ids, _ = route(torch.ones(1, 1), weight, 2, 2, 1, "group_limited_greedy", 1.0, False)
    assert set(ids[0].tolist()) == {0, 1}
    ids, _ = route(torch.ones(1, 1), weight, 2, 2, 1, "greedy", 1.0, False)
    assert set(ids[0].tolist()) == {0, 2}


def test_normalised_weights_sum_to_one_and_are_not_scaled() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(20, 8), torch.randn(10, 8)
    ids, weights = route(x, weight, 3, 1, 1, "greedy", 16.0, True)
    torch.testing.assert_close(weights.sum(-1), torch.ones(20))
    for actual, want in zip(chosen(ids, weights), naive(x, weight, 3, 1, 1), strict=True):
        total = sum(want.values())
        assert actual == pytest.approx({e: s / total for e, s in want.items()}, rel=1e-4)


def test_one_expert_per_token_is_scaled_not_normalised() -> None:
    """A single weight would be 1 after normalising, so the released code does not normalise it."""
    weight = torch.tensor([[1.0], [0.0]])
    _, weights = route(torch.ones(1, 1), weight, 1, 1, 1, "greedy", 2.0, True)
    torch.testing.assert_close(weights, torch.tensor([[2 * math.e / (math.e + 1)]]))


def test_scores_are_fp32_and_weights_return_to_the_activations_type() -> None:
    torch.manual_seed(1)
    x, weight = torch.randn(40, 64).bfloat16(), torch.randn(16, 64).bfloat16()
    ids, weights = route(x, weight, 4, 1, 1, "greedy", 1.0, False)
    assert weights.dtype == torch.bfloat16
    expected = naive(x, weight, 4, 1, 1)
    assert [set(row) for row in ids.tolist()] == [set(want) for want in expected]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="noaux_tc"):
        route(torch.ones(1, 2), torch.ones(4, 2), 1, 1, 1, "noaux_tc", 1.0, False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("shared", [0, 2])
@pytest.mark.parametrize(
    ("tokens", "hidden", "experts", "top_k", "n_group", "topk_group"),
    [(1, 64, 64, 6, 1, 1), (17, 70, 160, 6, 8, 3), (5, 9, 3, 1, 1, 1), (40, 32, 24, 4, 4, 1), (0, 8, 4, 2, 1, 1)],
)
def test_triton_equals_the_reference(
    device: str,
    tokens: int,
    hidden: int,
    experts: int,
    top_k: int,
    n_group: int,
    topk_group: int,
    shared: int,
    normalize: bool,
    dtype: torch.dtype,
) -> None:
    torch.manual_seed(tokens)
    x = torch.randn(tokens, 2 * hidden, device=device).to(dtype)[:, ::2]
    weight = (torch.randn(experts, hidden, device=device) / hidden**0.5).to(dtype)
    rest = (x, weight, top_k, n_group, topk_group, 2.5, normalize, shared)
    ids, weights = route_triton(*rest)
    expected_ids, expected_weights = route_reference(*rest)
    assert (ids.dtype, weights.dtype, weights.shape) == (torch.int64, dtype, (tokens, top_k + shared))
    for actual, want in zip(chosen(ids, weights), chosen(expected_ids, expected_weights), strict=True):
        assert actual == pytest.approx(want, rel=1e-2 if dtype == torch.bfloat16 else 1e-4)
    assert not shared or ids[:, top_k:].tolist() == [[experts, experts + 1]] * tokens


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # the interpreter's numpy names the NaN
def test_triton_names_no_expert_that_does_not_exist(device: str) -> None:
    """A token of NaN must not make the next kernel read memory that is not there.

    The interpreter chooses the first NaN, so that only a GPU can fail here, by choosing what pads the experts.
    """
    x = torch.full((2, 8), float("nan"), device=device)
    ids, _ = route_triton(x, torch.ones(5, 8, device=device), 3, 1, 1, 1.0, False, 0)
    assert 0 <= int(ids.min()) <= int(ids.max()) < 5
