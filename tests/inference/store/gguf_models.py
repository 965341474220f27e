"""Writes models as llama.cpp's converter does, by the description of GGUF and not by the code under test."""

import json
import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.quants import quantize
from numpy.typing import NDArray
from safetensors.torch import load_file

Kind = gguf.GGMLQuantizationType
Weights = dict[str, NDArray[np.float32]]

ARCHITECTURES = {"deepseek_v2": "deepseek2", "llama": "llama", "qwen2": "qwen2"}
PRE_TOKENIZERS = {"deepseek_v2": "deepseek-llm", "llama": "deepseek-coder", "qwen2": "qwen2"}
_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.q_a_proj": "attn_q_a",
    "self_attn.q_a_layernorm": "attn_q_a_norm",
    "self_attn.q_b_proj": "attn_q_b",
    "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
    "self_attn.kv_a_layernorm": "attn_kv_a_norm",
    "mlp.gate": "ffn_gate_inp",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.shared_experts.gate_proj": "ffn_gate_shexp",
    "mlp.shared_experts.up_proj": "ffn_up_shexp",
    "mlp.shared_experts.down_proj": "ffn_down_shexp",
}


def as_gguf(folder: Path, path: Path, kind: Kind = Kind.F32, architecture: str | None = None) -> Path:
    """Write a released folder as a GGUF file."""
    config = {"bos_token_id": 256} | json.loads((folder / "config.json").read_text())
    weights = {name: tensor.numpy() for name, tensor in load_file(folder / "model.safetensors").items()}
    return write_gguf(path, config, weights, read_tokenizer(folder), kind, architecture)


def read_tokenizer(folder: Path) -> dict[str, Any]:
    tokenizer: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return tokenizer


def write_gguf(
    path: Path,
    config: dict[str, Any],
    weights: Weights,
    tokenizer: dict[str, Any],
    kind: Kind = Kind.F32,
    architecture: str | None = None,
) -> Path:
    """Write a GGUF file. `architecture` overrides the config's. Norms, biases and the router stay float32, as there."""
    writer = gguf.GGUFWriter(path, architecture or ARCHITECTURES[config["model_type"]])
    _add_metadata(writer, config)
    _add_tokenizer(writer, config, tokenizer)
    for name, tensor in _converted(config, weights).items():
        wide = tensor.ndim == 1 or "ffn_gate_inp" in name
        stored = Kind.F32 if wide else kind
        writer.add_tensor(name, quantize(tensor, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_metadata(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope.get("rope_theta", config.get("rope_theta", 10000.0)))
    writer.add_vocab_size(config["vocab_size"])
    if config["model_type"] == "deepseek_v2":
        _add_deepseek2(writer, config, rope)
    else:
        writer.add_head_count_kv(config["num_key_value_heads"])
        if head_dim := config.get("head_dim"):
            writer.add_key_length(head_dim)
            writer.add_value_length(head_dim)
        if rope.get("type") == "linear":
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(rope["factor"])


def _add_deepseek2(writer: gguf.GGUFWriter, config: dict[str, Any], rope: dict[str, Any]) -> None:
    latent, rotated = config["kv_lora_rank"], config["qk_rope_head_dim"]
    writer.add_head_count_kv(1)  # as for absorbed attention
    writer.add_key_length(latent + rotated)
    writer.add_value_length(latent)
    writer.add_key_length_mla(config["qk_nope_head_dim"] + rotated)
    writer.add_value_length_mla(config["v_head_dim"])
    writer.add_kv_lora_rank(latent)
    if config["q_lora_rank"]:
        writer.add_q_lora_rank(config["q_lora_rank"])
    writer.add_rope_dimension_count(rotated)
    writer.add_leading_dense_block_count(config["first_k_dense_replace"])
    writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    writer.add_expert_count(config["n_routed_experts"])
    writer.add_expert_shared_count(config["n_shared_experts"])
    writer.add_expert_used_count(config["num_experts_per_tok"])
    writer.add_expert_weights_scale(config["routed_scaling_factor"])
    if config["n_group"] > 1:
        writer.add_expert_group_count(config["n_group"])
        writer.add_expert_group_used_count(config["topk_group"])
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(rope["factor"])
    writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    writer.add_rope_scaling_yarn_log_mul(0.1 * rope["mscale_all_dim"])


def _add_tokenizer(writer: gguf.GGUFWriter, config: dict[str, Any], tokenizer: dict[str, Any]) -> None:
    tokens = {i: (token, gguf.TokenType.NORMAL) for token, i in tokenizer["model"]["vocab"].items()}
    for added in tokenizer["added_tokens"]:
        special = added["special"]
        tokens[added["id"]] = (added["content"], gguf.TokenType.CONTROL if special else gguf.TokenType.USER_DEFINED)
    merges = tokenizer["model"]["merges"]
    if not merges:  # an empty array cannot be written
        merges = ["Ġ Ġ"]
        tokens[config["vocab_size"] - 1] = ("ĠĠ", gguf.TokenType.NORMAL)
    for i in range(config["vocab_size"]):
        tokens.setdefault(i, (f"[PAD{i}]", gguf.TokenType.UNUSED))
    listed = [tokens[i] for i in range(config["vocab_size"])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZERS[config["model_type"]])
    writer.add_token_list([token for token, _ in listed])
    writer.add_token_types([kind for _, kind in listed])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])


def _converted(config: dict[str, Any], weights: Weights) -> Weights:
    found: Weights = {}
    experts: dict[str, dict[int, NDArray[np.float32]]] = {}
    for name, tensor in weights.items():
        layer = re.fullmatch(r"model\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if layer is None:
            found[_NAMES[name]] = tensor
            continue
        block, part, suffix = f"blk.{layer[1]}", layer[2], layer[3]
        if expert := re.fullmatch(r"mlp\.experts\.(\d+)\.(gate|up|down)_proj", part):
            experts.setdefault(f"{block}.ffn_{expert[2]}_exps.weight", {})[int(expert[1])] = tensor
        elif part == "self_attn.kv_b_proj":
            found |= _split_kv_b(config, block, tensor)
        else:
            if config["model_type"] == "llama" and part in ("self_attn.q_proj", "self_attn.k_proj"):
                heads = config["num_attention_heads" if "q_proj" in part else "num_key_value_heads"]
                tensor = _neighbours(tensor, heads)
            found[f"{block}.{_NAMES[part]}.{suffix}"] = tensor
    stacked = {name: np.stack([by_number[i] for i in sorted(by_number)]) for name, by_number in experts.items()}
    return found | stacked


def _split_kv_b(config: dict[str, Any], block: str, tensor: NDArray[np.float32]) -> Weights:
    """[heads * (nope + v), latent] -> k [heads, latent, nope] and v [heads, v, latent]."""
    per_head = tensor.reshape(config["num_attention_heads"], -1, config["kv_lora_rank"])
    nope = config["qk_nope_head_dim"]
    key, value = per_head[:, :nope], per_head[:, nope:]
    return {
        f"{block}.attn_k_b.weight": np.ascontiguousarray(key.transpose(0, 2, 1)),
        f"{block}.attn_v_b.weight": np.ascontiguousarray(value),
    }


def _neighbours(tensor: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Interleave the two halves of a head: ggml's llama rotates neighbours."""
    halves = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, -1)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(tensor.shape))
