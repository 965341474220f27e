"""An engine whose answers a test writes, because tests of the server need no model.

Its tokens are characters, so a prompt can be read back. It runs a thread of its own, like the real one.
"""

import math
import re
import threading
import time
from collections.abc import Callable, MutableSequence, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from inference.api import (
    ContextFile,
    EngineStats,
    FinishReason,
    Message,
    ModelInfo,
    OnUpdate,
    Repository,
    Request,
    Trace,
    Update,
)
from inference.edit_window import EditPrompt, EditWindow
from inference.local_engine import Generation, LocalEngine
from inference.prompts.prompt import TokenPrompt, read_tokens
from inference.prompts.tokenizer import Tokenizer
from midspan import MidspanError

HOLE = 0x110000  # no code point
END = 0x110001
STEP_S = 0.005
MOST_S = 600  # longer than any test

Answer = Callable[[str, str], str]


# The three stand in for the real ones, so mypy holds their methods to the same signatures. Each has its own
# constructor instead of the real one's, which would want a model.
class FakeTokenizer(Tokenizer):
    def __init__(self) -> None:
        pass

    def encode(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def count(self, text: str) -> int:
        return len(text)


class FakeGeneration(Generation):
    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


class FakeEngine(LocalEngine):
    """An engine that writes `answer(before, after)`, a character each step, while `gate` is set.

    Background requests have a gate of their own: they may begin before a test that awaits an answer goes on.
    """

    def __init__(
        self, answer: Answer, *, load_error: MidspanError | None = None, confidence: float | None = None
    ) -> None:
        self.info = ModelInfo("fake", Path("fake"), "fake", ("psm",), context_tokens=8192)
        self.tokenizer = FakeTokenizer()
        self.ready: Future[None] = Future()
        if load_error:
            self.ready.set_exception(load_error)
        else:
            self.ready.set_result(None)
        self.gate = threading.Event()
        self.gate.set()
        self.background_gate = threading.Event()
        self.background_gate.set()
        self.live: set[FakeGeneration] = set()
        self.requests: MutableSequence[Request] = []
        self.most_live = 0
        self.closed = False
        self._answer = answer
        self.confidence = confidence
        self.speed: float | None = None  # at which prompts are read, as the engine says
        self.read: Sequence[int] = ()  # the tokens that are left to be read, as the engine tells them
        self.is_cold = False  # as if much of each prompt had to be computed

    @property
    def reading_tokens_per_s(self) -> float | None:
        return self.speed

    def describe(self) -> ModelInfo:
        return self.info

    def fim_prompt(self, context: str, prefix: str, suffix: str, repository: Repository | None = None) -> TokenPrompt:
        encode = self.tokenizer.encode
        return TokenPrompt((*encode(context + prefix), HOLE, *encode(suffix), END))

    @property
    def edit_window_lines(self) -> tuple[int, int] | None:
        return None

    def edit_prompt(self, window: EditWindow) -> EditPrompt:
        prompt = TokenPrompt((*self.tokenizer.encode(window.current), HOLE, END))
        return EditPrompt(prompt, lambda output: output, lambda _text, _begin: False)

    def begun_word(self, prefix: str) -> str:
        return ""  # a character is a token

    def chat_prompt(self, messages: Sequence[Message], files: Sequence[ContextFile] = ()) -> TokenPrompt:
        text = "".join(file.title + file.text for file in files)
        text += "".join(f"{message.role}: {message.content}\n" for message in messages)
        return TokenPrompt((*self.tokenizer.encode(text), HOLE, END))

    def submit(self, request: Request, on_update: OnUpdate) -> FakeGeneration:
        generation = FakeGeneration()
        self.requests.append(request)
        self.live.add(generation)
        self.most_live = max(self.most_live, len(self.live))
        arguments = (request, generation, on_update)
        threading.Thread(target=self.run, args=arguments, daemon=True).start()
        return generation

    def stats(self) -> EngineStats:
        return EngineStats(
            len(self.live),
            0,
            100,
            100,
            0,
            device="cpu",
            device_reason="the fake runs anywhere",
            dtype="float32",
            cache_dtype="int8",
        )

    def close(self) -> None:
        self.closed = True
        for generation in list(self.live):
            generation.cancel()

    def write(self, request: Request) -> tuple[str, float | None]:
        """Return the whole output and its confidence; a subclass lets them depend on the sampling."""
        return self._answer(*read_prompt(request)), self.confidence

    def score(self, line: str) -> float:
        """Return the log-probability of a given line; a subclass finds some likelier than others."""
        return 0.0

    def run(self, request: Request, generation: FakeGeneration, on_update: OnUpdate) -> None:
        is_quick = self.is_cold and request.quick_prompt is not None
        if is_quick and request.quick_prompt is not None:
            request = replace(request, prompt=request.quick_prompt)
        if request.on_read is not None:
            for left_tokens in self.read:
                request.on_read(left_tokens)
        if request.given:
            self.live.discard(generation)
            on_update(Update(text := "".join(map(chr, request.given))))
            trace = replace(trace_of(request, len(text)), is_quick=is_quick, written=((len(text), self.score(text)),))
            on_update(Update("", "lines", trace))
            return
        try:
            text, confidence = self.write(request)
        except MidspanError as error:
            self.live.discard(generation)
            on_update(Update("", "error", trace_of(request, 0), error))
            return
        written, is_over = 0, False
        gate = self.background_gate if request.background else self.gate
        if request.max_lines is not None:
            match = re.match(rf"(?:[^\n]*\n){{{request.max_lines}}}", text)
            text = text[: match.end() - 1] if match else text
        most = min(len(text), request.max_new_tokens)
        end = time.monotonic() + MOST_S
        while written < most and not generation.cancelled.is_set() and time.monotonic() < end:
            if gate.wait(STEP_S):
                on_update(Update(text[written]))
                written += 1
                if request.is_over is not None and request.is_over(text[:written], written - 1):
                    is_over = True
                    break
        while not (is_over or gate.wait(STEP_S) or generation.cancelled.is_set()) and time.monotonic() < end:
            pass
        self.live.discard(generation)
        reason: FinishReason = "over" if is_over else "length" if written < len(text) else "eos"
        if generation.cancelled.is_set():
            reason = "cancelled"
        trace = replace(trace_of(request, written), confidence=confidence, is_quick=is_quick)
        if confidence is not None and written:  # as if the whole output were one token
            trace = replace(trace, written=((written, math.log(confidence)),))
        on_update(Update("", reason, trace))


def read_prompt(request: Request) -> tuple[str, str]:
    """Return the text before and after the hole."""
    tokens = read_tokens(request.prompt)
    hole = tokens.index(HOLE)
    return "".join(map(chr, tokens[:hole])), "".join(map(chr, tokens[hole + 1 : -1]))


def trace_of(request: Request, decoded: int) -> Trace:
    prompt = request.prompt.num_tokens
    return Trace(prompt, prompt - 1, 1, decoded, 1.0 if decoded else None, 2.0)
