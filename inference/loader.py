"""From a model folder to a scheduler that is ready to run. Imports torch: engine thread only."""

import logging
import time
from pathlib import Path

import torch

from inference.checkpoint import Checkpoint, ShapeRecorder, stored_dtype
from inference.config import DeepseekV2Config
from inference.machine_memory import default_cache_bytes
from inference.models.deepseek_v2 import DeepseekV2
from inference.page_pool import PAGE_TOKENS
from inference.scheduler import Scheduler, allocate_memory
from inference.tokenizer import Tokenizer
from midspan import ModelError

log = logging.getLogger(__name__)


def load_deepseek_v2(folder: Path, config: DeepseekV2Config, dtype: torch.dtype, device: torch.device) -> DeepseekV2:
    """Every tensor is checked by name and shape before the first is read. Raises ModelError."""
    wanted = ShapeRecorder()
    DeepseekV2(config, wanted, torch.device("meta"))
    with Checkpoint(folder, dtype, device) as checkpoint:
        checkpoint.require(wanted)
        return DeepseekV2(config, checkpoint, device)


def build_scheduler(
    folder: Path,
    config: DeepseekV2Config,
    tokenizer: Tokenizer,
    context_tokens: int,
    cache_bytes: int | None,
    chunk_tokens: int,
    dtype_name: str,
) -> Scheduler:
    """Load the weights and allocate the cache. Raises ModelError."""
    if tokenizer.vocab_size > config.vocab_size:
        raise ModelError(
            f"{tokenizer.path}: has {tokenizer.vocab_size} tokens and config.json only {config.vocab_size}; "
            f"take the tokenizer.json that belongs to these weights"
        )
    started_s = time.perf_counter()
    device = torch.device("cpu")
    dtype = stored_dtype(folder) if dtype_name == "auto" else getattr(torch, dtype_name)
    model = load_deepseek_v2(folder, config, dtype, device)
    token_bytes = config.num_hidden_layers * config.page_width * dtype.itemsize
    wanted_bytes = cache_bytes or default_cache_bytes(context_tokens * token_bytes)
    pages = max(1, wanted_bytes // (token_bytes * PAGE_TOKENS))
    memory = allocate_memory(config.num_hidden_layers, pages, config.page_width, dtype, device)
    seconds = time.perf_counter() - started_s
    log.info("%s: loaded in %.1f s, %s, %d cache pages", folder, seconds, dtype, pages)
    return Scheduler(model, memory, tokenizer.sentinels, tokenizer.vocab_size, chunk_tokens, config.active_parameters)
