"""DeepSeek-V2 (arXiv:2405.04434): multi-head latent attention and a mixture of experts."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from inference.models.batch import Batch, Segment
from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.mlp import DenseMlp, take_mlp
from inference.models.moe import MoeMlp, take_moe
from inference.models.rotary import Rotary
from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Embedding, Linear, Part, take_head, take_linear
from kernels.mla_attention import mla_attention
from kernels.page_write import write_pages
from kernels.rmsnorm import rmsnorm
from kernels.rope import apply_rope

# The released code builds the norms of both latents with its default, whatever rms_norm_eps says.
LATENT_NORM_EPS = 1e-6


@dataclass(frozen=True)
class Query:
    """hidden -> heads; through a low-rank latent when `down` is there."""

    proj: Linear  # hidden or q_lora -> heads * (nope + rope)
    down: Tensor | None  # [q_lora, hidden]
    norm: Tensor | None  # [q_lora]


@dataclass(frozen=True)
class Attention:
    query: Query
    kv_down: Tensor  # [R + D, hidden]: the latent, then the shared rotated key
    kv_norm: Tensor  # [R]
    key_up: Tensor  # [heads, nope, R]
    value_up: Tensor  # [heads, v, R]
    out: Linear  # heads * v -> hidden


@dataclass(frozen=True)
class Layer:
    attention_norm: Tensor
    attention: Attention
    mlp_norm: Tensor
    mlp: DenseMlp | MoeMlp


class DeepseekV2:
    def __init__(self, config: DeepseekV2Config, source: TensorSource, device: torch.device) -> None:
        """Takes every tensor from `source` once, under its released name."""
        c = config
        self.config = c
        self.embedding = Embedding(source, "model.embed_tokens.weight", (c.vocab_size, c.hidden_size))
        self.layers = [_take_layer(c, source, i) for i in range(c.num_hidden_layers)]
        self.norm = source.take("model.norm.weight", (c.hidden_size,))
        self.head = (
            self.embedding.head
            if c.tie_word_embeddings
            else take_head(source, "lm_head.weight", (c.vocab_size, c.hidden_size))
        )
        self.rotary = Rotary(c.qk_rope_head_dim, c.rope_theta, c.yarn, device)

    def forward(self, batch: Batch, pages: Tensor) -> Tensor:
        """Run the batch's new tokens, writing their cache entries into `pages` [layers, P, S, R + D].

        Returns fp32 logits [L, vocabulary] of `batch.logit_rows`.
        """
        eps = self.config.rms_norm_eps
        cos, sin = self.rotary.angles(batch.positions)
        x = self.embedding(batch.tokens)  # [T, hidden]
        for layer, layer_pages in zip(self.layers, pages, strict=True):
            normed = rmsnorm(x, layer.attention_norm, eps)
            x = x + self._attend(layer.attention, normed, cos, sin, batch, layer_pages)
            x = x + layer.mlp(rmsnorm(x, layer.mlp_norm, eps))
        return self.head(rmsnorm(x[batch.logit_rows], self.norm, eps)).float()

    def _attend(self, a: Attention, x: Tensor, cos: Tensor, sin: Tensor, batch: Batch, pages: Tensor) -> Tensor:
        c = self.config
        q = self._project_query(a.query, x)
        q_nope, q_rope = torch.split(q, [c.qk_nope_head_dim, c.qk_rope_head_dim], dim=-1)
        q_rope = apply_rope(q_rope, cos, sin)
        latent, k_rope = torch.split(F.linear(x, a.kv_down), [c.kv_lora_rank, c.qk_rope_head_dim], dim=-1)
        latent = rmsnorm(latent, a.kv_norm, LATENT_NORM_EPS)
        k_rope = apply_rope(k_rope[:, None], cos, sin)[:, 0]
        write_pages(pages, batch.slots, torch.cat([latent, k_rope], dim=-1))
        out = x.new_empty(len(x), c.num_attention_heads, c.v_head_dim)
        for s in batch.segments:
            rows = slice(s.start, s.start + s.count)
            attend = absorbed if s.count < c.absorb_below_tokens else expanded
            out[rows] = attend(c, a, q_nope[rows], q_rope[rows], s, pages)
        return a.out(out.flatten(1))

    def _project_query(self, query: Query, x: Tensor) -> Tensor:
        if query.down is not None and query.norm is not None:
            x = rmsnorm(F.linear(x, query.down), query.norm, LATENT_NORM_EPS)
        return query.proj(x).view(len(x), self.config.num_attention_heads, -1)


def absorbed(
    c: DeepseekV2Config,
    a: Attention,
    q_nope: Tensor,
    q_rope: Tensor,
    segment: Segment,
    pages: Tensor,
) -> Tensor:
    """Attention in the latent space: the up-projections move to the query and to the result.

    q_nope [M, H, N], q_rope [M, H, D] -> [M, H, V]. Cheaper for few new tokens. Section 2.1.2.
    """
    q_latent = torch.bmm(q_nope.transpose(0, 1), a.key_up).transpose(0, 1)  # [M, H, R]
    q = torch.cat([q_latent, q_rope], dim=-1)
    lengths = torch.tensor([segment.length], dtype=torch.int32, device=q.device)
    mixed = mla_attention(q[None], pages, segment.page_table[None], lengths, c.softmax_scale, c.kv_lora_rank)[0]
    return torch.bmm(mixed.transpose(0, 1), a.value_up.transpose(1, 2)).transpose(0, 1)


def expanded(
    c: DeepseekV2Config,
    a: Attention,
    q_nope: Tensor,
    q_rope: Tensor,
    segment: Segment,
    pages: Tensor,
) -> Tensor:
    """Attention over keys and values expanded from every cached latent of the sequence.

    q_nope [M, H, N], q_rope [M, H, D] -> [M, H, V]. Cheaper for a long prefill. Section 2.1.1.
    """
    entries = pages[segment.page_table.long()].flatten(0, 1)[: segment.length]  # [L, R + D]
    latent, k_rope = torch.split(entries, [c.kv_lora_rank, c.qk_rope_head_dim], dim=-1)
    k_nope = torch.einsum("lr,hnr->hln", latent, a.key_up)
    k = torch.cat([k_nope, k_rope.expand(len(k_nope), -1, -1)], dim=-1)  # [H, L, N + D]
    v = torch.einsum("lr,hvr->hlv", latent, a.value_up)
    q = torch.cat([q_nope, q_rope], dim=-1).transpose(0, 1)  # [H, M, N + D]
    # A value width other than the key width leaves SDPA's fast path.
    v = F.pad(v, (0, k.shape[-1] - c.v_head_dim)) if c.v_head_dim < k.shape[-1] else v
    new = torch.arange(segment.length - segment.count, segment.length, device=q.device)
    visible = torch.arange(segment.length, device=q.device) <= new[:, None]  # [M, L]
    out = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=visible, scale=c.softmax_scale)
    return out[0, ..., : c.v_head_dim].transpose(0, 1)


def _take_layer(c: DeepseekV2Config, source: TensorSource, index: int) -> Layer:
    prefix = f"model.layers.{index}."
    dense = index < c.first_k_dense_replace
    return Layer(
        attention_norm=source.take(prefix + "input_layernorm.weight", (c.hidden_size,)),
        attention=_take_attention(c, source, prefix + "self_attn."),
        mlp_norm=source.take(prefix + "post_attention_layernorm.weight", (c.hidden_size,)),
        mlp=take_mlp(source, prefix + "mlp.", c.hidden_size, c.intermediate_size)
        if dense
        else take_moe(c, source, prefix + "mlp."),
    )


def _take_attention(c: DeepseekV2Config, source: TensorSource, prefix: str) -> Attention:
    heads, hidden, latent = c.num_attention_heads, c.hidden_size, c.kv_lora_rank
    query_rows = heads * (c.qk_nope_head_dim + c.qk_rope_head_dim)
    if c.q_lora_rank is None:
        query = Query(take_linear(source, [Part(prefix + "q_proj", query_rows)], hidden), None, None)
    else:
        query = Query(
            down=source.take(prefix + "q_a_proj.weight", (c.q_lora_rank, hidden)),
            norm=source.take(prefix + "q_a_layernorm.weight", (c.q_lora_rank,)),
            proj=take_linear(source, [Part(prefix + "q_b_proj", query_rows)], c.q_lora_rank),
        )
    content = c.qk_nope_head_dim + c.v_head_dim
    up = source.take(prefix + "kv_b_proj.weight", (heads * content, latent))
    key_up, value_up = torch.split(up.view(heads, content, latent), [c.qk_nope_head_dim, c.v_head_dim], 1)
    return Attention(
        query=query,
        kv_down=source.take(prefix + "kv_a_proj_with_mqa.weight", (c.page_width, hidden)),
        kv_norm=source.take(prefix + "kv_a_layernorm.weight", (latent,)),
        key_up=key_up.contiguous(),
        value_up=value_up.contiguous(),
        out=take_linear(source, [Part(prefix + "o_proj", hidden)], heads * c.v_head_dim),
    )
