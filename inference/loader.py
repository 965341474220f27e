"""Builds a scheduler that is ready to run from a model folder. Imports torch: engine thread only."""

import ctypes
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from inference.api import EngineSettings
from inference.cache.allocate_memory import allocate_what_fits
from inference.cache.page_key import model_key
from inference.cache.page_pool import PAGE_TOKENS
from inference.cache.page_row import PageRow, int8_row
from inference.calibration import run_over_code
from inference.devices.captured_step import CapturedDecoder, CudaGraphs
from inference.devices.choice import Placement
from inference.devices.find_places import GPU_CHUNK_TOKENS, find_places, free_unused, gpu_cache_bytes
from inference.devices.warm_up import capture_steps, warm_up
from inference.drafting.continuation import Continuations
from inference.drafting.draft_model import DRAFT_CONTEXT_TOKENS, DraftModel
from inference.measure_speed import measure_and_keep
from inference.models.architecture import ModelConfig
from inference.models.decoder import Decoder
from inference.models.description import read_description
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

_CPU = torch.device("cpu")
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
    load_decoder(config, recorder, _CPU)
    return recorder


def measure_machine() -> MachineSpeed:
    """Measure this machine's speed with models that are built as all are, and keep it."""
    return measure_and_keep(_build)


def _build(
    config: ModelConfig,
    source: StepTensors,
    has_int8_pages: bool = False,
    device: torch.device = _CPU,
    known_tokens: int | None = None,
) -> Model:
    """Load a model for the native step, or for torch and the GPU's kernels where there is none."""
    if device == _CPU and (functions := _native_functions(source.dtype)):
        return NativeModel(config, source, functions, torch.get_num_threads(), has_int8_pages, known_tokens)
    return load_decoder(config, source, device)


def _native_functions(dtype: torch.dtype) -> ctypes.CDLL | None:
    return native_library().functions if dtype in NATIVE_DTYPES else None


@dataclass(frozen=True)
class Loaded:
    """A model on its device with the memory of its cache. `start` is what the next start should know."""

    model: Model
    memory: Tensor
    row: PageRow
    quant: Quant
    weights: Path
    start: LastStart


