"""The shape of a llama-like model, read from the config.json of a DeepSeek-Coder v1 or Qwen2.5-Coder folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inference.models.config_json import (
    MOST_CONTEXT_TOKENS,
    MOST_HEADS,
    MOST_LAYERS,
    MOST_WIDTH,
    read_integer,
    read_number,
    read_rope,
    read_switch,
    refuse_unsupported,
)
from inference.weights.active_weights import ActiveWeights
from inference.weights.smallest_form import layer_form
from midspan import ModelError

_SUPPORTED: dict[str, tuple[Any, ...]] = {
    "hidden_act": ("silu",),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "use_sliding_window": (False,),
    "pretraining_tp": (1,),
}

# The largest value of each field.
_INTEGER_FIELDS = {
    "vocab_size": MOST_WIDTH,
    "hidden_size": MOST_WIDTH,
    "intermediate_size": MOST_WIDTH,
    "num_hidden_layers": MOST_LAYERS,
    "num_attention_heads": MOST_HEADS,
    "max_position_embeddings": MOST_CONTEXT_TOKENS,
}


@dataclass(frozen=True)
class LlamaConfig:
    """The fields of the released config.json. Query heads share the key/value heads evenly."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    rope_factor: float  # linear scaling: positions are divided by it
    qkv_bias: bool
    max_position_embeddings: int
    tie_word_embeddings: bool

    @property
    def page_width(self) -> int:
        """The values cached per token and layer: the rotated keys of all heads, then the values."""
        return 2 * self.num_key_value_heads * self.head_dim

    @property
    def layer_form(self) -> Literal["int5", "int4"]:
        """The smallest form of the matrices in the layers."""
        return layer_form(self.hidden_size)

    @property
    def active_weights(self) -> ActiveWeights:
        queries = self.num_attention_heads * self.head_dim
        attention = self.hidden_size * (2 * queries + self.page_width)
        layer = attention + 3 * self.hidden_size * self.intermediate_size
        layers = self.num_hidden_layers
        if self.layer_form == "int4":
            return ActiveWeights(layers, layers * layer, self.vocab_size * self.hidden_size)
        return ActiveWeights(layers, 0, self.vocab_size * self.hidden_size, at_least_int5=layers * layer)

    @property
    def softmax_scale(self) -> float:
        return float(self.head_dim**-0.5)


def parse_llama(config: Mapping[str, Any], path: Path) -> LlamaConfig:
    """Build the config from the parsed JSON; `path` is only for messages. Raises ModelError."""
    refuse_unsupported(config, _SUPPORTED, path)
    theta, rope_kind, scaling = read_rope(config, path)
    fields = {name: read_integer(config, name, path, most=most) for name, most in _INTEGER_FIELDS.items()}
    heads, hidden = fields["num_attention_heads"], fields["hidden_size"]
    kv_heads = read_integer(config, "num_key_value_heads", path, heads, most=heads)
    if heads % kv_heads:
        raise ModelError(f"{path}: {heads} attention heads cannot share {kv_heads} key/value heads evenly")
    head_dim = read_integer(config, "head_dim", path, hidden // heads, most=hidden)
    if head_dim < 2 or head_dim % 2:
        raise ModelError(f"{path}: a head is {head_dim} wide, and must be an even number wide to be rotated")
    return LlamaConfig(
        **fields,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        rms_norm_eps=read_number(config, "rms_norm_eps", path, most=1),
        rope_theta=theta,
        rope_factor=_linear_factor(rope_kind, scaling, path),
        qkv_bias=config.get("model_type") == "qwen2",
        tie_word_embeddings=read_switch(config, "tie_word_embeddings", path),
    )


def _linear_factor(kind: str, scaling: Mapping[str, Any], path: Path) -> float:
    if kind == "default":
        return 1.0
    if kind != "linear":
        raise ModelError(f"{path}: rope scaling {kind!r} is not supported for llama-like models; only linear is")
    return read_number(scaling, "factor", path)
