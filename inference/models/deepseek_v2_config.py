"""The shape of a DeepSeek-V2 model, read from the config.json of a released folder."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inference.models.config_json import (
    MOST_CONTEXT_TOKENS,
    MOST_EXPERTS,
    MOST_HEADS,
    MOST_LATENT,
    MOST_LAYERS,
    MOST_WIDTH,
    read_integer,
    read_number,
    read_rope,
    read_switch,
    refuse_unsupported,
)
from inference.weights.active_weights import ActiveWeights
from midspan import ModelError

TopkMethod = Literal["greedy", "group_limited_greedy"]
_SUPPORTED: dict[str, tuple[Any, ...]] = {
    "hidden_act": ("silu",),
    "scoring_func": ("softmax",),
    "topk_method": ("greedy", "group_limited_greedy"),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "moe_layer_freq": (1,),
}

# The largest value of each field.
_INTEGER_FIELDS = {
    "vocab_size": MOST_WIDTH,
    "hidden_size": MOST_WIDTH,
    "intermediate_size": MOST_WIDTH,
    "moe_intermediate_size": MOST_WIDTH,
    "num_hidden_layers": MOST_LAYERS,
    "num_attention_heads": MOST_HEADS,
    "kv_lora_rank": MOST_LATENT,
    "qk_nope_head_dim": MOST_WIDTH,
    "qk_rope_head_dim": MOST_WIDTH,
    "v_head_dim": MOST_WIDTH,
    "n_routed_experts": MOST_EXPERTS,
    "num_experts_per_tok": MOST_EXPERTS,
    "max_position_embeddings": MOST_CONTEXT_TOKENS,
}


@dataclass(frozen=True)
class YarnScaling:
    """YaRN (arXiv:2309.00071) with DeepSeek's two mscale factors."""

    factor: float
    original_context_tokens: int
    beta_fast: float
    beta_slow: float
    mscale: float
    mscale_all_dim: float

    @property
    def softmax_factor(self) -> float:
        """The factor of the softmax scale. An error here is invisible within the original context."""
        return _yarn_mscale(self.factor, self.mscale_all_dim) ** 2 if self.mscale_all_dim else 1.0

    @property
    def rotation_factor(self) -> float:
        """The factor of cos and sin."""
        if self.mscale and self.mscale_all_dim:
            return _yarn_mscale(self.factor, self.mscale) / _yarn_mscale(self.factor, self.mscale_all_dim)
        return _yarn_mscale(self.factor, 1.0)


def _yarn_mscale(factor: float, mscale: float) -> float:
    return 0.1 * mscale * math.log(factor) + 1.0 if factor > 1 else 1.0


