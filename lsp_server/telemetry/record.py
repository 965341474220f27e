"""What one request cost and what came of it: one line of the log, and one trace."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from context.documents.document import Document
from context.prompt.pack import Pack
from inference.api import FinishReason, Trace
from lsp_server.telemetry.outcome import Outcome, sentence

# Where a text comes from: the engine is asked now, or the text was predicted or computed ahead.
Source = Literal["engine", "prediction", "look_ahead"]
_SOURCES = {"prediction": "already predicted", "look_ahead": "computed ahead"}

HOW_ENDED: dict[FinishReason, str] = {
    "eos": "by itself",
    "fim": "at a token that no text has",
    "lines": "at its limit of lines",
    "length": "at its limit of tokens",
    "repetition": "because it only repeated itself",
    "cancelled": "because nobody waited for it",
    "error": "with an error",
}


@dataclass
class Record:
    """Filled in along the way of one request. It holds no text of the user's but what `packed` has."""

    kind: str  # "completion", "chat", or the name of an action
    path: str = ""
    position: tuple[int, int] | None = None  # line and character from 0, as the editor counts them
    explicit: bool = False  # a key asked for it
    language: str = ""
    model: str = ""
    outcome: Outcome = Outcome.CANCELLED  # until it has another
    detail: str = ""  # of the outcome
    source: Source = "engine"
    shown_characters: int = 0
    packed: Pack | None = None
    trace: Trace | None = None
    ended: FinishReason | None = None  # how the completion that `trace` is of came to its end
    stages_ms: dict[str, float] = field(default_factory=dict)
    began_at: float = field(default_factory=time.time)  # seconds since 1970
    _began: float = field(default_factory=time.perf_counter)
    _marked: float = field(default_factory=time.perf_counter)

    @property
    def elapsed_ms(self) -> float:
        return 1000 * (time.perf_counter() - self._began)

    def is_about(self, document: Document) -> None:
        """Names the document by its path in its workspace."""
        self.path, self.language = document.path, document.language

    def shows(self, characters: int, detail: str = "") -> None:
        """Note that the user is shown so many characters."""
        self.shown_characters = characters
        self.ends(Outcome.SHOWN, detail)

    def ends(self, outcome: Outcome, detail: str = "") -> None:
        """Note what came of the request."""
        self.outcome, self.detail = outcome, detail

    @property
    def summary(self) -> str:
        """The outcome in words."""
        words = sentence(self.outcome, self.detail, self.shown_characters)
        return words if self.source == "engine" else f"{words}, {_SOURCES[self.source]}"

    def mark(self, stage: str) -> None:
        """What went on since the last mark was this stage."""
        now = time.perf_counter()
        self.stages_ms[stage] = 1000 * (now - self._marked)
        self._marked = now

    def line(self) -> str:
        """E.g. ``a.py:3:5: shown 12 characters; packed 90 tokens from 2 files, ...``"""
        parts = [f"{place_in_words(self.kind, self.path, self.position)}: {self.summary}"]
        if self.packed is not None:
            files = len({segment.path for segment in self.packed.segments})
            parts.append(f"packed {self.packed.tokens} tokens from {files} file{'s'[: files != 1]}")
        if self.trace is not None:
            parts.append(describe(self.trace))
        if self.ended is not None:
            parts.append(f"ended {HOW_ENDED[self.ended]}")
        parts.append(f"{self.elapsed_ms:.1f} ms in all")
        return "; ".join(parts)


def place_in_words(kind: str, path: str, position: Sequence[int] | None) -> str:
    """E.g. ``src/a.py:3:5``, counted from 1; the kind for what has no place."""
    if position is None:
        return path or kind
    line, character = position
    return f"{path}:{line + 1}:{character + 1}"


def describe(trace: Trace) -> str:
    """What the engine did, in words: tokens reused and prefilled, the first token's ms, tokens per second."""
    first = "no token" if trace.ttft_ms is None else f"first token after {trace.ttft_ms:.1f} ms"
    about = "about " if trace.counts == "estimated" else ""
    text = (
        f"prompt of {about}{trace.prompt_tokens} tokens, {trace.cached_tokens} reused, "
        f"{trace.prefilled_tokens} prefilled; {first}; {about}{trace.decode_tokens} tokens"
    )
    if (rate := tokens_per_second(trace)) is not None:
        text += f", {rate:.1f} tokens/s"
    if trace.drafted_tokens:
        text += f"; {trace.accepted_tokens} of {trace.drafted_tokens} drafted tokens accepted"
    return text if trace.confidence is None else f"{text}; confidence {trace.confidence:.2f}"


def tokens_per_second(trace: Trace) -> float | None:
    """The rate of decoding after the first token; None when there was no second one."""
    if trace.ttft_ms is None or trace.decode_tokens < 2 or trace.total_ms <= trace.ttft_ms:
        return None
    return 1000 * (trace.decode_tokens - 1) / (trace.total_ms - trace.ttft_ms)
