"""An engine whose answers a test writes: the server's tests are about the server, and take no model.

Its tokens are characters, so a prompt can be read back. It runs a thread of its own, like the real one.
"""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from inference.request import OnUpdate, Request, Trace, Update
from midspan import MidspanError

HOLE = 0x110000  # no code point
END = 0x110001

Answer = Callable[[str, str], str]


@dataclass(frozen=True)
class FakeInfo:
    name: str = "fake"
    folder: Path = Path("fake")
    family: str = "fake"
    fim_orders: tuple[str, ...] = ("psm",)
    context_tokens: int = 8192


@dataclass(frozen=True)
class FakeStats:
    live_requests: int
    queued_requests: int = 0
    pages_total: int = 100
    pages_free: int = 100
    pages_cached: int = 0
    device: str = "cpu"
    dtype: str = "float32"


class FakeTokenizer:
    def encode(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def count(self, text: str) -> int:
        return len(text)


class FakeGeneration:
    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


class FakeEngine:
    """`answer(before, after)` is what it writes, a character each step, while `gate` is set."""

    def __init__(self, answer: Answer, *, load_error: MidspanError | None = None) -> None:
        self.info = FakeInfo()
        self.tokenizer = FakeTokenizer()
        self.ready: Future[None] = Future()
        if load_error:
            self.ready.set_exception(load_error)
        else:
            self.ready.set_result(None)
        self.gate = threading.Event()
        self.gate.set()
        self.live: set[FakeGeneration] = set()
        self.requests: list[Request] = []
        self.most_live = 0
        self.closed = False
        self._answer = answer

    def fim_prompt(self, context: str, prefix: str, suffix: str) -> tuple[int, ...]:
        encode = self.tokenizer.encode
        return (*encode(context + prefix), HOLE, *encode(suffix), END)

    def submit(self, request: Request, on_update: OnUpdate) -> FakeGeneration:
        generation = FakeGeneration()
        self.requests.append(request)
        self.live.add(generation)
        self.most_live = max(self.most_live, len(self.live))
        arguments = (request, generation, on_update)
        threading.Thread(target=self._run, args=arguments, daemon=True).start()
        return generation

    def stats(self) -> FakeStats:
        return FakeStats(live_requests=len(self.live))

    def close(self) -> None:
        self.closed = True
        for generation in list(self.live):
            generation.cancel()

    def _run(self, request: Request, generation: FakeGeneration, on_update: OnUpdate) -> None:
        before, after = read_prompt(request)
        try:
            text = self._answer(before, after)
        except MidspanError as error:
            self.live.discard(generation)
            on_update(Update("", "error", trace_of(request, 0), error))
            return
        written = 0
        if request.max_lines is not None:
            match = re.match(rf"(?:[^\n]*\n){{{request.max_lines}}}", text)
            text = text[: match.end() - 1] if match else text
        while written < min(len(text), request.max_new_tokens) and not generation.cancelled.is_set():
            if self.gate.wait(0.005):
                on_update(Update(text[written]))
                written += 1
        while not self.gate.is_set() and not generation.cancelled.is_set():
            time.sleep(0.005)
        self.live.discard(generation)
        if generation.cancelled.is_set():
            reason = "cancelled"
        else:
            reason = "length" if written < len(text) else "eos"
        on_update(Update("", reason, trace_of(request, written)))


def read_prompt(request: Request) -> tuple[str, str]:
    """The text before and after the hole."""
    tokens = request.prompt_tokens
    hole = tokens.index(HOLE)
    return "".join(map(chr, tokens[:hole])), "".join(map(chr, tokens[hole + 1 : -1]))


def trace_of(request: Request, decoded: int) -> Trace:
    prompt = len(request.prompt_tokens)
    return Trace(prompt, prompt - 1, 1, decoded, 1.0 if decoded else None, 2.0)
