"""The cases of the kernels that read weights: products, experts, the router, the norm."""

import torch
from torch import Tensor

from benchmarks.gpu.case import Case, Sizes
from benchmarks.gpu.random_weights import RandomWeights
from inference.weights.matrix import Quant
from kernels.experts import packed_experts
from kernels.packed_linear import packed_linear
from kernels.packed_weights import PackedWeights, pack_weights, stack_weights, unpack_weights
from kernels.rmsnorm import add_rmsnorm, add_rmsnorm_reference
from kernels.router import route


def norm(inputs: RandomWeights, s: Sizes, new: int) -> Case:
    x, residual, weight = inputs.normal(new, s.hidden), inputs.normal(new, s.hidden), inputs.normal(s.hidden)
    return Case(
        f"add_rmsnorm +{new}",
        lambda: torch.cat(add_rmsnorm(x, residual, weight, 1e-6)),
        lambda: torch.cat(add_rmsnorm_reference(x.float(), residual.float(), weight.float(), 1e-6)),
        4 * x.nbytes,
        0,
    )


def router(inputs: RandomWeights, s: Sizes, new: int) -> Case:
    x, weight = inputs.normal(new, s.hidden), inputs.normal(s.experts, s.hidden, scale=s.hidden**-0.5)

    def chosen(x: Tensor, weight: Tensor) -> Tensor:
        """Return the weights of all experts: two that are nearly alike may change places."""
        ids, weights = route(x, weight, s.top_k, 1, 1, "greedy", 1.0, normalize=False)
        return weights.float().sort(dim=-1).values if ids.shape == weights.shape else weights

    return Case(
        f"route +{new}",
        lambda: chosen(x, weight),
        lambda: (x.double() @ weight.double().T).softmax(-1).topk(s.top_k).values.sort(dim=-1).values.float(),
        weight.nbytes,
        2 * new * weight.numel(),
    )


def linear(inputs: RandomWeights, s: Sizes, new: int, form: Quant) -> Case:
    weights, x = _packed(inputs, form, s.hidden, s.hidden), inputs.normal(new, s.hidden)
    wide = unpack_weights(weights, torch.float32)
    return Case(
        f"packed_linear {form} +{new}",
        lambda: packed_linear(x, weights),
        lambda: x.float() @ wide.T,
        _bytes_of(weights),
        2 * new * s.hidden * s.hidden,
    )


def experts(inputs: RandomWeights, s: Sizes, new: int, form: Quant) -> Case:
    gate_up = stack_weights([_packed(inputs, form, 2 * s.inner, s.hidden) for _ in range(s.experts)])
    down = stack_weights([_packed(inputs, form, s.hidden, s.inner) for _ in range(s.experts)])
    x, ids = inputs.normal(new, s.hidden), torch.stack([inputs.permutation(s.experts)[: s.top_k] for _ in range(new)])
    weights = inputs.normal(new, s.top_k).abs()
    read = len(set(ids.flatten().tolist())) / s.experts
    return Case(
        f"packed_experts {form} +{new}",
        lambda: packed_experts(x, ids, weights, gate_up, down),
        lambda: _experts_in_fp32(x, ids, weights, gate_up, down),
        int(read * (_bytes_of(gate_up) + _bytes_of(down))),
        2 * new * s.top_k * 3 * s.hidden * s.inner,
    )


def _experts_in_fp32(x: Tensor, ids: Tensor, weights: Tensor, gate_up: PackedWeights, down: PackedWeights) -> Tensor:
    """Widen one expert at a time: all of them in fp32 may not fit."""
    out = torch.zeros_like(x, dtype=torch.float32)
    for expert in set(ids.flatten().tolist()):
        first, second = (unpack_weights(_one(stack, expert), torch.float32) for stack in (gate_up, down))
        tokens, k = (ids == expert).nonzero(as_tuple=True)
        gate, up = (x[tokens].float() @ first.T).chunk(2, dim=-1)
        part = (torch.nn.functional.silu(gate) * up) @ second.T
        out.index_add_(0, tokens, part * weights[tokens, k].float()[:, None])
    return out


def _one(stack: PackedWeights, expert: int) -> PackedWeights:
    return PackedWeights(stack.quant, stack.columns, *(tensor[expert] for tensor in stack.tensors))


def _packed(inputs: RandomWeights, form: Quant, rows: int, columns: int) -> PackedWeights:
    return pack_weights(form, inputs.matrix(form, rows, columns).tensors)


def _bytes_of(weights: PackedWeights) -> int:
    """Count the bytes of the parts that the form has."""
    return sum({tensor.data_ptr(): tensor.nbytes for tensor in weights.tensors}.values())
