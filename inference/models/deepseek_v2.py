"""DeepSeek-V2 (arXiv:2405.04434): multi-head latent attention and a mixture of experts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from inference.models.batch import Batch, Group
from inference.models.decoder import Decoder, Mlp
from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.mlp import load_mlp
from inference.models.moe import load_moe
from inference.models.rotary import Rotary
from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Linear, Part, load_linear
from inference.weights.matrix import dequantize
from kernels.expanded_attention import expanded_attention
from kernels.few_shapes import pad_rows
from kernels.latent_write import write_latents
from kernels.mla_attention import mla_attention
from kernels.rmsnorm import rmsnorm
from kernels.rope import apply_rope

# The released code builds the norms of both latents with its default, whatever rms_norm_eps says.
LATENT_NORM_EPS = 1e-6


def load_deepseek_v2(config: DeepseekV2Config, source: TensorSource, device: torch.device) -> Decoder:
    """Load the model's tensors from `source`."""
    c = config

    def load_layer_mlp(index: int, prefix: str) -> Mlp:
        if index < c.first_k_dense_replace:
            return load_mlp(source, prefix, c.hidden_size, c.intermediate_size)
        return load_moe(c, source, prefix)

    rotary = Rotary(c.qk_rope_head_dim, c.rope_theta, c.yarn, device)
    return Decoder(c, source, rotary, lambda prefix: _load_attention(c, source, prefix), load_layer_mlp)


@dataclass(frozen=True)
class Query:
    """The projection hidden -> heads; through a low-rank latent when `down` is there."""

    proj: Linear  # hidden or q_lora -> heads * (nope + rope)
    down: Linear | None  # hidden -> q_lora
    norm: Tensor | None  # [q_lora]

    def __call__(self, x: Tensor) -> Tensor:
        if self.down is not None and self.norm is not None:
            x = rmsnorm(self.down(x), self.norm, LATENT_NORM_EPS)
        return self.proj(x)


@dataclass(frozen=True)
class LatentAttention:
    """Multi-head latent attention; a page entry is [R + D], the latent and the rotated key that all heads share."""

    config: DeepseekV2Config
    query: Query
    kv_down: Linear  # hidden -> R + D: the latent, then the shared rotated key
    kv_norm: Tensor  # [R]
    key_up: Tensor  # [H, N, R]
    value_up: Tensor  # [H, V, R]
    out: Linear  # H * V -> hidden

    def __call__(self, x: Tensor, cos: Tensor, sin: Tensor, batch: Batch, pages: Tensor) -> Tensor:
        c = self.config
        q = self.query(x).view(len(x), c.num_attention_heads, -1)
        q_nope, q_rope = torch.split(q, [c.qk_nope_head_dim, c.qk_rope_head_dim], dim=-1)
        q_rope = apply_rope(q_rope, cos, sin)
        write_latents(pages, batch.slots, self.kv_down(x), self.kv_norm, LATENT_NORM_EPS, cos, sin)
        out = x.new_empty(len(x), c.num_attention_heads, c.v_head_dim)
        for g in batch.groups:
            if g.count < c.absorb_below_tokens:
                out[g.rows] = self._attend_absorbed(q_nope[g.rows], q_rope[g.rows], g, pages)
        for s in batch.segments:
            if s.count >= c.absorb_below_tokens:
                rows = slice(s.start, s.start + s.count)
                out[rows] = expanded_attention(
                    q_nope[rows],
                    q_rope[rows],
                    pages,
                    s.page_table,
                    s.length,
                    self.key_up,
                    self.value_up,
                    c.softmax_scale,
                )
        return self.out(out.flatten(1))

    def _attend_absorbed(self, q_nope: Tensor, q_rope: Tensor, group: Group, pages: Tensor) -> Tensor:
        """Attend in the latent space: the up-projections move to the query and to the result.

        q_nope [M, H, N], q_rope [M, H, D] -> [M, H, V]. Cheaper for few new tokens. Section 2.1.2.
        """
        c = self.config
        new_tokens = len(q_nope)  # of all the group's sequences
        q_latent = torch.bmm(pad_rows(q_nope.transpose(0, 1)), self.key_up)[:, :new_tokens].transpose(0, 1)  # [M, H, R]
        q = torch.cat([q_latent, q_rope], dim=-1)
        q = q.view(-1, group.count, *q.shape[1:])
        mixed = mla_attention(q, pages, group.page_tables, group.lengths, c.softmax_scale, c.kv_lora_rank).flatten(0, 1)
        values = torch.bmm(pad_rows(mixed.transpose(0, 1)), self.value_up.transpose(1, 2))  # [H, >= M, V]
        return values[:, :new_tokens].transpose(0, 1)


def _load_attention(c: DeepseekV2Config, source: TensorSource, prefix: str) -> LatentAttention:
    heads, hidden, latent = c.num_attention_heads, c.hidden_size, c.kv_lora_rank
    query_rows = heads * (c.qk_nope_head_dim + c.qk_rope_head_dim)
    if c.q_lora_rank is None:
        query = Query(load_linear(source, [Part(prefix + "q_proj", query_rows)], hidden), None, None)
    else:
        query = Query(
            down=load_linear(source, [Part(prefix + "q_a_proj", c.q_lora_rank, at_least="int8")], hidden),
            norm=source.load(prefix + "q_a_layernorm.weight", (c.q_lora_rank,)),
            proj=load_linear(source, [Part(prefix + "q_b_proj", query_rows)], c.q_lora_rank),
        )
    content = c.qk_nope_head_dim + c.v_head_dim
    up = dequantize(source.load_rows(prefix + "kv_b_proj.weight", (heads * content, latent)), source.dtype)
    key_up, value_up = torch.split(up.view(heads, content, latent), [c.qk_nope_head_dim, c.v_head_dim], 1)
    return LatentAttention(
        config=c,
        query=query,
        kv_down=load_linear(source, [Part(prefix + "kv_a_proj_with_mqa", c.page_width, at_least="int8")], hidden),
        kv_norm=source.load(prefix + "kv_a_layernorm.weight", (latent,)),
        key_up=key_up.contiguous(),
        value_up=value_up.contiguous(),
        out=load_linear(source, [Part(prefix + "o_proj", hidden)], heads * c.v_head_dim),
    )
