"""The trainable DeepSeek-V2: MLA in its expanded form, a dense first layer, routed experts after.

Parameters are fp32 and cast to the type of the activations where they are used. Names follow the
released tensors (experts are stacked; `export.py` takes them apart).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.documents.document_source import IGNORED
from training.model.causal_attention import causal_attention
from training.model.experts import assign_slots, move_to_slots, sum_from_slots
from training.model.shape import ModelShape

INIT_STD = 0.02


class Projection(nn.Module):
    """x @ weight.T without bias, in the type of x."""

    def __init__(self, inputs: int, outputs: int, std: float = INIT_STD) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * std)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))


class Norm(nn.Module):
    """RMSNorm, computed in fp32, the result in the type of x."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (wide * self.weight).to(x.dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on interleaved pairs (2i, 2i+1). x [B, heads, L, D]; cos, sin [L, D/2]."""
    even, odd = x.float().view(*x.shape[:-1], -1, 2).unbind(-1)
    turned = torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1)
    return turned.flatten(-2).to(x.dtype)


class Attention(nn.Module):
    """Multi-head latent attention, keys and values expanded from the latent."""

    def __init__(self, shape: ModelShape, out_std: float) -> None:
        super().__init__()
        self.shape = shape
        heads, hidden = shape.num_attention_heads, shape.hidden_size
        self.q_proj = Projection(hidden, heads * shape.qk_head_dim)
        self.kv_a_proj_with_mqa = Projection(hidden, shape.kv_lora_rank + shape.qk_rope_head_dim)
        self.kv_a_layernorm = Norm(shape.kv_lora_rank, shape.rms_norm_eps)
        expanded = heads * (shape.qk_nope_head_dim + shape.v_head_dim)
        self.kv_b_proj = Projection(shape.kv_lora_rank, expanded)
        self.o_proj = Projection(heads * shape.v_head_dim, hidden, out_std)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        s = self.shape
        batch, length, _ = x.shape
        heads = s.num_attention_heads
        q = self.q_proj(x).view(batch, length, heads, s.qk_head_dim).transpose(1, 2)
        q_nope, q_rope = q.split((s.qk_nope_head_dim, s.qk_rope_head_dim), -1)
        latent, k_rope = self.kv_a_proj_with_mqa(x).split((s.kv_lora_rank, s.qk_rope_head_dim), -1)
        expanded = self.kv_b_proj(self.kv_a_layernorm(latent))
        expanded = expanded.view(batch, length, heads, -1).transpose(1, 2)
        k_nope, v = expanded.split((s.qk_nope_head_dim, s.v_head_dim), -1)
        k_rope = rotate(k_rope.unsqueeze(1), cos, sin).expand(-1, heads, -1, -1)
        q = torch.cat((q_nope, rotate(q_rope, cos, sin)), -1)
        k = torch.cat((k_nope, k_rope), -1)
        out = causal_attention(q, k, v)
        mixed: Tensor = self.o_proj(out.transpose(1, 2).reshape(batch, length, -1))
        return mixed


class GatedMlp(nn.Module):
    """down(silu(gate(x)) · up(x))."""

    def __init__(self, hidden: int, width: int, out_std: float) -> None:
        super().__init__()
        self.gate_proj = Projection(hidden, width)
        self.up_proj = Projection(hidden, width)
        self.down_proj = Projection(width, hidden, out_std)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Experts(nn.Module):
    """The routed experts' weights, stacked: [experts, width, hidden] and [experts, hidden, width]."""

    def __init__(self, shape: ModelShape, out_std: float) -> None:
        super().__init__()
        inner = (shape.n_routed_experts, shape.moe_intermediate_size, shape.hidden_size)
        self.gate_proj = nn.Parameter(torch.randn(inner) * INIT_STD)
        self.up_proj = nn.Parameter(torch.randn(inner) * INIT_STD)
        self.down_proj = nn.Parameter(torch.randn(inner).transpose(1, 2).contiguous() * out_std)

    def forward(self, x: Tensor) -> Tensor:
        """x [experts, capacity, hidden], each expert on its own rows."""
        gate = torch.bmm(x, self.gate_proj.to(x.dtype).transpose(1, 2))
        up = torch.bmm(x, self.up_proj.to(x.dtype).transpose(1, 2))
        return torch.bmm(F.silu(gate) * up, self.down_proj.to(x.dtype).transpose(1, 2))


