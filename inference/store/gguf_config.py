"""Turns GGUF metadata into the config.json of a released folder."""

from collections.abc import Callable
from typing import Any

from inference.store.gguf_file import GgufFile
from midspan import ModelError

SIGMOID_GATE = 2  # gguf's ExpertGatingFuncType; DeepSeek-V3 has it, V2 never
# The groups of DeepSeek-V2 236B, which older converters left out.
GROUPS_OF_160_EXPERTS = {"n_group": 8, "topk_group": 3}


def config_from_gguf(file: GgufFile) -> dict[str, Any]:
    """Build config.json in the released spelling. Raises ModelError for an architecture that Midspan does not run."""
    build = _ARCHITECTURES.get(file.architecture)
    if build is None:
        known = ", ".join(_ARCHITECTURES)
        raise ModelError(
            f"{file.path}: its architecture is {file.architecture or 'not named'}; Midspan imports {known}"
        )
    return _shared(file) | build(file)


def _shared(file: GgufFile) -> dict[str, Any]:
    embedding = file.tensors.get("token_embd.weight")
    if embedding is None:
        raise ModelError(f"{file.path}: has no token_embd.weight; it is a vocabulary or an adapter, not a model")
    heads = int(file.value("attention.head_count"))
    return {
        "vocab_size": embedding.shape[0],
        "hidden_size": int(file.value("embedding_length")),
        "num_hidden_layers": int(file.value("block_count")),
        "num_attention_heads": heads,
        "num_key_value_heads": int(file.value("attention.head_count_kv", heads)),
        "intermediate_size": _scalar(file, "feed_forward_length"),
        "hidden_act": "silu",
        "rms_norm_eps": _decimal(file.value("attention.layer_norm_rms_epsilon")),
        "rope_theta": _decimal(file.value("rope.freq_base", 10000.0)),
        "max_position_embeddings": int(file.value("context_length")),
        "tie_word_embeddings": "output.weight" not in file.tensors,
        "bos_token_id": file.metadata.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": file.metadata.get("tokenizer.ggml.eos_token_id"),
    }


def _llama(file: GgufFile) -> dict[str, Any]:
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"} | _grouped_query_attention(file)
    return config | {"attention_bias": False, "mlp_bias": False}


def _qwen2(file: GgufFile) -> dict[str, Any]:
    config = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"} | _grouped_query_attention(file)
    return config | {"use_sliding_window": False}


def _grouped_query_attention(file: GgufFile) -> dict[str, Any]:
    if "rope_freqs.weight" in file.tensors:
        raise ModelError(f"{file.path}: scales its rotation per frequency (rope_freqs.weight), which is not supported")
    head_dim = file.value("attention.key_length", 0)
    return {"rope_scaling": _linear_or_none(file)} | ({"head_dim": int(head_dim)} if head_dim else {})


def _linear_or_none(file: GgufFile) -> dict[str, Any] | None:
    """Read the linear scaling, whose factor older files call `rope.scale_linear`."""
    factor = _decimal(file.value("rope.scaling.factor", file.value("rope.scale_linear", 1.0)))
    kind = file.value("rope.scaling.type", "none" if factor == 1.0 else "linear")
    if kind not in ("none", "linear"):
        raise ModelError(f"{file.path}: rope scaling {kind!r} is not supported for {file.architecture} models")
    return {"type": "linear", "factor": factor} if kind == "linear" else None


def _deepseek2(file: GgufFile) -> dict[str, Any]:
    if file.value("expert_gating_func", 1) == SIGMOID_GATE:
        raise ModelError(f"{file.path}: its router is DeepSeek-V3's; Midspan runs DeepSeek-V2")
    rope_dim = int(file.value("rope.dimension_count"))
    # Files for absorbed attention give the latent's widths in `key_length` and the model's own in `*_mla`.
    key_width = int(file.value("attention.key_length_mla", file.value("attention.key_length")))
    experts = int(file.value("expert_count"))
    heads = int(file.value("attention.head_count"))
    return {
        "architectures": ["DeepseekV2ForCausalLM"],
        "model_type": "deepseek_v2",
        "num_key_value_heads": heads,
        "q_lora_rank": int(file.value("attention.q_lora_rank", 0)) or None,
        "kv_lora_rank": int(file.value("attention.kv_lora_rank")),
        "qk_nope_head_dim": key_width - rope_dim,
        "qk_rope_head_dim": rope_dim,
        "v_head_dim": int(file.value("attention.value_length_mla", file.value("attention.value_length"))),
        "moe_intermediate_size": int(file.value("expert_feed_forward_length")),
        "n_routed_experts": experts,
        "n_shared_experts": int(file.value("expert_shared_count", 0)),
        "num_experts_per_tok": int(file.value("expert_used_count")),
        "first_k_dense_replace": int(file.value("leading_dense_block_count", 0)),
        "moe_layer_freq": 1,
        "scoring_func": "softmax",
        "norm_topk_prob": bool(file.value("expert_weights_norm", False)),
        "routed_scaling_factor": _decimal(file.value("expert_weights_scale", 1.0)),
        "attention_bias": False,
        "rope_scaling": _yarn_or_none(file),
    } | _groups(file, experts)


def _groups(file: GgufFile, experts: int) -> dict[str, Any]:
    groups = {"n_group": file.value("expert_group_count", 1), "topk_group": file.value("expert_group_used_count", 1)}
    if experts == 160 and "deepseek2.expert_group_count" not in file.metadata:
        groups = GROUPS_OF_160_EXPERTS
    return groups | {"topk_method": "group_limited_greedy" if groups["n_group"] > 1 else "greedy"}


def _yarn_or_none(file: GgufFile) -> dict[str, Any] | None:
    kind = file.value("rope.scaling.type", "none")
    if kind == "none":
        return None
    if kind != "yarn":
        raise ModelError(f"{file.path}: rope scaling {kind!r} is not supported for DeepSeek-V2; only yarn is")
    # The file holds only 0.1 * mscale_all_dim; in every released V2 model mscale is the same.
    mscale = _decimal(10 * file.value("rope.scaling.yarn_log_multiplier", 0.0))
    return {
        "type": "yarn",
        "factor": _decimal(file.value("rope.scaling.factor")),
        "original_max_position_embeddings": int(file.value("rope.scaling.original_context_length")),
        "beta_fast": _decimal(file.value("rope.scaling.yarn_beta_fast", 32)),
        "beta_slow": _decimal(file.value("rope.scaling.yarn_beta_slow", 1)),
        "mscale": mscale,
        "mscale_all_dim": mscale,
    }


def _decimal(value: Any) -> float:
    """Round a float32 to its decimal: GGUF keeps 1e-06 as 9.999999974752427e-07."""
    return float(f"{float(value):.7g}")


def _scalar(file: GgufFile, key: str) -> int:
    """Read a width that some converters write once per layer."""
    value = file.value(key)
    widths = set(value) if isinstance(value, list) else {value}
    if len(widths) != 1:
        raise ModelError(f"{file.path}: its layers have different widths {sorted(widths)}, which is not supported")
    return int(widths.pop())


_ARCHITECTURES: dict[str, Callable[[GgufFile], dict[str, Any]]] = {
    "deepseek2": _deepseek2,
    "llama": _llama,
    "qwen2": _qwen2,
}
