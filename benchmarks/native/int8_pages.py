"""The cost of a prefix cache in int8: one model with int8 weights, whose pages are bf16 or int8.

The logits of the last tokens of code from Python's standard library are compared: their KL divergence, and how often
the likeliest token is the same. Then both answer the needle suite, among files of the same library.
"""

import argparse
import json
import random
import statistics
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import torch
from torch import Tensor

from benchmarks.quantization import Agreement
from evaluation.held_out_packages import HeldOutPackage
from evaluation.needle import Haystacks, NeedleCase, cases_of, draw_needles
from inference.api import Engine, EngineSettings, Request, Update
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.cache.page_row import PageRow, int8_row
from inference.loader import wanted_tensors
from inference.local_engine import LocalEngine
from inference.models.batch import Work, pack_batch
from inference.models.description import read_description
from inference.native.model import NativeModel
from inference.prompts.tokenizer import Tokenizer
from inference.weights.checkpoint import Checkpoint, stored_dtype
from inference.weights.quantize import quantize_in_memory
from kernels.cpu.library import native_library

CPU = torch.device("cpu")
CHUNK_TOKENS = 512
SCORED_TOKENS = 256
CACHE_DTYPES: tuple[Literal["auto", "int8"], ...] = ("auto", "int8")


class Runner:
    """A model with int8 weights and pages for one sequence, of bf16 or of int8."""

    def __init__(self, folder: Path, has_int8_pages: bool, tokens: int) -> None:
        functions = native_library().functions
        if functions is None:
            raise SystemExit(f"the native step does not serve: {native_library().absence}")
        config, dtype = read_description(folder).config, stored_dtype(folder)
        with Checkpoint(folder, dtype, CPU) as checkpoint:
            source = quantize_in_memory(checkpoint, wanted_tensors(config), "int8", run=lambda source: None)
        self._model = NativeModel(config, source, functions, torch.get_num_threads(), has_int8_pages)
        row = int8_row(config.page_width) if has_int8_pages else PageRow(config.page_width, dtype)
        self._pages = list(range(tokens // PAGE_TOKENS + 1))
        self._memory = allocate_memory(config.num_hidden_layers, len(self._pages), row.width, row.dtype, CPU)

    def logits(self, tokens: Sequence[int]) -> Tensor:
        """Return the log probabilities behind each of the last tokens."""
        for start in range(0, len(tokens), CHUNK_TOKENS):
            chunk = tokens[start : start + CHUNK_TOKENS]
            batch = pack_batch([Work(chunk, start, self._pages, 1)], CPU)
            if start + CHUNK_TOKENS >= len(tokens):
                batch = replace(batch, logit_rows=torch.arange(len(chunk) - SCORED_TOKENS, len(chunk)))
            logits = self._model.forward(batch, self._memory)
        return logits.log_softmax(-1)


def library_files() -> dict[str, str]:
    root = Path(sysconfig.get_path("stdlib"))
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(root.glob("*.py"))}


def texts(tokenizer: Tokenizer, tokens: int, count: int, seed: int) -> Iterator[list[int]]:
    """Draw texts of so many tokens: files behind one another, as in a prompt."""
    rng, files = random.Random(seed), list(library_files().values())
    for _ in range(count):
        found: list[int] = []
        while len(found) < tokens:
            found += tokenizer.encode(rng.choice(files))
        yield found[:tokens]


def compare(folder: Path, tokens: int, count: int, seed: int) -> dict[str, Any]:
    """Compare the logits over pages of int8 with those over bf16."""
    tokenizer = Tokenizer(folder, read_description(folder).family)
    wide, coded = (Runner(folder, has_int8_pages, tokens) for has_int8_pages in (False, True))
    agreement = Agreement()
    for text in texts(tokenizer, tokens, count, seed):
        agreement.add(wide.logits(text), coded.logits(text))
    kl, top1 = statistics.mean(agreement.divergences), statistics.mean(agreement.same)
    scored = len(agreement.same)
    return {"context_tokens": tokens, "scored_tokens": scored, "kl": round(kl, 6), "top1": round(top1, 4)}


def answer(engine: Engine, request: Request) -> str:
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(request, updates.put)
    text, update = "", Update("")
    while update.finish_reason is None:
        update = updates.get()
        text += update.text
    return text


def find_needles(folder: Path, lengths: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Answer the needle suite with both kinds of pages, at each length."""
    package = HeldOutPackage("library", Path(sysconfig.get_path("stdlib")), library_files())
    for length in lengths:
        cases = cases_of(draw_needles(length))
        answers: dict[str, list[str]] = {}
        for cache_dtype in CACHE_DTYPES:
            engine = LocalEngine(EngineSettings(model=folder, quant="int8", cache_dtype=cache_dtype))
            haystacks = Haystacks(engine, [package])
            answers[cache_dtype] = [answer(engine, haystacks.request(length, case)) for case in cases]
            engine.close()
        same = sum(a == b for a, b in zip(*answers.values(), strict=True))
        right = {name: count_right(cases, found) for name, found in answers.items()}
        figures = {"right_bf16": right["auto"], "right_int8": right["int8"], "same_answer": same}
        yield {"needle_tokens": length, "questions": len(cases), **figures}


def count_right(cases: Sequence[NeedleCase], found: Sequence[str]) -> int:
    return sum(text.strip().startswith(case.wanted) for case, text in zip(cases, found, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a model folder with wide weights")
    parser.add_argument("--tokens", type=int, default=2048, help="the length of a compared text")
    parser.add_argument("--texts", type=int, default=10)
    parser.add_argument("--needles", type=int, nargs="*", default=[2048, 4096, 8192, 16384], metavar="TOKENS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="threads of a step (default: torch's own choice)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    def rows() -> Iterator[dict[str, Any]]:
        if arguments.texts:
            with torch.inference_mode():
                yield compare(arguments.model, arguments.tokens, arguments.texts, arguments.seed)
        yield from find_needles(arguments.model, arguments.needles)

    for row in rows():
        print(json.dumps(row) if arguments.json else "  ".join(f"{k} {v}" for k, v in row.items()), flush=True)


if __name__ == "__main__":
    main()
