"""Measures how the cost of a prefill grows with context and step, for layers of DeepSeek-Coder-V2-Lite.

A step expands every token before it once for each head, whatever number of new tokens attends to it. So large steps
cost less for each of their tokens. The weights are random codes of int8, and the pages hold random values, so that
only the steps at the end are computed.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter

import torch
from torch import Tensor

from benchmarks.native.lite_shape import LITE
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.models.batch import Work, pack_batch
from inference.native.model import NativeModel
from inference.weights.matrix import Matrix, Quant
from inference.weights.native_layout import NativeMatrix, native_shapes
from kernels.cpu.library import native_library

CPU = torch.device("cpu")
DTYPE = torch.bfloat16
SCALE = 3e-4  # of a code of int8: weights of about 0.02
SHAPE = replace(LITE, vocab_size=1024)  # of 102,400: one token of a step has logits


class RandomTensors:
    """Weights that are drawn when they are asked for."""

    dtype = DTYPE

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.ones(shape, dtype=DTYPE) if len(shape) == 1 else torch.randn(shape).mul_(0.02).to(DTYPE)

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        return Matrix("wide", (self.load(name, shape),))

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        return self.load_matrix(name, shape, at_least="int8")

    def load_native(self, name: str, shape: tuple[int, int]) -> NativeMatrix:
        codes, units = native_shapes("int8", *shape)
        drawn = torch.randint(1, 256, codes, dtype=torch.uint8)
        return NativeMatrix(drawn, torch.full(units, SCALE), *shape)


@dataclass(frozen=True)
class Figures:
    context: int  # tokens after the step
    step_tokens: int
    step_ms: float
    token_ms: float
    layers: int


def measure(model: NativeModel, memory: Tensor, context: int, step_tokens: int, repeats: int) -> Figures:
    """Time the step that computes the last tokens of a context."""
    pages = list(range(memory.shape[1]))
    tokens = torch.randint(0, SHAPE.vocab_size, (step_tokens,)).tolist()
    batch = pack_batch([Work(tokens, context - step_tokens, pages, 1)], CPU)
    times = []
    for _ in range(repeats):
        start = perf_counter()
        model.forward(batch, memory)
        times.append(1e3 * (perf_counter() - start))
    step_ms = statistics.median(times)
    return Figures(context, step_tokens, step_ms, step_ms / step_tokens, model.config.num_hidden_layers)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=2, help="the first is dense, the others have experts")
    parser.add_argument("--contexts", type=int, nargs="+", default=[4096, 16384, 65536])
    parser.add_argument("--step-tokens", type=int, nargs="+", default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    library = native_library()
    if library.functions is None:
        parser.error(f"the native step is needed: {library.absence} {library.fix}")
    torch.manual_seed(0)
    config = replace(SHAPE, num_hidden_layers=chosen.layers)
    model = NativeModel(config, RandomTensors(), library.functions, chosen.threads)
    pages = max(chosen.contexts) // PAGE_TOKENS + 1
    memory = allocate_memory(config.num_hidden_layers, pages, config.page_width, DTYPE, CPU).normal_()
    measure(model, memory, max(chosen.step_tokens), max(chosen.step_tokens), 1)  # memory grows now
    for context in chosen.contexts:
        figures = [measure(model, memory, context, step, chosen.repeats) for step in chosen.step_tokens]
        for f in figures:
            table = f"context {f.context:6}  step of {f.step_tokens:5}  {f.step_ms:8.1f} ms, {f.token_ms:.3f} a token"
            print(json.dumps(asdict(f)) if chosen.json else table)


if __name__ == "__main__":
    main()
