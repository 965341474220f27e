"""Llama-like models: DeepSeek-Coder v1, and Qwen2.5-Coder (arXiv:2409.12186). Grouped-query attention, gated MLP."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inference.models.batch import Batch
from inference.models.decoder import Decoder
from inference.models.llama_config import LlamaConfig
from inference.models.mlp import load_mlp
from inference.models.rotary import Rotary
from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Linear, Part, load_linear
from kernels.key_value_write import rotate_and_write
from kernels.kv_attention import kv_attention


def load_llama(config: LlamaConfig, source: TensorSource, device: torch.device) -> Decoder:
    """Load the model's tensors from `source`."""
    c = config
    return Decoder(
        c,
        source,
        Rotary(c.head_dim, c.rope_theta, None, device, c.rope_factor),
        lambda prefix: _load_attention(c, source, prefix),
        lambda _, prefix: load_mlp(source, prefix, c.hidden_size, c.intermediate_size, c.layer_form),
    )


@dataclass(frozen=True)
class GroupedQueryAttention:
    """Attention whose query heads share key/value heads evenly; a page entry is [2 * G * D], the rotated keys first."""

    config: LlamaConfig
    qkv: Linear  # all query heads, then the key heads, then the value heads
    out: Linear

    def __call__(self, x: Tensor, cos: Tensor, sin: Tensor, batch: Batch, pages: Tensor) -> Tensor:
        c = self.config
        heads, kv_heads = c.num_attention_heads, c.num_key_value_heads
        projected = self.qkv(x).view(len(x), heads + 2 * kv_heads, c.head_dim)
        rotated = rotate_and_write(pages, batch.slots, projected, heads, cos, sin)
        out = x.new_empty(len(x), heads, c.head_dim)
        for g in batch.groups:
            queries = rotated[g.rows].view(-1, g.count, heads, c.head_dim)
            mixed = kv_attention(queries, pages, g.page_tables, g.lengths, c.softmax_scale, kv_heads)
            out[g.rows] = mixed.flatten(0, 1)
        return self.out(out.flatten(1))


def _load_attention(c: LlamaConfig, source: TensorSource, prefix: str) -> GroupedQueryAttention:
    heads, kv_heads = c.num_attention_heads, c.num_key_value_heads
    projections = [
        Part(prefix + "q_proj", heads * c.head_dim, c.qkv_bias, c.layer_form, _pairs_together(heads)),
        Part(prefix + "k_proj", kv_heads * c.head_dim, c.qkv_bias, "int5", _pairs_together(kv_heads)),
        Part(prefix + "v_proj", kv_heads * c.head_dim, c.qkv_bias, "int5"),
    ]
    return GroupedQueryAttention(
        config=c,
        qkv=load_linear(source, projections, c.hidden_size),
        out=load_linear(source, [Part(prefix + "o_proj", c.hidden_size, at_least=c.layer_form)], heads * c.head_dim),
    )


def _pairs_together(heads: int) -> Callable[[Tensor], Tensor]:
    """Return the reordering that puts the pairs of a rotation beside each other.

    The released rows of a head rotate as pairs (i, i + width / 2), and our rope's pairs are neighbours. A score does
    not change when queries and keys are reordered alike.
    """

    def reorder(rows: Tensor) -> Tensor:
        return rows.view(heads, 2, -1, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)

    return reorder
