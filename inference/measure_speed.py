"""Measures how fast this machine decodes, in about half a second, with models that are made up for it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter, process_time

import psutil
import torch
from torch import Tensor

from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.models.architecture import ModelConfig
from inference.models.batch import Batch, Work, pack_batch
from inference.models.llama_config import LlamaConfig
from inference.native.source import StepTensors
from inference.scheduler import Model
from inference.speed.machine_speed import MachineSpeed, keep_speed, read_kept_speed
from inference.weights.matrix import Matrix, Quant, form_of
from inference.weights.memory_speed import measure_memory_bytes_per_s, physical_cores
from inference.weights.quantize import quantize

log = logging.getLogger(__name__)

Build = Callable[[ModelConfig, StepTensors], Model]

CPU = torch.device("cpu")
MEMORY_S = 0.1
QUIET_SHARE = 0.25  # of all processors, for other programs
STEPS_S = 0.05  # of each model
_LEAST_STEPS = 3
_THIN = (64, 16)  # the width and the layers of a model whose weights are read in no time
_WIDE = 1024
_FORMS: tuple[Quant, ...] = ("wide", "int8", "int4")


class MadeUpSource:
    """Weights that nobody trained. Matrices of one shape are copies of one, because quantizing takes longest."""

    dtype = torch.bfloat16

    def __init__(self, quant: Quant) -> None:
        self._quant: Quant = quant
        self._made: dict[tuple[tuple[int, int], Quant], Matrix] = {}

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.full(shape, 0.01, dtype=self.dtype)

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        form = form_of(self._quant, at_least, shape[1])
        if (shape, form) not in self._made:
            self._made[shape, form] = quantize(torch.randn(shape).to(self.dtype), form)
        made = self._made[shape, form]
        return Matrix(form, tuple(tensor.clone() for tensor in made.tensors))

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        return self.load_matrix(name, shape, at_least="int8")

    def load_native(self, name: str, shape: tuple[int, int]) -> None:
        """Say that no matrix lies in the native layout."""


def measure_and_keep(build: Build) -> MachineSpeed:
    """Measure, and keep what is fastest in this and earlier measurements.

    `build` makes a model as the engine does.
    """
    began_s, own_s, all_s = perf_counter(), process_time(), _busy_s()
    speed, kept = measure_speed(build), read_kept_speed()
    others_s = (_busy_s() - all_s) - (process_time() - own_s)
    log.info("this machine: %s; other programs took %.1f s of its cores meanwhile", speed, others_s)
    is_disturbed = others_s > QUIET_SHARE * (perf_counter() - began_s) * (psutil.cpu_count() or 1)
    speed = replace(speed, is_disturbed=is_disturbed)
    speed = speed.fastest_of(kept) if kept else speed
    keep_speed(speed)
    return speed


def _busy_s() -> float:
    """Return the time that all processors have worked, for every program."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def measure_speed(build: Build, weights_bytes: int = 64 << 20) -> MachineSpeed:
    """Measure memory, products and layers. `build` makes a model as the engine does; `weights_bytes` is its size."""
    memory = measure_memory_bytes_per_s(physical_cores(), MEMORY_S)
    with torch.inference_mode():
        width, layers = _THIN
        layer_ms = _step_ms(build, _config(width, layers), "int8") / layers
        products: dict[str, float] = {
            form: _product_bytes_per_s(build, form, weights_bytes, layer_ms) for form in _FORMS
        }
    return MachineSpeed(memory, products, layer_ms)


def _product_bytes_per_s(build: Build, form: Quant, weights_bytes: int, layer_ms: float) -> float:
    one_layer = _config(_WIDE, 1).active_weights.bytes_in(form)
    config = _config(_WIDE, max(1, weights_bytes // one_layer))
    step_ms = _step_ms(build, config, form)
    read_ms = max(step_ms - config.num_hidden_layers * layer_ms, step_ms / 4)
    return 1000 * config.active_weights.bytes_in(form) / read_ms


def _step_ms(build: Build, config: LlamaConfig, quant: Quant) -> float:
    """Return the time of the fastest of some decoding steps."""
    model = build(config, MadeUpSource(quant))
    memory = allocate_memory(config.num_hidden_layers, 1, config.page_width, MadeUpSource.dtype, CPU).zero_()
    batch = pack_batch([Work([0], PAGE_TOKENS - 1, [0], 1)], CPU)
    took_ms = [_once_ms(model, batch, memory) for _ in range(_LEAST_STEPS)]
    while sum(took_ms) < 1000 * STEPS_S:
        took_ms.append(_once_ms(model, batch, memory))
    return min(took_ms)


def _once_ms(model: Model, batch: Batch, memory: Tensor) -> float:
    began_s = perf_counter()
    model.forward(batch, memory)
    return 1000 * (perf_counter() - began_s)


def _config(width: int, layers: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=width,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        num_key_value_heads=width // 64,
        head_dim=32,
        rms_norm_eps=1e-6,
        rope_theta=10000.0,
        rope_factor=1.0,
        qkv_bias=False,
        max_position_embeddings=PAGE_TOKENS,
        tie_word_embeddings=True,
    )
