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
    heads = file.integer("attention.head_count")
    return {
        "vocab_size": embedding.shape[0],
        "hidden_size": file.integer("embedding_length"),
        "num_hidden_layers": file.integer("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": file.integer("attention.head_count_kv", heads),
        "intermediate_size": file.width("feed_forward_length"),
        "hidden_act": "silu",
        "rms_norm_eps": file.number("attention.layer_norm_rms_epsilon"),
        "rope_theta": file.number("rope.freq_base", 10000.0),
        "max_position_embeddings": file.integer("context_length"),
        "tie_word_embeddings": "output.weight" not in file.tensors,
        "bos_token_id": file.token("bos"),
        "eos_token_id": file.token("eos"),
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
    head_dim = file.integer("attention.key_length", 0)
    return {"rope_scaling": _linear_or_none(file)} | ({"head_dim": head_dim} if head_dim else {})


def _linear_or_none(file: GgufFile) -> dict[str, Any] | None:
    """Read the linear scaling, whose factor older files call `rope.scale_linear`."""
    factor = file.number("rope.scaling.factor", file.number("rope.scale_linear", 1.0))
    kind = file.word("rope.scaling.type", "none" if factor == 1.0 else "linear")
    if kind not in ("none", "linear"):
        raise ModelError(f"{file.path}: rope scaling {kind!r} is not supported for {file.architecture} models")
    return {"type": "linear", "factor": factor} if kind == "linear" else None


def _deepseek2(file: GgufFile) -> dict[str, Any]:
    if file.integer("expert_gating_func", 1) == SIGMOID_GATE:
        raise ModelError(f"{file.path}: its router is DeepSeek-V3's; Midspan runs DeepSeek-V2")
    rope_dim = file.integer("rope.dimension_count")
    # Files for absorbed attention give the latent's widths in `key_length` and the model's own in `*_mla`.
    key_width = file.integer("attention.key_length_mla", file.integer("attention.key_length"))
    experts = file.integer("expert_count")
    heads = file.integer("attention.head_count")
    return {
        "architectures": ["DeepseekV2ForCausalLM"],
        "model_type": "deepseek_v2",
        "num_key_value_heads": heads,
        "q_lora_rank": file.integer("attention.q_lora_rank", 0) or None,
        "kv_lora_rank": file.integer("attention.kv_lora_rank"),
        "qk_nope_head_dim": key_width - rope_dim,
        "qk_rope_head_dim": rope_dim,
        "v_head_dim": file.integer("attention.value_length_mla", file.integer("attention.value_length")),
        "moe_intermediate_size": file.integer("expert_feed_forward_length"),
        "n_routed_experts": experts,
        "n_shared_experts": file.integer("expert_shared_count", 0),
        "num_experts_per_tok": file.integer("expert_used_count"),
        "first_k_dense_replace": file.integer("leading_dense_block_count", 0),
        "moe_layer_freq": 1,
        "scoring_func": "softmax",
        "norm_topk_prob": file.value("expert_weights_norm", False) is True,
        "routed_scaling_factor": file.number("expert_weights_scale", 1.0),
        "attention_bias": False,
        "rope_scaling": _yarn_or_none(file),
    } | _groups(file, experts)


def _groups(file: GgufFile, experts: int) -> dict[str, Any]:
    groups = {
        "n_group": file.integer("expert_group_count", 1),
        "topk_group": file.integer("expert_group_used_count", 1),
    }
    if experts == 160 and "deepseek2.expert_group_count" not in file.metadata:
        groups = GROUPS_OF_160_EXPERTS
    return groups | {"topk_method": "group_limited_greedy" if groups["n_group"] > 1 else "greedy"}


def _yarn_or_none(file: GgufFile) -> dict[str, Any] | None:
    kind = file.word("rope.scaling.type", "none")
    if kind == "none":
        return None
    if kind != "yarn":
        raise ModelError(f"{file.path}: rope scaling {kind!r} is not supported for DeepSeek-V2; only yarn is")
    # The file holds only 0.1 * mscale_all_dim; in every released V2 model mscale is the same.
    mscale = float(f"{10 * file.number('rope.scaling.yarn_log_multiplier', 0.0):.7g}")
    return {
        "type": "yarn",
        "factor": file.number("rope.scaling.factor"),
        "original_max_position_embeddings": file.integer("rope.scaling.original_context_length"),
        "beta_fast": file.number("rope.scaling.yarn_beta_fast", 32),
        "beta_slow": file.number("rope.scaling.yarn_beta_slow", 1),
        "mscale": mscale,
        "mscale_all_dim": mscale,
    }


_ARCHITECTURES: dict[str, Callable[[GgufFile], dict[str, Any]]] = {
    "deepseek2": _deepseek2,
    "llama": _llama,
    "qwen2": _qwen2,
}
