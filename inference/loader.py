"""Builds a scheduler that is ready to run from a model folder. Imports torch: engine thread only."""

import ctypes
import logging
import time
from dataclasses import replace
from pathlib import Path

import torch

from inference.api import EngineSettings
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_key import model_key
from inference.cache.page_pool import PAGE_TOKENS
from inference.cache.page_row import PageRow, int8_row
from inference.calibration import run_over_code
from inference.measure_speed import measure_and_keep
from inference.models.architecture import ModelConfig
from inference.models.decoder import Decoder
from inference.models.load import load_decoder
from inference.models.rotated_keys import rotated_keys
from inference.native.model import NATIVE_DTYPES, NativeModel
from inference.native.source import StepTensors
from inference.prompts.tokenizer import Tokenizer
from inference.scheduler import Model, Scheduler
from inference.speed.last_start import LastStart
from inference.speed.machine_speed import MachineSpeed, read_kept_speed
from inference.speed.prefetch import touch
from inference.speed.try_reading import try_reading
from inference.weights.checkpoint import Checkpoint, ShapeRecorder, stored_dtype
from inference.weights.machine_memory import default_cache_bytes
from inference.weights.matrix import Quant
from inference.weights.quant_choice import find_weights
from inference.weights.quantize import quantize_in_memory
from kernels.cpu.library import native_library
from midspan import ModelError

log = logging.getLogger(__name__)

MOST_TENSORS = 100_000
# Those that a message may name; with more of them missing the config itself is wrong.
_MOST_MISSING = 1000


def load_model(folder: Path, config: ModelConfig, dtype: torch.dtype, device: torch.device) -> Decoder:
    """Load a model, after checking the name and shape of every tensor. Raises ModelError."""
    with Checkpoint(folder, dtype, device) as checkpoint:
        checkpoint.require(wanted_tensors(config, checkpoint.tensor_count, folder))
        return load_decoder(config, checkpoint, device)


def wanted_tensors(
    config: ModelConfig, found_tensors: int = MOST_TENSORS, source: object = "the model"
) -> ShapeRecorder:
    """Record the names and shapes of a model's tensors.

    Raises ModelError, with the source, for a config that asks for far more than are found: it may ask for a billion.
    """
    recorder = ShapeRecorder(found_tensors + _MOST_MISSING, source)
    load_decoder(config, recorder, torch.device("cpu"))
    return recorder


def measure_machine() -> MachineSpeed:
    """Measure this machine's speed with models that are built as all are, and keep it."""
    return measure_and_keep(_build)


def _build(config: ModelConfig, source: StepTensors, has_int8_pages: bool = False) -> Model:
    """Load a model for the native step, or for torch where there is none."""
    if functions := _native_functions(source.dtype):
        return NativeModel(config, source, functions, torch.get_num_threads(), has_int8_pages)
    return load_decoder(config, source, torch.device("cpu"))


def _native_functions(dtype: torch.dtype) -> ctypes.CDLL | None:
    return native_library().functions if dtype in NATIVE_DTYPES else None


def build_scheduler(
    folder: Path,
    config: ModelConfig,
    tokenizer: Tokenizer,
    context_tokens: int,
    settings: EngineSettings,
    last: LastStart | None = None,
) -> tuple[Scheduler, Quant, int, LastStart]:
    """Load the weights and allocate the cache. `last` is what the last start of this model has found.

    Returns the scheduler, the form of the weights, the bytes of their files, and what the next start should know: a
    model whose speed is not known yet has a trial here. Raises ModelError.
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
    run = run_over_code(config, tokenizer)

    def token_ms(form: Quant) -> float:
        kept = read_kept_speed()
        # The form that an earlier start has chosen stays, or a busy machine would be measured at each start.
        is_enough = kept is not None and (not kept.is_disturbed or last is not None)
        speed = kept if kept is not None and is_enough else measure_machine()
        return speed.token_ms(config.active_weights, form)

    is_native = _native_functions(dtype) is not None
    weights, quant, must_quantize = find_weights(folder, wanted, dtype, settings.quant, run, token_ms, is_native)
    row = _page_row(folder, config, dtype, settings)
    with Checkpoint(weights, dtype, device) as checkpoint:
        source = quantize_in_memory(checkpoint, wanted, quant, run) if must_quantize else checkpoint
        model = _build(config, source, has_int8_pages=row.dtype == torch.int8)
    if isinstance(model, NativeModel):
        # A thread of torch that has chosen the last token would take the core from one of the next step's.
        torch.set_num_threads(1)
    token_bytes = config.num_hidden_layers * row.bytes
    wanted_bytes = settings.cache_bytes or default_cache_bytes(context_tokens * token_bytes)
    pages = max(1, wanted_bytes // (token_bytes * PAGE_TOKENS))
    memory = allocate_memory(config.num_hidden_layers, pages, row.width, row.dtype, device)
    if last is not None and last.form == quant:
        start = replace(last, weights=str(weights))
        if isinstance(model, NativeModel):
            touch(model.mapped_spans())
    else:
        start = LastStart(quant, str(weights), try_reading(model, memory))
    seconds = time.perf_counter() - started_s
    log.info(
        "%s: loaded in %.1f s, %s, weights %s, %d cache pages of %s", folder, seconds, dtype, quant, pages, row.dtype
    )
    sentinels, chunk_tokens = tokenizer.sentinels, settings.chunk_tokens
    keys = rotated_keys(config, device, is_native=isinstance(model, NativeModel))
    weights_key = model_key(folder, weights, [dtype, quant, row, type(model).__name__, native_library().isa])
    parameters = config.active_weights.parameters
    scheduler = Scheduler(
        model, memory, dtype, sentinels, tokenizer.vocab_size, chunk_tokens, parameters, keys, weights_key
    )
    weights_bytes = sum(file.stat().st_size for file in weights.glob("*.safetensors"))
    return scheduler, quant, weights_bytes, start


def _page_row(folder: Path, config: ModelConfig, dtype: torch.dtype, settings: EngineSettings) -> PageRow:
    """Choose the row of the cache's pages. Without the native step there is none of int8: say so."""
    if settings.cache_dtype == "int8":
        if _native_functions(dtype) is not None:
            return int8_row(config.page_width)
        library = native_library()
        reason = f"{library.absence} {library.fix}." if library.functions is None else f"that has no {dtype}."
        log.warning("%s: the cache keeps %s and not int8, which needs the native step: %s", folder, dtype, reason)
    return PageRow(config.page_width, dtype)
