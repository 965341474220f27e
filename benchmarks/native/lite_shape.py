"""The shape of DeepSeek-Coder-V2-Lite, as its released config.json gives it."""

from inference.models.deepseek_v2_config import DeepseekV2Config, YarnScaling

LITE = DeepseekV2Config(
    vocab_size=102400,
    hidden_size=2048,
    intermediate_size=10944,
    moe_intermediate_size=1408,
    num_hidden_layers=27,
    num_attention_heads=16,
    q_lora_rank=None,
    kv_lora_rank=512,
    qk_nope_head_dim=128,
    qk_rope_head_dim=64,
    v_head_dim=128,
    n_routed_experts=64,
    n_shared_experts=2,
    num_experts_per_tok=6,
    first_k_dense_replace=1,
    topk_method="greedy",
    n_group=1,
    topk_group=1,
    routed_scaling_factor=1.0,
    norm_topk_prob=False,
    rms_norm_eps=1e-6,
    rope_theta=10000.0,
    yarn=YarnScaling(40, 4096, 32, 1, 0.707, 0.707),
    max_position_embeddings=163840,
    tie_word_embeddings=False,
)
