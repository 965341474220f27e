"""Places a model: on a GPU that holds it, or on the CPU. Imports torch: engine thread only."""

from collections.abc import Mapping
from typing import cast

import torch

from inference.api import EngineSettings
from inference.cache.page_row import PageRow
from inference.devices.cards import Cards, TorchDriver, find_cards
from inference.devices.choice import Need, Placement, place
from inference.devices.graph_buckets import MOST_ROWS
from inference.models.architecture import ModelConfig
from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.weights.default_form import DefaultForm
from inference.weights.machine_memory import MAX_DEFAULT_CONTEXTS
from inference.weights.matrix import Quant

# A step on a GPU reads so many tokens of a prompt: the weights are read once for all of them.
GPU_CHUNK_TOKENS = 1024
# Rows of logits are fp32, and the choice of tokens makes a copy. Every sequence with a draft has a few rows. Those of
# captured steps have memory of their own.
_LOGIT_ROWS = 64
# The graphs of the captured steps, the memory between their inputs and outputs, which they share, and the work space of
# the vendor's products on their stream. It is an estimate: nobody has measured it on a card.
_GRAPHS_BYTES = 256 << 20
_EXPANDED_TOKENS = 8192  # the keys and values of a span of the context that are expanded at once


def find_places(
    config: ModelConfig,
    sizes: Mapping[DefaultForm, int],
    stored: Quant,
    row: PageRow,
    context_tokens: int,
    settings: EngineSettings,
) -> list[Placement]:
    """Return where a model may run, the best place first.

    `sizes` are the bytes of the weights in each form, `row` is that of the cache's pages.
    """
    allowed = _allowed_forms(stored, settings)
    context_bytes = context_tokens * config.num_hidden_layers * row.bytes
    need = Need(
        {form: sizes[form] for form in allowed},
        settings.cache_bytes or context_bytes,
        work_bytes(config, context_tokens),
    )
    return place(settings.device, need, this_machine)


def this_machine() -> Cards:
    return find_cards(TorchDriver())


def gpu_cache_bytes(placement: Placement, context_bytes: int) -> int:
    """Choose the size of a cache on a GPU: one context, and half of what is spare, up to some contexts."""
    return context_bytes + min(placement.spare_bytes // 2, (MAX_DEFAULT_CONTEXTS - 1) * context_bytes)


def work_bytes(config: ModelConfig, context_tokens: int) -> int:
    """Estimate on the high side what a step takes beside weights and cache: activations, logits, graphs."""
    c = config
    if isinstance(c, DeepseekV2Config):
        key = c.qk_nope_head_dim + c.qk_rope_head_dim
        attention = c.num_attention_heads * (2 * key + c.v_head_dim + c.kv_lora_rank)
        inner = max(c.intermediate_size, (c.num_experts_per_tok + c.n_shared_experts) * c.moe_intermediate_size)
        expanded = c.num_attention_heads * 2 * key * min(context_tokens, _EXPANDED_TOKENS)
    else:
        attention = 2 * c.num_attention_heads * c.head_dim + c.page_width
        inner, expanded = c.intermediate_size, 0
    activations = GPU_CHUNK_TOKENS * (4 * c.hidden_size + 2 * attention + 4 * inner)
    wide_layer = 3 * c.hidden_size * c.intermediate_size  # a product of many rows may widen its codes
    logits = (8 * _LOGIT_ROWS + 4 * MOST_ROWS) * c.vocab_size
    return 2 * (activations + expanded + wide_layer) + logits + _GRAPHS_BYTES


def _allowed_forms(stored: Quant, settings: EngineSettings) -> list[DefaultForm]:
    if stored != "wide":
        return [cast(DefaultForm, stored)]  # the form of a model is never int5
    if settings.quant != "auto":
        return ["wide" if settings.quant == "none" else settings.quant]
    return ["wide", "int8", "int4"]


def free_unused(device: torch.device) -> None:
    """Give the memory that torch keeps for later back to the GPU."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
