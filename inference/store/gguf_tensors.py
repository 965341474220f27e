"""Turns GGUF tensors into released ones: names, the order of rotated rows, single experts, a joined `kv_b`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from inference.models.config_json import MOST_EXPERTS
from inference.store.gguf_file import GgufFile, GgufTensor
from inference.store.tensor_stream import Float32, TensorStream
from midspan import ModelError

MAX_NAMES_IN_MESSAGE = 5
_EXPERT_DIMENSIONS = 3  # also of a split key/value projection
_BLOCK = re.compile(r"blk\.(\d+)\.(.+)")

_OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_EVERY_FAMILY = {
    "attn_norm.weight": "input_layernorm.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}
_GROUPED_QUERY = _EVERY_FAMILY | {
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
}
_QWEN2 = _GROUPED_QUERY | {f"attn_{p}.bias": f"self_attn.{p}_proj.bias" for p in "qkv"}
_DEEPSEEK2 = _EVERY_FAMILY | {
    "attn_q_a.weight": "self_attn.q_a_proj.weight",
    "attn_q_a_norm.weight": "self_attn.q_a_layernorm.weight",
    "attn_q_b.weight": "self_attn.q_b_proj.weight",
    "attn_kv_a_mqa.weight": "self_attn.kv_a_proj_with_mqa.weight",
    "attn_kv_a_norm.weight": "self_attn.kv_a_layernorm.weight",
    "attn_kv_b.weight": "self_attn.kv_b_proj.weight",
    "ffn_gate_inp.weight": "mlp.gate.weight",
    "ffn_gate_shexp.weight": "mlp.shared_experts.gate_proj.weight",
    "ffn_up_shexp.weight": "mlp.shared_experts.up_proj.weight",
    "ffn_down_shexp.weight": "mlp.shared_experts.down_proj.weight",
}
_NAMES: Mapping[str, Mapping[str, str]] = {"llama": _GROUPED_QUERY, "qwen2": _QWEN2, "deepseek2": _DEEPSEEK2}
_STACKED_EXPERTS = {f"ffn_{p}_exps.weight": f"{p}_proj.weight" for p in ("gate", "up", "down")}
_SPLIT_KEY, _SPLIT_VALUE, _WHOLE = "attn_k_b.weight", "attn_v_b.weight", "attn_kv_b.weight"


def released_tensors(file: GgufFile, config: Mapping[str, Any]) -> list[TensorStream]:
    """Translate every tensor of the file. Raises ModelError for a tensor that the released folder does not have."""
    translate = _Translation(file, config)
    streams: list[TensorStream] = []
    unknown = []
    for name, tensor in file.tensors.items():
        try:
            streams += translate(name, tensor)
        except KeyError:
            unknown.append(name)
    if unknown:
        names = ", ".join(unknown[:MAX_NAMES_IN_MESSAGE]) + (" ..." if len(unknown) > MAX_NAMES_IN_MESSAGE else "")
        raise ModelError(f"{file.path}: has tensors that no {file.architecture} model in Midspan has: {names}")
    return streams


@dataclass(frozen=True)
class _Translation:
    file: GgufFile
    config: Mapping[str, Any]

    def __call__(self, name: str, tensor: GgufTensor) -> Sequence[TensorStream]:
        """Translate a tensor. Raises KeyError when the architecture has no such tensor."""
        match = _BLOCK.fullmatch(name)
        if not match:
            return [_whole(_OUTSIDE[name], tensor)]
        layer, part = f"model.layers.{match[1]}.", match[2]
        architecture = self.file.architecture
        if architecture == "deepseek2" and part in _STACKED_EXPERTS:
            return _experts(f"{layer}mlp.experts", _STACKED_EXPERTS[part], tensor)
        if architecture == "deepseek2" and part in (_SPLIT_KEY, _SPLIT_VALUE):
            return self._joined(f"blk.{match[1]}.", layer, part, tensor)
        released = layer + _NAMES[architecture][part]
        if architecture == "llama" and part in ("attn_q.weight", "attn_k.weight"):
            heads = self.config["num_attention_heads" if part == "attn_q.weight" else "num_key_value_heads"]
            return [TensorStream(released, tensor.shape, partial(_halves, tensor, heads))]
        return [_whole(released, tensor)]

    def _joined(self, block: str, layer: str, part: str, tensor: GgufTensor) -> Sequence[TensorStream]:
        """Join the two tensors that a file may have in place of `kv_b_proj`; some files have all three."""
        if part == _SPLIT_VALUE or block + _WHOLE in self.file.tensors:
            return []
        value = self.file.tensors.get(block + _SPLIT_VALUE)
        is_split = value is not None and len(value.shape) == len(tensor.shape) == _EXPERT_DIMENSIONS
        if value is None or not is_split or tensor.shape[:2] != (value.shape[0], value.shape[-1]):
            raise ModelError(f"{self.file.path}: {tensor.name} and {block}{_SPLIT_VALUE} do not belong together")
        heads, latent, nope = tensor.shape
        shape = (heads * (nope + value.shape[1]), latent)
        return [TensorStream(layer + _DEEPSEEK2[_WHOLE], shape, partial(_key_then_value, tensor, value))]


def _whole(released: str, tensor: GgufTensor) -> TensorStream:
    return TensorStream(released, tensor.shape, partial(tensor.blocks, 0, tensor.rows))


def _experts(prefix: str, projection: str, tensor: GgufTensor) -> list[TensorStream]:
    """Split [E, out, in] into a matrix for each expert. Raises ModelError for more experts than any model has."""
    if len(tensor.shape) != _EXPERT_DIMENSIONS or tensor.shape[0] > MOST_EXPERTS:
        raise ModelError(
            f"{tensor.path}: {tensor.name} is of the shape {list(tensor.shape)}, which is no row of experts"
        )
    count, out, columns = tensor.shape
    return [
        TensorStream(f"{prefix}.{e}.{projection}", (out, columns), partial(tensor.blocks, e * out, (e + 1) * out))
        for e in range(count)
    ]


def _halves(tensor: GgufTensor, heads: int) -> Iterator[Float32]:
    """Put rotated rows back: llama.cpp rotates neighbouring rows, transformers the two halves of a head."""
    width = tensor.rows // heads
    for head in range(heads):
        rows = tensor.read(head * width, (head + 1) * width)
        yield np.ascontiguousarray(rows.reshape(width // 2, 2, -1).swapaxes(0, 1).reshape(width, -1))


def _key_then_value(key: GgufTensor, value: GgufTensor) -> Iterator[Float32]:
    """Yield the key's rows of each head, which the file holds transposed, then the value's."""
    heads, latent, _ = key.shape
    width = value.shape[1]
    for head in range(heads):
        yield np.ascontiguousarray(key.read(head * latent, (head + 1) * latent).T)
        yield value.read(head * width, (head + 1) * width)
