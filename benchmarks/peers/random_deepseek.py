"""A random DeepSeek-V2 with 518M parameters, 130M of them active: as a model folder, and as the same model in GGUF.

The tokenizer is the built-in model's; most rows of embedding and head have no token in it.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from inference.loader import wanted_tensors
from inference.local_engine import BUILTIN_MODEL
from inference.model_files import CONFIG_FILE, SINGLE_FILE, TOKENIZER_FILE
from inference.models.config_json import read_config_json
from inference.models.deepseek_v2_config import DeepseekV2Config, parse_deepseek_v2

SHAPE: dict[str, Any] = {
    "vocab_size": 32000,
    "hidden_size": 768,
    "intermediate_size": 2048,
    "moe_intermediate_size": 512,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_key_value_heads": 12,
    "q_lora_rank": None,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 64,
    "qk_rope_head_dim": 64,
    "v_head_dim": 64,
    "n_routed_experts": 32,
    "num_experts_per_tok": 4,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": False,
}
SPREAD, ROUTER_SPREAD = 0.02, 0.05
SEED = 0

# A released name within a layer -> GGUF's. kv_b_proj and the experts are laid out anew.
_LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
    "self_attn.kv_a_layernorm": "attn_kv_a_norm",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.gate": "ffn_gate_inp",
    "mlp.shared_experts.gate_proj": "ffn_gate_shexp",
    "mlp.shared_experts.up_proj": "ffn_up_shexp",
    "mlp.shared_experts.down_proj": "ffn_down_shexp",
}
_MODEL_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def write_folder(folder: Path) -> None:
    """Write config.json, tokenizer.json and bf16 weights, the same for each call."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = {name: value for name, value in read_config_json(BUILTIN_MODEL).items() if name != "midspan"} | SHAPE
    (folder / CONFIG_FILE).write_text(json.dumps(raw, indent=2))
    shutil.copyfile(BUILTIN_MODEL / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    generator = torch.Generator().manual_seed(SEED)
    shapes = wanted_tensors(parse_deepseek_v2(raw, folder / CONFIG_FILE)).shapes
    save_file({name: _draw(name, shape, generator) for name, shape in shapes.items()}, folder / SINGLE_FILE)


def _draw(name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    if len(shape) == 1:
        return torch.ones(shape, dtype=torch.bfloat16)
    spread = ROUTER_SPREAD if name.endswith("mlp.gate.weight") else SPREAD
    return torch.randn(shape, generator=generator).mul_(spread).bfloat16()


def write_gguf(folder: Path, path: Path) -> None:
    """Write the folder's weights in 16 bits, as llama.cpp's own converter lays out a model with latent attention."""
    config = parse_deepseek_v2(read_config_json(folder), folder / CONFIG_FILE)
    writer = gguf.GGUFWriter(path, "deepseek2")
    _write_shape(writer, config)
    for name, tensor in _renamed(load_file(folder / SINGLE_FILE), config).items():
        wide = tensor.dim() == 1 or "ffn_gate_inp" in name
        writer.add_tensor(f"{name}.weight", tensor.float().numpy().astype(np.float32 if wide else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_shape(writer: gguf.GGUFWriter, config: DeepseekV2Config) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(config.qk_rope_head_dim)
    writer.add_q_lora_rank(0)  # a reader wants the key although queries have no latent
    writer.add_kv_lora_rank(config.kv_lora_rank)
    writer.add_key_length(config.page_width)
    writer.add_value_length(config.kv_lora_rank)
    writer.add_key_length_mla(config.qk_nope_head_dim + config.qk_rope_head_dim)
    writer.add_value_length_mla(config.v_head_dim)
    writer.add_leading_dense_block_count(config.first_k_dense_replace)
    writer.add_expert_count(config.n_routed_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)
    writer.add_expert_shared_count(config.n_shared_experts)
    writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    writer.add_expert_weights_scale(config.routed_scaling_factor)
    writer.add_expert_weights_norm(config.norm_topk_prob)
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SOFTMAX)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("none")


def _renamed(weights: dict[str, Tensor], config: DeepseekV2Config) -> dict[str, Tensor]:
    found = {ours: weights[f"{released}.weight"] for released, ours in _MODEL_NAMES.items()}
    for index in range(config.num_hidden_layers):
        released, block = f"model.layers.{index}", f"blk.{index}"
        for name, theirs in _LAYER_NAMES.items():
            if (tensor := weights.get(f"{released}.{name}.weight")) is not None:
                found[f"{block}.{theirs}"] = tensor
        expanded = weights[f"{released}.self_attn.kv_b_proj.weight"]
        heads = expanded.view(config.num_attention_heads, -1, config.kv_lora_rank)
        keys, values = torch.split(heads, [config.qk_nope_head_dim, config.v_head_dim], dim=1)
        found |= {f"{block}.attn_k_b": keys.transpose(1, 2).contiguous(), f"{block}.attn_v_b": values.contiguous()}
        if index >= config.first_k_dense_replace:
            for part in ("gate", "up", "down"):
                names = (f"{released}.mlp.experts.{e}.{part}_proj.weight" for e in range(config.n_routed_experts))
                found[f"{block}.ffn_{part}_exps"] = torch.stack([weights[name] for name in names])
    return found
