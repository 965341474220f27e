"""Builds a scheduler that is ready to run from a model folder. Imports torch: engine thread only."""

import logging
import time
from pathlib import Path

import torch

from inference.api import EngineSettings
from inference.cache.page_pool import PAGE_TOKENS
from inference.models.architecture import ModelConfig
from inference.models.decoder import Decoder
from inference.models.deepseek_v2 import load_deepseek_v2
from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.llama import load_llama
from inference.prompts.tokenizer import Tokenizer
from inference.scheduler import Scheduler, allocate_memory
from inference.weights.checkpoint import Checkpoint, ShapeRecorder, TensorSource, stored_dtype
from inference.weights.machine_memory import default_cache_bytes
from inference.weights.matrix import Quant
from inference.weights.quant_choice import find_weights
from midspan import ModelError

log = logging.getLogger(__name__)

MOST_TENSORS = 100_000
# Those that a message may name; with more of them missing the config itself is wrong.
_MOST_MISSING = 1000


def load_model(
    folder: Path, config: ModelConfig, dtype: torch.dtype, device: torch.device, quant: Quant = "wide"
) -> Decoder:
    """Load a model, after checking the name and shape of every tensor. Raises ModelError."""
    with Checkpoint(folder, dtype, device, quant) as checkpoint:
        checkpoint.require(wanted_tensors(config, checkpoint.tensor_count, folder))
        return _build(config, checkpoint, device)


def wanted_tensors(
    config: ModelConfig, found_tensors: int = MOST_TENSORS, source: object = "the model"
) -> ShapeRecorder:
    """Record the names and shapes of a model's tensors.

    Raises ModelError, with the source, for a config that asks for far more than are found: it may ask for a billion.
    """
    recorder = ShapeRecorder(found_tensors + _MOST_MISSING, source)
    _build(config, recorder, torch.device("cpu"))
    return recorder


def _build(config: ModelConfig, source: TensorSource, device: torch.device) -> Decoder:
    if isinstance(config, DeepseekV2Config):
        return load_deepseek_v2(config, source, device)
    return load_llama(config, source, device)


def build_scheduler(
    folder: Path, config: ModelConfig, tokenizer: Tokenizer, context_tokens: int, settings: EngineSettings
) -> tuple[Scheduler, Quant, int]:
    """Load the weights and allocate the cache.

    Returns the scheduler, the form of the weights, and the bytes of their files. Raises ModelError.
    """
    if tokenizer.vocab_size > config.vocab_size:
        raise ModelError(
            f"{tokenizer.path}: has {tokenizer.vocab_size} tokens and config.json only {config.vocab_size}; "
            f"take the tokenizer.json that belongs to these weights"
        )
    started_s = time.perf_counter()
    device = torch.device("cpu")
    dtype = stored_dtype(folder) if settings.dtype == "auto" else getattr(torch, settings.dtype)
    with Checkpoint(folder, dtype, device) as checkpoint:
        wanted = wanted_tensors(config, checkpoint.tensor_count, folder)
    weights, quant, must_quantize = find_weights(folder, wanted, dtype, settings.quant)
    model = load_model(weights, config, dtype, device, quant if must_quantize else "wide")
    token_bytes = config.num_hidden_layers * config.page_width * dtype.itemsize
    wanted_bytes = settings.cache_bytes or default_cache_bytes(context_tokens * token_bytes)
    pages = max(1, wanted_bytes // (token_bytes * PAGE_TOKENS))
    memory = allocate_memory(config.num_hidden_layers, pages, config.page_width, dtype, device)
    seconds = time.perf_counter() - started_s
    log.info("%s: loaded in %.1f s, %s, weights %s, %d cache pages", folder, seconds, dtype, quant, pages)
    sentinels, chunk_tokens = tokenizer.sentinels, settings.chunk_tokens
    scheduler = Scheduler(model, memory, sentinels, tokenizer.vocab_size, chunk_tokens, config.active_parameters)
    weights_bytes = sum(file.stat().st_size for file in weights.glob("*.safetensors"))
    return scheduler, quant, weights_bytes