@dataclass(frozen=True)
class DeepseekV2Config:
    """The fields of the released config.json. `q_lora_rank` None: one plain query projection."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    moe_intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    q_lora_rank: int | None
    kv_lora_rank: int
    qk_nope_head_dim: int
    qk_rope_head_dim: int
    v_head_dim: int
    n_routed_experts: int
    n_shared_experts: int
    num_experts_per_tok: int
    first_k_dense_replace: int
    topk_method: TopkMethod
    n_group: int
    topk_group: int
    routed_scaling_factor: float
    norm_topk_prob: bool
    rms_norm_eps: float
    rope_theta: float
    yarn: YarnScaling | None
    max_position_embeddings: int
    tie_word_embeddings: bool

    @property
    def page_width(self) -> int:
        """The values cached per token and layer: the latent, then the rotated key that all heads share."""
        return self.kv_lora_rank + self.qk_rope_head_dim

    @property
    def active_weights(self) -> ActiveWeights:
        """The projections of latents are int8 at least: their errors reach every head."""
        hidden, heads, layers = self.hidden_size, self.num_attention_heads, self.num_hidden_layers
        query_width = heads * (self.qk_nope_head_dim + self.qk_rope_head_dim)
        query = (self.q_lora_rank or hidden) * query_width + heads * self.v_head_dim * hidden
        latent = hidden * (self.page_width + (self.q_lora_rank or 0))
        latent += self.kv_lora_rank * heads * (self.qk_nope_head_dim + self.v_head_dim)
        experts = self.num_experts_per_tok + self.n_shared_experts
        dense_layers = min(self.first_k_dense_replace, layers)
        mlps = dense_layers * self.intermediate_size
        mlps += (layers - dense_layers) * experts * self.moe_intermediate_size
        return ActiveWeights(
            layers, layers * query + 3 * hidden * mlps, self.vocab_size * hidden, latent=layers * latent
        )

    @property
    def softmax_scale(self) -> float:
        scale = float((self.qk_nope_head_dim + self.qk_rope_head_dim) ** -0.5)
        return scale * self.yarn.softmax_factor if self.yarn else scale

    @property
    def absorb_below_tokens(self) -> float:
        """The number of new tokens from which expanded attention is cheaper than absorbed, for any prefix length.

        Per head, a (query, key) pair costs 2(2R+D) FLOP absorbed and 2(N+D+V) expanded, and expanding costs 2R(N+V)
        once for every token of the sequence.
        """
        latent, rope = self.kv_lora_rank, self.qk_rope_head_dim
        content = self.qk_nope_head_dim + self.v_head_dim
        saved_per_pair = 2 * (2 * latent + rope) - 2 * (content + rope)
        return 2 * latent * content / saved_per_pair if saved_per_pair > 0 else math.inf


def parse_deepseek_v2(config: Mapping[str, Any], path: Path) -> DeepseekV2Config:
    """Build the config from the parsed JSON; `path` is only for messages. Raises ModelError."""
    refuse_unsupported(config, _SUPPORTED, path)
    theta, rope_kind, scaling = read_rope(config, path)
    fields = {name: read_integer(config, name, path, most=most) for name, most in _INTEGER_FIELDS.items()}
    if fields["qk_rope_head_dim"] % 2:
        raise ModelError(f"{path}: qk_rope_head_dim must be even, but is {fields['qk_rope_head_dim']}")
    groups, used_groups = _read_groups(config, fields["n_routed_experts"], fields["num_experts_per_tok"], path)
    return DeepseekV2Config(
        **fields,
        q_lora_rank=read_integer(config, "q_lora_rank", path, 0, least=0, most=MOST_WIDTH) or None,
        # transformers' default where older files leave a field out
        n_shared_experts=read_integer(config, "n_shared_experts", path, 0, least=0, most=MOST_EXPERTS),
        first_k_dense_replace=read_integer(config, "first_k_dense_replace", path, 0, least=0, most=MOST_LAYERS),
        topk_method=config.get("topk_method") or "greedy",
        n_group=groups,
        topk_group=used_groups,
        routed_scaling_factor=read_number(config, "routed_scaling_factor", path, 1.0),
        norm_topk_prob=read_switch(config, "norm_topk_prob", path),
        rms_norm_eps=read_number(config, "rms_norm_eps", path, most=1),
        rope_theta=theta,
        yarn=_parse_yarn(rope_kind, scaling, path),
        tie_word_embeddings=read_switch(config, "tie_word_embeddings", path),
    )


def _read_groups(config: Mapping[str, Any], experts: int, used_experts: int, path: Path) -> tuple[int, int]:
    """Return the number of groups of experts, and of those that a token may use. Raises ModelError."""
    groups = read_integer(config, "n_group", path, 1, most=experts)
    used_groups = read_integer(config, "topk_group", path, 1, most=groups)
    is_grouped = config.get("topk_method") == "group_limited_greedy"
    if is_grouped and experts % groups:
        raise ModelError(f"{path}: {experts} experts do not fall into {groups} groups of one size (n_group)")
    reachable = used_groups * experts // groups if is_grouped else experts
    if used_experts > reachable:
        raise ModelError(f"{path}: num_experts_per_tok is {used_experts}, and a token can reach {reachable} experts")
    return groups, used_groups


def _parse_yarn(kind: str, scaling: Mapping[str, Any], path: Path) -> YarnScaling | None:
    if kind == "default":
        return None
    if kind != "yarn":
        raise ModelError(f"{path}: rope scaling {kind!r} is not supported for DeepSeek-V2; only yarn is")
    original = "original_max_position_embeddings"
    return YarnScaling(
        factor=read_number(scaling, "factor", path),
        original_context_tokens=read_integer(scaling, original, path, most=MOST_CONTEXT_TOKENS),
        beta_fast=read_number(scaling, "beta_fast", path, 32.0),
        beta_slow=read_number(scaling, "beta_slow", path, 1.0),
        mscale=read_number(scaling, "mscale", path, 0.0, least=0),
        mscale_all_dim=read_number(scaling, "mscale_all_dim", path, 0.0, least=0),
    )
