"""A model of DeepSeek-Coder-V2-Lite's shape with a long context: the memory that it needs and the time of a token.

The weights are random codes in the native layout, int4 for 27 layers of the released widths and int8 for embedding and
head. The pages hold random rows, so that no text is prefilled: only the last tokens are computed.
"""

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter

import psutil
import torch
from torch import Tensor

from benchmarks.native.lite_shape import LITE
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.cache.page_row import PageRow, int8_row
from inference.loader import wanted_tensors
from inference.models.batch import Work, pack_batch
from inference.native.model import NativeModel
from inference.speed.machine_speed import processor_name
from inference.weights.matrix import Matrix, Quant
from inference.weights.native_layout import NativeMatrix, native_shapes
from kernels.cpu.library import native_library
from kernels.int8_rows import SCALE_BYTES

CPU = torch.device("cpu")
CONTEXTS = (32768, 65536, 131072)
CHUNK_TOKENS = 512
STEPS = 20
DEVIATION = 0.02  # of the weights
RANDOM_BYTES = 64 << 20  # every matrix is a piece of so many random bytes
# The root of the mean square of what random bytes stand for, in units: an int8 code, and w of int4 whose scale and
# offset are random too.
INT8_DEVIATION, INT4_DEVIATION, INT4_MIDDLE = 74.0, 1050.0, 7.5


class RandomLite:
    """Weights that nobody trained. What was made once is the same for each model that is built."""

    dtype = torch.bfloat16

    def __init__(self) -> None:
        self._random = torch.randint(0, 256, (RANDOM_BYTES,), dtype=torch.uint8)
        self._made: dict[str, NativeMatrix] = {}

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Make a tensor: ones for a norm, else random."""
        if len(shape) == 1:
            return torch.ones(shape, dtype=self.dtype)
        return (torch.randn(shape) * DEVIATION).to(self.dtype)

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        raise NotImplementedError(f"{name}: every matrix lies in the native layout")

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        codes = self._random[: shape[0] * shape[1]].view(torch.int8).view(shape)
        return Matrix("int8", (codes, torch.full(shape[:1], DEVIATION / INT8_DEVIATION)))

    def load_native(self, name: str, shape: tuple[int, int]) -> NativeMatrix:
        """Make a matrix: int8 for the embedding, the head and the projection to the latent, else int4."""
        if name not in self._made:
            quant: Quant = "int8" if any(part in name for part in ("embed_tokens", "lm_head", "kv_a_proj")) else "int4"
            codes_shape, units_shape = native_shapes(quant, *shape)
            codes = torch.empty(codes_shape, dtype=torch.uint8)
            for piece in torch.split(codes.view(-1), RANDOM_BYTES // 2):
                at = int(torch.randint(0, RANDOM_BYTES // 2, ()))
                piece.copy_(self._random[at : at + len(piece)])
            if quant == "int8":
                units = torch.full(units_shape, DEVIATION / INT8_DEVIATION)
            else:
                step = DEVIATION / INT4_DEVIATION
                units = torch.tensor([[step], [step * INT4_MIDDLE]]).repeat(1, units_shape[1])
            self._made[name] = NativeMatrix(codes, units, *shape)
        return self._made[name]


@dataclass(frozen=True)
class Figures:
    """A row of the table. Measured bytes are resident memory, of the weights and of the pages."""

    pages: str
    context_tokens: int
    computed_bytes: int
    measured_bytes: int
    page_bytes: int
    token_ms: float
    chunk_ms: float | None
    processor: str
    threads: int


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def fill(memory: Tensor) -> None:
    """Write random rows with values of about 1."""
    layers, pages, _, width = memory.shape
    some = min(64, pages)
    if memory.dtype == torch.int8:
        rows = torch.randint(-127, 128, (some, PAGE_TOKENS, width), dtype=torch.int8)
        scales = torch.full((some, PAGE_TOKENS, (width - LITE.page_width) // SCALE_BYTES), 1 / 64)
        rows[..., LITE.page_width :] = scales.bfloat16().view(torch.int8)
    else:
        rows = torch.randn(some, PAGE_TOKENS, width).to(memory.dtype)
    for layer in range(layers):
        for part in torch.split(memory[layer], some):
            part.copy_(rows[: len(part)])


class Runner:
    """The model with pages of one type."""

    def __init__(self, name: str, row: PageRow, source: RandomLite, threads: int) -> None:
        functions = native_library().functions
        if functions is None:
            raise SystemExit(f"the native step does not serve: {native_library().absence}")
        self.name = name
        self._row, self._threads = row, threads
        self._model = NativeModel(LITE, source, functions, threads, has_int8_pages=row.dtype == torch.int8)

    def measure(self, context: int, weights_bytes: tuple[int, int], has_chunk: bool) -> Figures:
        """Measure the last tokens of a context. `weights_bytes` are computed and measured."""
        before_bytes, pages = resident_bytes(), (context + CHUNK_TOKENS) // PAGE_TOKENS
        memory = allocate_memory(LITE.num_hidden_layers, pages, self._row.width, self._row.dtype, CPU)
        fill(memory)
        table = torch.randperm(pages).tolist()  # as after many evictions

        def run_ms(start: int, tokens: int) -> float:
            batch = pack_batch([Work([7] * tokens, start, table, 1)], CPU)
            started_s = perf_counter()
            logits = self._model.forward(batch, memory)
            took_ms = 1000 * (perf_counter() - started_s)
            if not logits.isfinite().all():
                raise SystemExit("the logits are not finite")
            return took_ms

        token_ms = statistics.median(run_ms(context - 1, 1) for _ in range(STEPS))
        chunk_ms = run_ms(context - CHUNK_TOKENS, CHUNK_TOKENS) if has_chunk else None
        return Figures(
            pages=self.name,
            context_tokens=context,
            computed_bytes=weights_bytes[0] + memory.nbytes,
            measured_bytes=weights_bytes[1] + resident_bytes() - before_bytes,
            page_bytes=memory.nbytes,
            token_ms=round(token_ms, 1),
            chunk_ms=chunk_ms and round(chunk_ms),
            processor=processor_name(),
            threads=self._threads,
        )


def measure(contexts: Sequence[int], has_chunk: bool, threads: int) -> Iterator[Figures]:
    source = RandomLite()
    before_bytes = resident_bytes()
    rows = {"bf16": PageRow(LITE.page_width, torch.bfloat16), "int8": int8_row(LITE.page_width)}
    runners = [Runner("bf16", rows["bf16"], source, threads)]
    computed_bytes = wanted_tensors(LITE).sizes_bytes(wide_itemsize=2)["int4"]
    weights_bytes = computed_bytes, resident_bytes() - before_bytes
    runners.append(Runner("int8", rows["int8"], source, threads))
    for context in contexts:
        for runner in runners:
            yield runner.measure(context, weights_bytes, has_chunk)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, nargs="+", default=CONTEXTS)
    parser.add_argument("--chunk", action="store_true", help=f"measure a chunk of {CHUNK_TOKENS} tokens too")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with torch.inference_mode():
        for figures in measure(arguments.contexts, arguments.chunk, arguments.threads):
            row = asdict(figures)
            print(json.dumps(row) if arguments.json else "  ".join(f"{k} {v}" for k, v in row.items()), flush=True)


if __name__ == "__main__":
    main()
