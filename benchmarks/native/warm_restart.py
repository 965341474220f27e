"""The first token after a restart, when the disk has the pages of the prompt, beside the first token of a warm engine.

A prompt of 8K tokens is computed and kept; a new prompt adds 32 tokens to it, as `ttft_ms` of `benchmarks.engine` does.
Each figure is the least of its runs: what else the machine does only adds to it. `restart_ms` is asked after the
model's weights were read once (a start reads them in the background), `first_ms` at once after the load, `cold_disk_ms`
when the system has forgotten the files of the pages.
"""

import argparse
import json
import os
import random
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from inference.api import EngineSettings, KeptPages, Request, Trace, Update
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt

NEW_TOKENS = 32


class Prompts:
    """A long prompt, and prompts that add other tokens to it. The tokens are random: a step takes as long for any."""

    def __init__(self, engine: LocalEngine, tokens: int) -> None:
        self._rng = random.Random(1)
        self._vocabulary = engine.tokenizer.vocab_size - 100  # sentinels stand at the end
        self.long = self.random(min(tokens, engine.describe().context_tokens - 2 * NEW_TOKENS))

    def random(self, count: int) -> tuple[int, ...]:
        return tuple(self._rng.randrange(self._vocabulary) for _ in range(count))

    def longer(self) -> tuple[int, ...]:
        return self.long + self.random(NEW_TOKENS)


@contextmanager
def running(options: Namespace) -> Iterator[LocalEngine]:
    """Load the model, and unload it at the end."""
    settings = EngineSettings(options.model, quant=options.quant, cache_dtype=options.cache_dtype)
    engine = LocalEngine(settings)
    try:
        engine.ready.result()
        yield engine
    finally:
        engine.close()


def ask(engine: LocalEngine, prompt: Sequence[int], kept: KeptPages | None) -> Trace:
    """Return the trace of a request for one token."""
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(Request(TokenPrompt(tuple(prompt)), 1, kept_pages=kept), updates.put)
    while (trace := (update := updates.get()).trace) is None:
        pass
    if update.error is not None:
        raise update.error
    return trace


def first_token_ms(trace: Trace) -> float:
    """Return the time to the first token, also where it ends the output and is not handed out."""
    return trace.ttft_ms if trace.ttft_ms is not None else trace.total_ms


def wait_until_kept(kept: KeptPages) -> float:
    """Wait until the pages are on the disk; return the seconds."""
    began_s = time.perf_counter()
    while not list(kept.folder.glob("*.pages")):
        time.sleep(0.05)
    return time.perf_counter() - began_s


def forget_files(kept: KeptPages) -> None:
    """Have the system drop what it holds of the files in memory."""
    for file in kept.folder.iterdir():
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def restarts(options: Namespace, prompts: Prompts, kept: KeptPages, prepare: Callable[[LocalEngine], object]) -> Trace:
    """Return the trace of the fastest first token after a restart."""
    traces = []
    for _ in range(options.runs):
        with running(options) as engine:
            prepare(engine)
            traces.append(ask(engine, prompts.longer(), kept))
    return min(traces, key=first_token_ms)


def measure(options: Namespace, kept: KeptPages) -> dict[str, object]:
    with running(options) as engine:
        prompts = Prompts(engine, options.tokens)
        computed_ms = first_token_ms(ask(engine, prompts.long, kept))
        kept_s = wait_until_kept(kept)
        warm = [ask(engine, prompts.longer(), None) for _ in range(options.runs)]
        name = engine.describe().name
    warm_ms = min(first_token_ms(trace) for trace in warm)

    def touch(engine: LocalEngine) -> None:
        ask(engine, prompts.random(NEW_TOKENS), None)

    def touch_and_forget(engine: LocalEngine) -> None:
        touch(engine)
        forget_files(kept)

    trace = restarts(options, prompts, kept, touch)
    first = restarts(options, prompts, kept, lambda engine: None)
    cold_disk = restarts(options, prompts, kept, touch_and_forget)
    restart_ms = first_token_ms(trace)
    return {
        "model": name,
        "prompt_tokens": len(prompts.long),
        "read_tokens": trace.cached_tokens,
        "kept_bytes": sum(file.stat().st_size for file in kept.folder.iterdir()),
        "kept_s": round(kept_s, 2),
        "computed_ms": round(computed_ms, 1),
        "warm_ms": round(warm_ms, 1),
        "restart_ms": round(restart_ms, 1),
        "read_ms": round(trace.queue_ms or 0, 1),
        "first_ms": round(first_token_ms(first), 1),
        "cold_disk_ms": round(first_token_ms(cold_disk), 1),
        "ratio": round(restart_ms / warm_ms, 2),
    }


def parse_options() -> Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model folder (default: the built-in model)")
    parser.add_argument("--quant", default="auto", help="the form of the weights")
    parser.add_argument("--cache-dtype", default="auto", help="the type of the pages: auto or int8")
    parser.add_argument(
        "--tokens", type=int, default=8192, help="of the prompt that is kept, if the model takes so many"
    )
    parser.add_argument("--runs", type=int, default=5, help="measurements of each kind")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="midspan-pages-") as scratch:
        root = Path(scratch, "pages")
        folder = root / "workspace" / "now"
        for each in (root, folder.parent, folder):
            each.mkdir(mode=0o700)
        figures = measure(options, KeptPages(root, folder, 10_000_000_000))
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:16} {value!s:>24}")


if __name__ == "__main__":
    main()