class _Loader:
    """Loads one model folder, on any of the places where it may run."""

    def __init__(
        self,
        folder: Path,
        config: ModelConfig,
        tokenizer: Tokenizer,
        context_tokens: int,
        settings: EngineSettings,
        last: LastStart | None,
    ) -> None:
        """Read the headers of the weights. Raises ModelError."""
        self.dtype = stored_dtype(folder) if settings.dtype == "auto" else getattr(torch, settings.dtype)
        with Checkpoint(folder, self.dtype, _CPU) as checkpoint:
            self._wanted = wanted_tensors(config, checkpoint.tensor_count, folder)
            self._stored = checkpoint.stored_form(self._wanted)
        self._folder = folder
        self._config = config
        self._context_tokens = context_tokens
        self._settings = settings
        self._last = last
        self._vocab_size = tokenizer.vocab_size
        self._run = run_over_code(config, tokenizer)

    def load(self) -> tuple[Loaded, Placement]:
        """Load the model at the best place that has the memory. Raises ModelError, and OutOfMemoryError of the last."""
        row = self._page_row(torch.device("cuda"))
        sizes = self._wanted.sizes_bytes(self.dtype.itemsize)
        places = find_places(self._config, sizes, self._stored, row, self._context_tokens, self._settings)
        problems: list[str] = []
        for place in places:
            device = torch.device(place.device)
            try:
                loaded = self._load_on(device, place)
            except torch.OutOfMemoryError:
                if place is places[-1]:
                    raise
                problem = f"{place.device} had too little memory for the weights as {place.form}"
                log.warning("%s: %s", self._folder, problem)
                problems.append(problem)
            else:
                reason = "; ".join(problems) if problems and device == _CPU else place.reason
                return loaded, replace(place, reason=reason)
            free_unused(device)
        raise ModelError(f"{self._folder}: there is no device to run it on")

    def _load_on(self, device: torch.device, place: Placement) -> Loaded:
        config, dtype = self._config, self.dtype
        is_native = device == _CPU and _native_functions(dtype) is not None
        setting = self._settings.quant
        if place.form is not None and self._stored == "wide":
            setting = "none" if place.form == "wide" else place.form
        weights, quant, must_quantize = find_weights(
            self._folder, self._wanted, dtype, setting, self._run, self._token_ms, is_native
        )
        row = self._page_row(device)
        if device.type == "cuda":
            torch.cuda.set_device(device)  # Triton launches on the device of the thread
        with Checkpoint(weights, dtype, _CPU if must_quantize else device) as checkpoint:
            source: StepTensors = checkpoint
            if must_quantize:
                source = quantize_in_memory(checkpoint, self._wanted, quant, self._run, device)
            model = _build(config, source, row.dtype == torch.int8, device, self._vocab_size)
        if isinstance(model, NativeModel):
            # A thread of torch that has chosen the last token would take the core from one of the next step's.
            torch.set_num_threads(1)
        memory = self._allocate(device, place, row)
        if device.type == "cuda" and isinstance(model, Decoder):
            model = CapturedDecoder(model, self._vocab_size, CudaGraphs(device))
            warm_up(model, memory)
            capture_steps(model, memory)
        if self._last is not None and self._last.form == quant:
            start = replace(self._last, weights=str(weights))
            if isinstance(model, NativeModel):
                touch(model.mapped_spans())
        else:
            start = LastStart(quant, str(weights), try_reading(model, memory))
        return Loaded(model, memory, row, quant, weights, start)

    def _token_ms(self, form: Quant) -> float:
        kept = read_kept_speed()
        # The form that an earlier start has chosen stays, or a busy machine would be measured at each start.
        is_enough = kept is not None and (not kept.is_disturbed or self._last is not None)
        speed = kept if kept is not None and is_enough else measure_machine()
        return speed.token_ms(self._config.active_weights, form)

    def _allocate(self, device: torch.device, place: Placement, row: PageRow) -> Tensor:
        layers = self._config.num_hidden_layers
        token_bytes = layers * row.bytes
        context_bytes = self._context_tokens * token_bytes
        default_bytes = default_cache_bytes(context_bytes) if device == _CPU else gpu_cache_bytes(place, context_bytes)
        wanted_bytes = self._settings.cache_bytes or default_bytes
        pages = max(1, wanted_bytes // (token_bytes * PAGE_TOKENS))
        return allocate_what_fits(layers, pages, row.width, row.dtype, device)

    def _page_row(self, device: torch.device) -> PageRow:
        """Choose the row of the cache's pages. On the CPU there is none of int8 without the native step: say so."""
        if self._settings.cache_dtype != "int8":
            return PageRow(self._config.page_width, self.dtype)
        if device != _CPU or _native_functions(self.dtype) is not None:
            return int8_row(self._config.page_width)
        library = native_library()
        reason = f"{library.absence} {library.fix}." if library.functions is None else f"that has no {self.dtype}."
        log.warning(
            "%s: the cache keeps %s and not int8, which needs the native step: %s", self._folder, self.dtype, reason
        )
        return PageRow(self._config.page_width, self.dtype)


def load_draft_model(folder: Path, tokenizer: Tokenizer) -> Continuations | None:
    """Load a model that drafts for one with this `tokenizer`; None where it is not faster: without the native step.

    Raises ModelError.
    """
    description = read_description(folder)
    own_tokenizer = Tokenizer(folder, description.family)
    cache_bytes = DRAFT_CONTEXT_TOKENS * description.config.num_hidden_layers * description.config.page_width * 4
    settings = EngineSettings(cache_bytes=cache_bytes, device="cpu", quant="int8")
    known = LastStart("int8", str(folder), 0.0)  # a trial of its speed would be for nothing
    loader = _Loader(folder, description.config, own_tokenizer, DRAFT_CONTEXT_TOKENS, settings, known)
    loaded, _ = loader.load()
    if not isinstance(loaded.model, NativeModel):
        return None
    order = description.identity.fim_orders[0]
    return Continuations(DraftModel(loaded.model, loaded.memory, own_tokenizer, order), tokenizer)


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
    loader = _Loader(folder, config, tokenizer, context_tokens, settings, last)
    loaded, place = loader.load()
    model, memory, row, quant = loaded.model, loaded.memory, loaded.row, loaded.quant
    seconds, pages, dtype = time.perf_counter() - started_s, memory.shape[1], loader.dtype
    log.info(
        "%s: loaded in %.1f s on %s (%s), %s, weights %s, %d cache pages of %s",
        folder, seconds, place.device, place.reason, dtype, quant, pages, row.dtype,
    )  # fmt: skip
    device = memory.device
    keys = rotated_keys(config, _CPU, is_native=isinstance(model, NativeModel))
    facts = [dtype, quant, row, type(model).__name__, native_library().isa]
    weights_key = model_key(folder, loaded.weights, facts if device == _CPU else [*facts, device.type])
    chunk_tokens = settings.chunk_tokens if device == _CPU else max(settings.chunk_tokens, GPU_CHUNK_TOKENS)
    parameters, sentinels = config.active_weights.parameters, tokenizer.sentinels
    scheduler = Scheduler(
        model, memory, dtype, sentinels, tokenizer.vocab_size, chunk_tokens, parameters, keys, weights_key
    )
    scheduler.device_reason = place.reason
    weights_bytes = sum(file.stat().st_size for file in loaded.weights.glob("*.safetensors"))
    return scheduler, quant, weights_bytes, loaded.start
