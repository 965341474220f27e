"""Llama-like models: DeepSeek-Coder v1, and Qwen2.5-Coder (arXiv:2409.12186). Grouped-query attention, gated MLP."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inference.models.batch import Batch
from inference.models.llama_config import LlamaConfig
from inference.models.mlp import DenseMlp, take_mlp
from inference.models.rotary import Rotary
from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Embedding, Linear, Part, take_head, take_linear
from kernels.kv_attention import kv_attention
from kernels.page_write import write_pages
from kernels.rmsnorm import rmsnorm
from kernels.rope import apply_rope


@dataclass(frozen=True)
class Layer:
    attention_norm: Tensor
    qkv: Linear  # all query heads, then the key heads, then the value heads
    out: Linear
    mlp_norm: Tensor
    mlp: DenseMlp


class Llama:
    def __init__(self, config: LlamaConfig, source: TensorSource, device: torch.device) -> None:
        """Takes every tensor from `source` once, under its released name."""
        c = config
        self.config = c
        self.embedding = Embedding(source, "model.embed_tokens.weight", (c.vocab_size, c.hidden_size))
        self.layers = [_take_layer(c, source, f"model.layers.{i}.") for i in range(c.num_hidden_layers)]
        self.norm = source.take("model.norm.weight", (c.hidden_size,))
        self.head = (
            self.embedding.head
            if c.tie_word_embeddings
            else take_head(source, "lm_head.weight", (c.vocab_size, c.hidden_size))
        )
        self.rotary = Rotary(c.head_dim, c.rope_theta, None, device, c.rope_factor)

    def forward(self, batch: Batch, pages: Tensor) -> Tensor:
        """Run the batch's new tokens, writing their cache entries into `pages` [layers, P, S, 2 * G * D].

        Returns fp32 logits [L, vocabulary] of `batch.logit_rows`.
        """
        eps = self.config.rms_norm_eps
        cos, sin = self.rotary.angles(batch.positions)
        x = self.embedding(batch.tokens)  # [T, hidden]
        for layer, layer_pages in zip(self.layers, pages, strict=True):
            normed = rmsnorm(x, layer.attention_norm, eps)
            x = x + self._attend(layer, normed, cos, sin, batch, layer_pages)
            x = x + layer.mlp(rmsnorm(x, layer.mlp_norm, eps))
        return self.head(rmsnorm(x[batch.logit_rows], self.norm, eps)).float()

    def _attend(self, layer: Layer, x: Tensor, cos: Tensor, sin: Tensor, batch: Batch, pages: Tensor) -> Tensor:
        c = self.config
        heads, kv_heads = c.num_attention_heads, c.num_key_value_heads
        projected = layer.qkv(x).view(len(x), heads + 2 * kv_heads, c.head_dim)
        rotated = apply_rope(projected[:, : heads + kv_heads], cos, sin)  # queries and keys
        entries = torch.cat([rotated[:, heads:], projected[:, heads + kv_heads :]], dim=1)
        write_pages(pages, batch.slots, entries.flatten(1))
        out = x.new_empty(len(x), heads, c.head_dim)
        for s in batch.segments:
            rows = slice(s.start, s.start + s.count)
            lengths = torch.tensor([s.length], dtype=torch.int32, device=x.device)
            queries, table = rotated[None, rows, :heads], s.page_table[None]
            out[rows] = kv_attention(queries, pages, table, lengths, c.softmax_scale, kv_heads)[0]
        return layer.out(out.flatten(1))


def _take_layer(c: LlamaConfig, source: TensorSource, prefix: str) -> Layer:
    heads, kv_heads = c.num_attention_heads, c.num_key_value_heads
    attention = prefix + "self_attn."
    projections = [
        Part(attention + "q_proj", heads * c.head_dim, c.qkv_bias, _pairs_together(heads)),
        Part(attention + "k_proj", kv_heads * c.head_dim, c.qkv_bias, _pairs_together(kv_heads)),
        Part(attention + "v_proj", kv_heads * c.head_dim, c.qkv_bias),
    ]
    return Layer(
        attention_norm=source.take(prefix + "input_layernorm.weight", (c.hidden_size,)),
        qkv=take_linear(source, projections, c.hidden_size),
        out=take_linear(source, [Part(attention + "o_proj", c.hidden_size)], heads * c.head_dim),
        mlp_norm=source.take(prefix + "post_attention_layernorm.weight", (c.hidden_size,)),
        mlp=take_mlp(source, prefix + "mlp.", c.hidden_size, c.intermediate_size),
    )


def _pairs_together(heads: int) -> Callable[[Tensor], Tensor]:
    """The released rows of a head rotate as pairs (i, i + width / 2); our rope's pairs are neighbours.

    A score does not change when queries and keys are reordered alike.
    """

    def reorder(rows: Tensor) -> Tensor:
        return rows.view(heads, 2, -1, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)

    return reorder
