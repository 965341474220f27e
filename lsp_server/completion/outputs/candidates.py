"""The model's outputs at a place: one text or, when a key asks, several."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from context.documents.snapshot import Snapshot
from inference.api import Engine, Request, Sampling, Trace
from lsp_server.completion.postprocess import Cleaned, end_of_shown
from lsp_server.server.generate import Generated, generate

# Beside the greedy one. More would mostly be the same again, and cost memory for each.
_SAMPLES = 3
_TEMPERATURE = 0.8
_TOP_P = 0.95
_LEAST_PATIENCE_S = 0.2
# A text of which the model is so much less sure than of its best is noise.
_LEAST_SHARE = 0.5


async def generate_one(
    engine: Engine,
    request: Request,
    snapshot: Snapshot,
    on_text: Callable[[str], None] = lambda text: None,
    least_probability: float = 0.0,
) -> list[Generated]:
    """Generate the greedy output. It ends with the token that decides what of it is shown.

    It also ends where its probability falls below the least: nothing more of it would be shown.
    """
    least = math.log(least_probability) if least_probability else None
    request = replace(request, is_over=end_of_shown(snapshot), least_logprob=least)
    return [await generate(engine, request, on_text)]


async def read_prompt(engine: Engine, request: Request, snapshot: Snapshot) -> list[Generated]:
    """Have the engine read the prompt, so that it is in the cache."""
    return [await generate(engine, replace(request, max_new_tokens=1))]


async def generate_several(engine: Engine, request: Request, snapshot: Snapshot) -> list[Generated]:
    """Generate the greedy output, then the sampled ones that are there when it has taken twice as long.

    Sampled outputs that fail are left out. Cancelling this cancels all. Raises the error of the greedy output.
    """
    samples = [Sampling(_TEMPERATURE, _TOP_P, seed) for seed in range(1, _SAMPLES + 1)]
    requests = [request, *(replace(request, sampling=sampling) for sampling in samples)]
    read = None
    if engine.info.folder is not None:
        # When this has ended the prompt is in the cache: the others share it, and are decoded in one batch.
        read = (await read_prompt(engine, request, snapshot))[0].trace
    tasks = [asyncio.ensure_future(generate_one(engine, each, snapshot)) for each in requests]
    began = time.perf_counter()
    try:
        (greedy,) = await tasks[0]
        patience_s = max(_LEAST_PATIENCE_S, time.perf_counter() - began)
        await asyncio.wait(tasks[1:], timeout=patience_s)
        sampled = [task.result()[0] for task in tasks[1:] if task.done() and task.exception() is None]
    finally:
        for task in tasks:
            task.cancel()
    return [replace(greedy, trace=_joined(read, greedy.trace)), *sampled]


def _joined(read: Trace | None, written: Trace | None) -> Trace | None:
    """Add up the cost of reading the prompt and of what was written after it."""
    if read is None or written is None:
        return written
    return replace(
        written,
        cached_tokens=read.cached_tokens,
        prefilled_tokens=read.prefilled_tokens,
        ttft_ms=read.ttft_ms,
        total_ms=read.total_ms + written.total_ms,
    )


def surest_first(generated: Sequence[Generated], cleaned: Sequence[Cleaned]) -> list[Cleaned]:
    """Order the distinct cleaned texts by the model's confidence; equally sure ones stay in their order.

    When no text is left of any output, return the first one, whose outcome says why.
    """
    confidence: dict[str, float] = {}
    for output, found in zip(generated, cleaned, strict=True):
        if found.text:
            confidence.setdefault(found.text, (output.trace and output.trace.confidence) or 0.0)
    least = _LEAST_SHARE * max(confidence.values(), default=0.0)
    ordered = sorted((text for text in confidence if confidence[text] >= least), key=lambda text: -confidence[text])
    return [Cleaned(text) for text in ordered] or [cleaned[0]]
