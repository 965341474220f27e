"""Model folders for tests: random weights, a tokenizer with one token per byte, made from seeds."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from inference.loader import wanted_tensors
from inference.models.architecture import ModelConfig, parse_config
from inference.prompts.families import DEEPSEEK_V1, DEEPSEEK_V2, QWEN2, Control, Family

FAMILY_OF_TYPE = {"deepseek_v2": DEEPSEEK_V2, "llama": DEEPSEEK_V1, "qwen2": QWEN2}
BYTE_TOKENS = 256
VOCABULARY = 270

YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 40,
    "original_max_position_embeddings": 4096,
    "beta_fast": 32,
    "beta_slow": 1,
    "mscale": 0.707,
    "mscale_all_dim": 0.707,
}
LITE = {
    "model_type": "deepseek_v2",
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "moe_intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "q_lora_rank": None,
    "kv_lora_rank": 32,
    "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 16,
    "n_routed_experts": 8,
    "n_shared_experts": 2,
    "num_experts_per_tok": 3,
    "first_k_dense_replace": 1,
    "topk_method": "greedy",
    "n_group": 1,
    "topk_group": 1,
    "norm_topk_prob": False,
    "routed_scaling_factor": 1.0,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 163840,
    "tie_word_embeddings": False,
    "rope_parameters": YARN,
    "bos_token_id": 256,
    "eos_token_id": 257,
}
# The 236B's differences: a query latent, groups of experts, a routed scale.
LARGE = LITE | {
    "q_lora_rank": 24,
    "n_routed_experts": 16,
    "n_group": 4,
    "topk_group": 2,
    "topk_method": "group_limited_greedy",
    "routed_scaling_factor": 16.0,
}
MSCALE_ONE = LITE | {
    "rope_parameters": YARN | {"mscale": 1.0, "mscale_all_dim": 1.0},
    "tie_word_embeddings": True,
    "v_head_dim": 24,
}


CODER_V1 = {
    "model_type": "llama",
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "hidden_act": "silu",
    "attention_bias": False,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 16384,
    "tie_word_embeddings": False,
    "rope_theta": 100000.0,
    "rope_scaling": {"type": "linear", "factor": 4.0},
    "bos_token_id": 256,
    "eos_token_id": 257,
}
QWEN = {
    "model_type": "qwen2",
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 32768,
    "use_sliding_window": False,
    "tie_word_embeddings": True,
    "rope_theta": 1000000.0,
    "eos_token_id": 256,
}


def sentinels_of(family: Family) -> list[str]:
    """Every control token of a family, BOS and EOS first."""
    fim = (family.fim_hole, family.fim_begin, family.fim_end)
    template = family.chat
    chat = (*template.opening, *template.system, *template.assistant) if template is not None else ()
    files = (family.repository_name, family.file_separator)
    names = [family.bos, family.eos, *fim, *family.other_ends, *files]
    names += [piece.spelling for piece in chat if isinstance(piece, Control)]
    return [name for name in dict.fromkeys(names) if name is not None]


def byte_tokenizer(family: Family = DEEPSEEK_V2) -> dict[str, Any]:
    """tokenizer.json with ids 0-255 for the bytes and the sentinels after them; newlines are isolated."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in printable]
    spelling = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(rest)}
    newlines = {"type": "Split", "pattern": {"Regex": "[\r\n]"}, "behavior": "Isolated", "invert": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0",
        "added_tokens": [
            {
                "id": BYTE_TOKENS + i,
                "content": content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": i < 2,  # released files mark the FIM sentinels as not special
            }
            for i, content in enumerate(sentinels_of(family))
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [newlines, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": {spelling[b]: b for b in range(256)}, "merges": []},
    }


def config_of(config: dict[str, Any]) -> ModelConfig:
    return parse_config(config, Path("config.json"))


def random_weights(config: dict[str, Any], seed: int) -> dict[str, torch.Tensor]:
    """Weights large enough that logits differ clearly between tokens."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator) * (0.1 if len(shape) > 1 else 0.05)
        + (len(shape) == 1 and not name.endswith(".bias"))
        for name, shape in wanted_tensors(config_of(config)).shapes.items()
    }


def write_folder(folder: Path, config: dict[str, Any] = LITE, seed: int = 0, family: Family | None = None) -> Path:
    """A complete folder with random fp32 weights, and the control tokens of a family that its type has."""
    family = family or FAMILY_OF_TYPE[config["model_type"]]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer(family)))
    weights = random_weights(config, seed)
    head = "lm_head.weight" if "lm_head.weight" in weights else "model.embed_tokens.weight"
    weights[head][BYTE_TOKENS:] = 0  # a random model would end at any moment
    save_file(weights, folder / "model.safetensors")
    return folder
