"""Small models, and those of releases by their shapes; their quantized copies, and what they say."""

from pathlib import Path
from typing import Any

import torch

from inference.api import QuantSetting
from inference.cache.allocate_memory import allocate_memory
from inference.calibration import run_over_code
from inference.loader import load_model, wanted_tensors
from inference.models.batch import Work, pack_batch
from inference.models.decoder import Decoder
from inference.models.description import read_family
from inference.models.load import load_decoder
from inference.prompts.tokenizer import Tokenizer
from inference.weights.checkpoint import Checkpoint
from inference.weights.matrix import Quant
from inference.weights.quant_choice import find_weights
from inference.weights.quantize import RunModel, quantize_in_memory
from tests.inference.folders import CODER_V1, LARGE, LITE, QWEN, config_of

CPU = torch.device("cpu")
# Widths that all forms have: 64 and 96 columns, and experts of 32.
MOE = LITE | {"moe_intermediate_size": 32}
CONFIGS: dict[str, dict[str, Any]] = {
    "lite": MOE,
    "large": LARGE | {"moe_intermediate_size": 32},
    "coder_v1": CODER_V1,
    "qwen": QWEN,
}
MADE: list[QuantSetting] = ["int8", "int4"]
# Int4 is made for code, so that its error is measured on code.
CODE = list(b"def mean(values):\n    return sum(values) / len(values)\n\n\nclass Point:\n    x: int")
RELEASED_LITE = LITE | {
    "vocab_size": 102400,
    "hidden_size": 2048,
    "intermediate_size": 10944,
    "moe_intermediate_size": 1408,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "n_routed_experts": 64,
    "num_experts_per_tok": 6,
}
RELEASED_0_5B = QWEN | {
    "vocab_size": 151936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "head_dim": 64,
}
RELEASED_1_5B = QWEN | {
    "vocab_size": 151936,
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "head_dim": 128,
}


def find(folder: Path, config: dict[str, Any], setting: QuantSetting) -> tuple[Path, Quant, bool]:
    parsed = config_of(config)
    run = run_over(folder, config)
    return find_weights(folder, wanted_tensors(parsed), torch.float32, setting, run, unknown_ms)


def run_over(folder: Path, config: dict[str, Any]) -> RunModel:
    return run_over_code(config_of(config), Tokenizer(folder, read_family(folder)))


def unknown_ms(form: Quant) -> float:
    raise AssertionError(f"nobody needs to know the time of a token in {form}")


def logits_of(weights: Path, config: dict[str, Any], quant: Quant = "wide") -> torch.Tensor:
    """Compute the logits of every token; `quant` is made in memory."""
    parsed = config_of(config)
    if quant == "wide":
        model = load_model(weights, parsed, torch.float32, CPU)
    else:
        with Checkpoint(weights, torch.float32, CPU) as checkpoint:
            tensors = quantize_in_memory(checkpoint, wanted_tensors(parsed), quant, run_over(weights, config))
        model = load_decoder(parsed, tensors, CPU)
    return logits_with(model, CODE)


def logits_with(model: Decoder, tokens: list[int]) -> torch.Tensor:
    memory = allocate_memory(len(model.layers), 20, model.config.page_width, torch.float32, CPU)
    works = [Work(tokens[:i], 0, [19], 1) for i in (5, 12)] + [Work(tokens, 0, list(range(19)), 1)]
    with torch.inference_mode():
        return torch.cat([model.forward(pack_batch([work], CPU), memory) for work in works])
