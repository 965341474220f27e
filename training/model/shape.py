"""The shape of the trainable model, in the words of the released `config.json`."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelShape:
    """DeepSeek-V2 with greedy routing, no q_lora and a tied head.

    The default has 7.7M parameters, of which 5.4M work on a token (2.1M of those the embedding):
    small, because two cores show it few tokens (see training/README.md).
    """

    vocab_size: int = 8192
    hidden_size: int = 256
    num_hidden_layers: int = 5
    num_attention_heads: int = 4
    kv_lora_rank: int = 128
    qk_nope_head_dim: int = 32
    qk_rope_head_dim: int = 32
    v_head_dim: int = 64
    n_routed_experts: int = 4
    n_shared_experts: int = 1
    num_experts_per_tok: int = 1
    moe_intermediate_size: int = 256
    first_k_dense_replace: int = 1
    intermediate_size: int = 768
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-6
    max_position_embeddings: int = 2048

    @property
    def qk_head_dim(self) -> int:
        """Width of a query or key: the part without position, then the rotated part."""
        return self.qk_nope_head_dim + self.qk_rope_head_dim


def released_config(shape: ModelShape, bos: int, eos: int, context_tokens: int, name: str) -> dict[str, Any]:
    """The `config.json` of the exported model: the released keys, and one block of Midspan's.

    `context_tokens` is the sequence length that was really trained.
    """
    return {
        "architectures": ["DeepseekV2ForCausalLM"],
        "model_type": "deepseek_v2",
        "torch_dtype": "bfloat16",
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "moe_intermediate_size": shape.moe_intermediate_size,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_attention_heads": shape.num_attention_heads,
        "num_key_value_heads": shape.num_attention_heads,
        "q_lora_rank": None,
        "kv_lora_rank": shape.kv_lora_rank,
        "qk_nope_head_dim": shape.qk_nope_head_dim,
        "qk_rope_head_dim": shape.qk_rope_head_dim,
        "v_head_dim": shape.v_head_dim,
        "n_routed_experts": shape.n_routed_experts,
        "n_shared_experts": shape.n_shared_experts,
        "num_experts_per_tok": shape.num_experts_per_tok,
        "first_k_dense_replace": shape.first_k_dense_replace,
        "moe_layer_freq": 1,
        "n_group": 1,
        "topk_group": 1,
        "topk_method": "greedy",
        "scoring_func": "softmax",
        "norm_topk_prob": False,
        "routed_scaling_factor": 1.0,
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "rope_theta": shape.rope_theta,
        "rope_scaling": None,
        "rms_norm_eps": shape.rms_norm_eps,
        "max_position_embeddings": shape.max_position_embeddings,
        "tie_word_embeddings": True,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "pad_token_id": eos,
        "midspan": {
            "name": name,
            "fim_orders": ["spm", "psm"],
            "context_tokens": context_tokens,
        },
    }
