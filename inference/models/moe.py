"""DeepSeekMoE (DeepSeek-V2, arXiv:2405.04434, section 2.2): routed experts, and a dense one for all tokens."""

from dataclasses import dataclass
from itertools import chain

from torch import Tensor

from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.mlp import DenseMlp, load_mlp
from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Linear, WideLinear, make_linear, reads_packed
from inference.weights.matrix import GROUP_COLUMNS, Matrix, join_rows
from kernels.experts import packed_experts, routed_experts, sum_of_experts
from kernels.packed_weights import PackedWeights, pack_weights, split_columns, stack_weights
from kernels.router import route
from midspan import ModelError

_MIXED_FORMS = "some experts of a layer are quantized and others are not; fetch or import the model again"


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
class PackedExperts:
    """Experts on a GPU, in any form. The shared ones stand behind the routed ones, and every token chooses them."""

    gate_up: PackedWeights  # [E, 2 * I, hidden], gate rows first
    down: PackedWeights  # [E, hidden, I]

    def __call__(self, x: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
        return packed_experts(x, ids, weights, self.gate_up, self.down)


@dataclass(frozen=True)
class MoeMlp:
    config: DeepseekV2Config
    router: Tensor  # [E, hidden]
    experts: WideExperts | QuantizedExperts | PackedExperts
    shared: DenseMlp | None
    folded: int = 0  # shared experts among `experts`

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
            shared=self.folded,
        )
        routed = self.experts(x, ids, weights)
        return routed + self.shared(x) if self.shared else routed


def load_moe(c: DeepseekV2Config, source: TensorSource, prefix: str) -> MoeMlp:
    router = source.load(prefix + "gate.weight", (c.n_routed_experts, c.hidden_size))
    if reads_packed(router):
        return _load_packed(c, source, prefix, router)
    experts = _load_experts(c, source, prefix + "experts.")
    shared_width = c.moe_intermediate_size * c.n_shared_experts
    shared = load_mlp(source, prefix + "shared_experts.", c.hidden_size, shared_width) if shared_width else None
    return MoeMlp(c, router, experts, shared)


def _load_packed(c: DeepseekV2Config, source: TensorSource, prefix: str, router: Tensor) -> MoeMlp:
    """Load the experts for a GPU. The shared ones stand among the routed ones where they have their form."""
    width, shared_count = c.moe_intermediate_size, c.n_shared_experts
    routed = [_load_matrices(source, f"{prefix}experts.{e}.", c, width) for e in range(c.n_routed_experts)]
    if len({(gate_up.quant, down.quant) for gate_up, down in routed}) > 1:
        raise ModelError(_MIXED_FORMS)
    gate_ups, downs = ([_pack(matrix) for matrix in matrices] for matrices in zip(*routed, strict=True))
    if not shared_count:
        return MoeMlp(c, router, PackedExperts(stack_weights(gate_ups), stack_weights(downs)), None)
    gate_up, down = _load_matrices(source, prefix + "shared_experts.", c, shared_count * width)
    has_their_form = (gate_up.quant, down.quant) == (routed[0][0].quant, routed[0][1].quant)
    if not has_their_form or (down.quant in ("int5", "int4") and width % GROUP_COLUMNS):
        shared = DenseMlp(make_linear(gate_up, None, source.dtype), make_linear(down, None, source.dtype))
        return MoeMlp(c, router, PackedExperts(stack_weights(gate_ups), stack_weights(downs)), shared)
    for first in range(0, shared_count * width, width):
        gate, up = (gate_up.rows(at, at + width) for at in (first, shared_count * width + first))
        gate_ups.append(_pack(join_rows(gate, [up], 2 * width)))
    downs += split_columns(_pack(down), shared_count)
    return MoeMlp(c, router, PackedExperts(stack_weights(gate_ups), stack_weights(downs)), None, shared_count)


def _load_matrices(source: TensorSource, prefix: str, c: DeepseekV2Config, width: int) -> tuple[Matrix, Matrix]:
    """Load an MLP: gate rows and then up rows [2 * width, hidden], and down [hidden, width]."""
    shape = width, c.hidden_size
    gate, up = (source.load_matrix(f"{prefix}{name}.weight", shape) for name in ("gate_proj", "up_proj"))
    if gate.quant != up.quant:
        raise ModelError(_MIXED_FORMS)
    down = source.load_matrix(prefix + "down_proj.weight", (c.hidden_size, width))
    return join_rows(gate, [up], 2 * width), down


def _pack(matrix: Matrix) -> PackedWeights:
    return pack_weights(matrix.quant, matrix.tensors)


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
        raise ModelError(_MIXED_FORMS)
    return linear.weight
