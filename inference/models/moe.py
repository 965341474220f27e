"""DeepSeekMoE (DeepSeek-V2, arXiv:2405.04434, section 2.2): routed experts, and a dense one for all tokens."""

from dataclasses import dataclass
from itertools import chain

from torch import Tensor

from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.mlp import DenseMlp, load_mlp
from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Linear, WideLinear
from kernels.experts import routed_experts, sum_of_experts
from kernels.router import route
from midspan import ModelError


@dataclass(frozen=True)
class WideExperts:
    """Experts stacked in the two tensors that the kernel takes."""

    gate_up: Tensor  # [E, 2 * I, hidden], gate rows first
    down: Tensor  # [E, hidden, I]

    def __call__(self, x: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
        return routed_experts(x, ids, weights, self.gate_up, self.down)


@dataclass(frozen=True)
class QuantizedExperts:
    experts: tuple[DenseMlp, ...]

    def __call__(self, x: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
        return sum_of_experts(x, ids, weights, len(self.experts), lambda e, rows: self.experts[e](rows))


@dataclass(frozen=True)
class MoeMlp:
    config: DeepseekV2Config
    router: Tensor  # [E, hidden]
    experts: WideExperts | QuantizedExperts
    shared: DenseMlp | None

    def __call__(self, x: Tensor) -> Tensor:
        c = self.config
        ids, weights = route(
            x,
            self.router,
            top_k=c.num_experts_per_tok,
            n_group=c.n_group,
            topk_group=c.topk_group,
            method=c.topk_method,
            scaling=c.routed_scaling_factor,
            normalize=c.norm_topk_prob,
        )
        routed = self.experts(x, ids, weights)
        return routed + self.shared(x) if self.shared else routed


def load_moe(c: DeepseekV2Config, source: TensorSource, prefix: str) -> MoeMlp:
    router = source.load(prefix + "gate.weight", (c.n_routed_experts, c.hidden_size))
    experts = _load_experts(c, source, prefix + "experts.")
    shared_width = c.moe_intermediate_size * c.n_shared_experts
    shared = load_mlp(source, prefix + "shared_experts.", c.hidden_size, shared_width) if shared_width else None
    return MoeMlp(c, router, experts, shared)


def _load_experts(c: DeepseekV2Config, source: TensorSource, prefix: str) -> WideExperts | QuantizedExperts:
    """Load the experts. Wide ones are copied into their stack one by one: only one is in memory beside the stack."""
    count = c.n_routed_experts
    experts = (load_mlp(source, f"{prefix}{e}.", c.hidden_size, c.moe_intermediate_size) for e in range(count))
    first = next(experts)
    if not isinstance(first.gate_up, WideLinear):
        return QuantizedExperts((first, *experts))
    gate_up, down = _weight(first.gate_up), _weight(first.down)
    stack = WideExperts(gate_up.new_empty(count, *gate_up.shape), down.new_empty(count, *down.shape))
    for e, expert in enumerate(chain([first], experts)):
        stack.gate_up[e] = _weight(expert.gate_up)
        stack.down[e] = _weight(expert.down)
    return stack


def _weight(linear: Linear) -> Tensor:
    if not isinstance(linear, WideLinear):
        raise ModelError("some experts of a layer are quantized and others are not; fetch or import the model again")
    return linear.weight