class MixtureOfExperts(nn.Module):
    """The shared expert plus the chosen routed ones, weighted by the router's softmax."""

    def __init__(self, shape: ModelShape, out_std: float) -> None:
        super().__init__()
        self.shape = shape
        self.gate = Projection(shape.hidden_size, shape.n_routed_experts)
        self.experts = Experts(shape, out_std)
        shared = shape.n_shared_experts * shape.moe_intermediate_size
        self.shared_experts = GatedMlp(shape.hidden_size, shared, out_std)

    def forward(self, x: Tensor, capacity_factor: float) -> tuple[Tensor, Tensor, Tensor]:
        """The output, the balance loss (1 when even) and the share of choices dropped."""
        s = self.shape
        flat = x.reshape(-1, s.hidden_size)
        scores = self.gate(flat.float()).softmax(-1)
        weights, chosen = scores.topk(s.num_experts_per_tok, -1)
        even = flat.shape[0] * s.num_experts_per_tok / s.n_routed_experts
        capacity = min(flat.shape[0], math.ceil(even * capacity_factor / 8) * 8)
        slots = assign_slots(chosen, s.n_routed_experts, capacity)
        rows = move_to_slots(flat, slots).view(s.n_routed_experts, capacity, -1)
        routed = sum_from_slots(self.experts(rows).flatten(0, 1), weights.to(x.dtype), slots)
        load = F.one_hot(chosen, s.n_routed_experts).sum(1).float().mean(0)
        balance = (load / s.num_experts_per_tok * scores.mean(0)).sum() * s.n_routed_experts
        dropped = 1 - slots.kept.float().mean()
        return routed.view_as(x) + self.shared_experts(x), balance, dropped


class Layer(nn.Module):
    """Attention and MLP, each on a normed input and added to the stream."""

    def __init__(self, shape: ModelShape, index: int) -> None:
        super().__init__()
        out_std = INIT_STD / math.sqrt(2 * shape.num_hidden_layers)
        self.input_layernorm = Norm(shape.hidden_size, shape.rms_norm_eps)
        self.self_attn = Attention(shape, out_std)
        self.post_attention_layernorm = Norm(shape.hidden_size, shape.rms_norm_eps)
        self.mlp: GatedMlp | MixtureOfExperts = (
            GatedMlp(shape.hidden_size, shape.intermediate_size, out_std)
            if index < shape.first_k_dense_replace
            else MixtureOfExperts(shape, out_std)
        )


class Model(nn.Module):
    """Token ids [B, L] → hidden states, logits, or the loss with its parts."""

    def __init__(self, shape: ModelShape, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.shape, self.dtype = shape, dtype
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        nn.init.normal_(self.embed_tokens.weight, std=INIT_STD)
        self.layers = nn.ModuleList(Layer(shape, i) for i in range(shape.num_hidden_layers))
        self.norm = Norm(shape.hidden_size, shape.rms_norm_eps)

    def _hidden(self, ids: Tensor, capacity_factor: float) -> tuple[Tensor, Tensor, Tensor]:
        """Normed hidden states [B, L, H], the balance loss and dropped share, summed over layers."""
        width, device = self.shape.qk_rope_head_dim, ids.device
        rates = self.shape.rope_theta ** -(torch.arange(0, width, 2, device=device) / width)
        angles = torch.outer(torch.arange(ids.shape[1], device=device), rates)
        cos, sin = angles.cos(), angles.sin()
        x = self.embed_tokens(ids).to(self.dtype)
        balance = dropped = torch.zeros((), device=device)
        for layer in self.layers:
            assert isinstance(layer, Layer)
            x = x + layer.self_attn(layer.input_layernorm(x), cos, sin)
            normed = layer.post_attention_layernorm(x)
            if isinstance(layer.mlp, MixtureOfExperts):
                out, layer_balance, layer_dropped = layer.mlp(normed, capacity_factor)
                balance, dropped = balance + layer_balance, dropped + layer_dropped
            else:
                out = layer.mlp(normed)
            x = x + out
        return self.norm(x), balance, dropped

    def logits(self, ids: Tensor) -> Tensor:
        """Logits [B, L, V] with no choice dropped, as inference computes them."""
        hidden, _, _ = self._hidden(ids, float(self.shape.n_routed_experts))
        return F.linear(hidden, self.embed_tokens.weight.to(hidden.dtype))

    def forward(
        self, ids: Tensor, targets: Tensor, weights: Tensor, capacity_factor: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Weighted and plain mean cross-entropy over targets [B, L], mean balance loss, mean dropped share."""
        hidden, balance, dropped = self._hidden(ids, capacity_factor)
        logits = F.linear(hidden, self.embed_tokens.weight.to(hidden.dtype)).float().flatten(0, 1)
        losses = F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="none")
        weighted = (losses * weights.flatten()).sum() / weights.sum()
        plain = losses.detach().sum() / (targets != IGNORED).sum()
        routed = max(1, self.shape.num_hidden_layers - self.shape.first_k_dense_replace)
        return weighted, plain, balance / routed, dropped / routed
