import pytest
import torch

from inference.weights.matrix import Quant
from kernels.experts import packed_experts_reference, packed_experts_triton, routed_experts, routed_experts_reference
from kernels.packed_weights import PackedWeights, pack_weights, split_columns, stack_weights
from tests.kernels.poisoned_pages import untouched_memory
from tests.kernels.random_weights import QUANTS, random_weights

Layer = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def random_layer(
    seed: int,
    tokens: int,
    top_k: int,
    sizes: tuple[int, int, int],
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Layer:
    """x, ids, weights, gate_up, down; sizes are E, H, I. Experts that no token chose hold NaN."""
    torch.manual_seed(seed)
    experts, hidden, inner = sizes
    x = torch.randn(tokens, hidden)
    ids = torch.rand(tokens, experts).argsort(dim=1)[:, :top_k].contiguous()
    weights = torch.rand(tokens, top_k)
    gate_up = torch.randn(experts, 2 * inner, hidden) / hidden**0.5
    down = torch.randn(experts, hidden, inner) / inner**0.5
    unused = torch.ones(experts, dtype=torch.bool)
    unused[ids.flatten()] = False
    gate_up[unused] = down[unused] = float("nan")
    return (
        x.to(device, dtype),
        ids.to(device),
        weights.to(device, dtype),
        gate_up.to(device, dtype),
        down.to(device, dtype),
    )


def naive(layer: Layer) -> torch.Tensor:
    x, ids, weights, gate_up, down = (t.cpu() if i == 1 else t.cpu().double() for i, t in enumerate(layer))
    inner = down.shape[2]
    out = torch.zeros_like(x)
    for t in range(x.shape[0]):
        for k in range(ids.shape[1]):
            expert = int(ids[t, k])
            gate = gate_up[expert, :inner] @ x[t]
            up = gate_up[expert, inner:] @ x[t]
            out[t] += weights[t, k] * (down[expert] @ (gate / (1 + (-gate).exp()) * up))
    return out


def run_triton(x: torch.Tensor, ids: torch.Tensor, weights: torch.Tensor, *experts: torch.Tensor) -> torch.Tensor:
    gate_up, down = (pack_weights("wide", [weight]) for weight in experts)
    return packed_experts_triton(x, ids, weights, gate_up, down)


TOLERANCE = {torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


def check(actual: torch.Tensor, layer: Layer) -> None:
    assert actual.dtype == layer[0].dtype
    limit = TOLERANCE[actual.dtype]
    torch.testing.assert_close(actual.cpu().double(), naive(layer), rtol=limit, atol=limit)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("tokens", [0, 1, 2, 40])
def test_weighted_sum_of_the_chosen_experts(tokens: int, dtype: torch.dtype) -> None:
    layer = random_layer(tokens, tokens, 3, (7, 20, 12), dtype=dtype)
    check(routed_experts(*layer), layer)


def test_a_token_gets_the_same_result_alone_and_in_any_company() -> None:
    x, ids, weights, gate_up, down = random_layer(5, 33, 4, (9, 24, 16))
    together = routed_experts(x, ids, weights, gate_up, down)
    shuffle = torch.randperm(33)
    shuffled = routed_experts(x[shuffle], ids[shuffle], weights[shuffle], gate_up, down)
    torch.testing.assert_close(shuffled, together[shuffle], rtol=1e-6, atol=1e-6)
    for t in range(0, 33, 8):
        row = slice(t, t + 1)
        alone = routed_experts(x[row], ids[row], weights[row], gate_up, down)
        torch.testing.assert_close(alone, together[row], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize(
    ("tokens", "top_k", "sizes"),
    [
        (0, 2, (4, 16, 16)),
        (1, 1, (1, 1, 1)),
        (1, 6, (20, 70, 33)),
        (3, 2, (5, 17, 40)),
        (16, 3, (6, 40, 21)),  # the most that are not sorted
        (17, 3, (6, 40, 21)),
        (200, 2, (3, 20, 24)),  # wide tiles
        (50, 3, (4, 65, 19)),  # several tiles per expert
    ],
)
def test_triton_equals_the_formula(
    device: str, tokens: int, top_k: int, sizes: tuple[int, int, int], dtype: torch.dtype
) -> None:
    layer = random_layer(tokens, tokens, top_k, sizes, device, dtype)
    check(run_triton(*layer), layer)
    check(routed_experts_reference(*layer), layer)


@pytest.mark.parametrize("tokens", [1, 15, 16, 17, 33])
def test_triton_when_all_tokens_choose_one_expert(device: str, tokens: int) -> None:
    x, _, weights, gate_up, down = random_layer(tokens, tokens, 1, (3, 24, 8), device)
    gate_up, down = (torch.nan_to_num(w, nan=0.5) for w in (gate_up, down))
    for expert in range(3):
        ids = torch.full((tokens, 1), expert, device=device)
        layer = (x, ids, weights, gate_up, down)
        check(run_triton(*layer), layer)


def test_triton_takes_strided_inputs(device: str) -> None:
    x, ids, weights, gate_up, down = random_layer(7, 9, 2, (6, 40, 24), device)
    layer = (
        x.T.contiguous().T,
        ids.T.contiguous().T,
        weights.repeat(1, 2)[:, :2],
        gate_up.transpose(1, 2).contiguous().transpose(1, 2),
        torch.stack((down, down), dim=-1)[..., 0],
    )
    assert not any(t.is_contiguous() for t in layer)
    check(run_triton(*layer), layer)
    check(routed_experts_reference(*layer), layer)


def random_quantized(quant: Quant, seed: int, experts: int, rows: int, columns: int, device: str) -> PackedWeights:
    matrices = [random_weights(quant, seed + e, rows, columns)[0] for e in range(experts)]
    return stack_weights([pack_weights(quant, [t.to(device) for t in tensors]) for tensors in matrices])


@pytest.mark.parametrize("quant", QUANTS)
@pytest.mark.parametrize("tokens", [2, 16, 19])
def test_triton_takes_experts_in_any_form(device: str, quant: Quant, tokens: int) -> None:
    gate_up = random_quantized(quant, 0, 5, 2 * 32, 96, device)
    down = random_quantized(quant, 9, 5, 96, 32, device)
    x, ids, weights, *_ = random_layer(tokens, tokens, 3, (5, 96, 32), device)
    x = x / 10
    actual = packed_experts_triton(x, ids, weights, gate_up, down)
    torch.testing.assert_close(actual, packed_experts_reference(x, ids, weights, gate_up, down), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("quant", ["wide", *QUANTS])
@pytest.mark.parametrize("tokens", [3, 20])
def test_triton_folds_shared_experts_in(device: str, quant: Quant, tokens: int) -> None:
    """A shared expert as wide as two routed ones is two experts that all tokens choose with weight 1."""
    inner, hidden = 32, 64
    gate, up, down = (
        random_weights(quant, seed, *shape)
        for seed, shape in enumerate(((2 * inner, hidden), (2 * inner, hidden), (hidden, 2 * inner)))
    )
    x = torch.randn(tokens, hidden, device=device) / 10
    ids, weights = torch.tensor([[0, 1]], device=device).repeat(tokens, 1), torch.ones(tokens, 2, device=device)
    halves = []
    for rows in (slice(0, inner), slice(inner, 2 * inner)):
        tensors = [torch.cat((g[rows], u[rows])) for g, u in zip(gate[0], up[0], strict=True)]
        halves.append(pack_weights(quant, [t.to(device) for t in tensors]))
    downs = split_columns(pack_weights(quant, [t.to(device) for t in down[0]]), 2)
    actual = packed_experts_triton(x, ids, weights, stack_weights(halves), stack_weights(downs))
    expected = (torch.nn.functional.silu(x.cpu() @ gate[1].T) * (x.cpu() @ up[1].T)) @ down[1].T
    torch.testing.assert_close(actual.cpu(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("tokens", [2, 20])
def test_triton_reads_experts_behind_two_to_the_31_codes(device: str, tokens: int) -> None:
    inner, hidden = 16, 64
    experts = (1 << 31) // (2 * inner * hidden) + 2
    far, near = [], []
    for seed, (rows, columns) in enumerate(((2 * inner, hidden), (hidden, inner))):
        (codes, scale), _ = random_weights("int8", seed, rows, columns)
        stack = [untouched_memory(experts * codes.numel(), torch.int8).view(experts, rows, columns)]
        stack.append(untouched_memory(experts * rows, torch.float32).view(experts, rows))
        stack[0][-1], stack[1][-1] = codes, scale
        far.append(pack_weights("int8", [tensor.to(device) for tensor in stack]))
        near.append(stack_weights([pack_weights("int8", [codes.to(device), scale.to(device)])]))
    x, ids = torch.randn(tokens, hidden, device=device), torch.full((tokens, 1), experts - 1, device=device)
    weights = torch.ones(tokens, 1, device=device)
    actual = packed_experts_triton(x, ids, weights, *far)
    assert actual.any()
    assert torch.equal(actual, packed_experts_triton(x, torch.zeros_like(ids), weights, *near))
