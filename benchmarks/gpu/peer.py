"""The reference implementation of transformers with random weights at the same sizes, decoding on the same card."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch

from benchmarks.gpu.clock import Clock
from inference.models.architecture import ModelConfig
from inference.models.llama_config import LlamaConfig


def time_transformers_s(config: ModelConfig, context_tokens: int, device: torch.device, clock: Clock) -> float | str:
    """Return the seconds of a decoded token behind a context, or the line that says why there are none."""
    try:
        transformers = import_module("transformers")
    except ImportError:
        return "transformers is not installed"
    try:
        with torch.device(device), torch.inference_mode():
            return clock.time_s(_decode(transformers, config, context_tokens, device))
    except Exception as error:  # whatever its version lacks, our own figures stay
        return f"transformers failed: {str(error).partition(chr(10))[0]}"


def _decode(transformers: Any, config: ModelConfig, context_tokens: int, device: torch.device) -> Callable[[], object]:
    model = _model(transformers, config).to(torch.bfloat16).eval()
    cache = transformers.DynamicCache()
    for start in range(0, context_tokens, 1024):
        model(torch.ones(1, min(1024, context_tokens - start), dtype=torch.int64), past_key_values=cache)
    token = torch.ones(1, 1, dtype=torch.int64, device=device)

    def step() -> None:
        model(token, past_key_values=cache).logits[0, -1].argmax().item()  # the cache grows by a token

    return step


def _model(transformers: Any, config: ModelConfig) -> Any:
    c = config
    shared: dict[str, Any] = {
        "vocab_size": c.vocab_size,
        "hidden_size": c.hidden_size,
        "intermediate_size": c.intermediate_size,
        "num_hidden_layers": c.num_hidden_layers,
        "num_attention_heads": c.num_attention_heads,
        "max_position_embeddings": c.max_position_embeddings,
        "tie_word_embeddings": c.tie_word_embeddings,
    }
    if isinstance(c, LlamaConfig):
        kv_heads = c.num_key_value_heads
        return transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**shared, num_key_value_heads=kv_heads))
    latent = {
        name: getattr(c, name)
        for name in (
            "moe_intermediate_size",
            "q_lora_rank",
            "kv_lora_rank",
            "qk_nope_head_dim",
            "qk_rope_head_dim",
            "v_head_dim",
            "n_routed_experts",
            "n_shared_experts",
            "num_experts_per_tok",
            "first_k_dense_replace",
        )
    }
    settings = transformers.DeepseekV2Config(**shared, **latent, num_key_value_heads=c.num_attention_heads)
    return transformers.DeepseekV2ForCausalLM(settings)
