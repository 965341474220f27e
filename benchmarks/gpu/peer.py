"""The reference implementation of transformers with random weights at the same sizes, on the same card."""

from importlib import import_module
from typing import Any

import torch

from benchmarks.gpu.clock import Clock
from inference.models.architecture import ModelConfig
from inference.models.llama_config import LlamaConfig


class Peer:
    """A model of transformers in bf16 on a device. Making one raises what a version that lacks the model raises."""

    def __init__(self, config: ModelConfig, device: torch.device) -> None:
        self._transformers = import_module("transformers")
        self._device = device
        torch.set_default_dtype(torch.bfloat16)  # or the weights would be made in fp32, which may not fit
        try:
            with device:
                self._model = _model(self._transformers, config).eval()
        finally:
            torch.set_default_dtype(torch.float32)

    def time_s(self, new_tokens: int, context_tokens: int, clock: Clock) -> float:
        """Return the seconds of a step of new tokens behind a context, to the token that it chooses."""
        cache = self._read(context_tokens)
        return clock.time_s(lambda: self._step(new_tokens, cache))  # the cache grows by the tokens of a step

    def time_cold_s(self, tokens: int, clock: Clock) -> float:
        """Return the seconds in which a prompt is read from nothing."""
        return clock.time_s(lambda: self._read(tokens))

    def _read(self, tokens: int) -> Any:
        cache = self._transformers.DynamicCache()
        for start in range(0, tokens, 1024):
            self._step(min(1024, tokens - start), cache)
        return cache

    def _step(self, new_tokens: int, cache: Any) -> None:
        tokens = torch.ones(1, new_tokens, dtype=torch.int64, device=self._device)
        self._model(tokens, past_key_values=cache, logits_to_keep=1).logits[0, -1].argmax().item()


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
