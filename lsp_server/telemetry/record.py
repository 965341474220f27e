"""The record of one request, its costs and its outcome: a line of the log, and a trace."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from context.documents.document import Document
from context.prompt.pack import Pack
from inference.api import FinishReason, Trace
from lsp_server.telemetry.outcome import Outcome, sentence

# The source of a text: a new request to the engine, with the whole prompt or a quick one; a line of the user's code
# that the model finds likelier than its own; or a text that was predicted or computed ahead.
Source = Literal["engine", "quick", "workspace_line", "document_line", "prediction", "look_ahead", "earlier_key"]
_SOURCES = {
    "quick": "from the text at the cursor alone",
    "workspace_line": "as a line of the workspace has it",
    "document_line": "as a line of the document has it",
    "prediction": "already predicted",
    "look_ahead": "computed ahead",
    "earlier_key": "begun by an earlier key",
}

HOW_ENDED: dict[FinishReason, str] = {
    "eos": "at the model's end token",
    "fim": "at a control token",
    "lines": "at its limit of lines",
    "length": "at its limit of tokens",
    "over": "because nothing more would be shown",
    "cancelled": "because it was cancelled",
    "error": "with an error",
}


@dataclass
class Record:
    """Collects the costs and the outcome while a request runs. Only `packed` holds text of the user."""

    kind: str  # "completion", "chat", or the name of an action
    path: str = ""
    position: tuple[int, int] | None = None  # line and character from 0, as the editor counts them
    explicit: bool = False  # the user has pressed a key for it
    language: str = ""
    model: str = ""
    outcome: Outcome = Outcome.CANCELLED  # until the request has another
    detail: str = ""  # of the outcome
    source: Source = "engine"
    shown_characters: int = 0
    packed: Pack | None = None
    masked: dict[str, int] = field(default_factory=dict)  # secrets that the model saw placeholders for, by their rules
    trace: Trace | None = None
    text_tokens: int = 0  # of `trace`: those that have a text
    kept_tokens: int = 0  # of these, those that are shown when something is
    ended: FinishReason | None = None  # the reason why the generation of `trace` ended
    stages_ms: dict[str, float] = field(default_factory=dict)
    began_at: float = field(default_factory=time.time)  # seconds since 1970
    _began_s: float = field(default_factory=time.perf_counter)
    _marked_s: float = field(default_factory=time.perf_counter)

    @property
    def elapsed_ms(self) -> float:
        return 1000 * (time.perf_counter() - self._began_s)

    def is_about(self, document: Document) -> None:
        """Set the path and the language from the document."""
        self.path, self.language = document.path, document.language

    def shows(self, characters: int, detail: str = "") -> None:
        """Set the outcome: so many characters were shown."""
        self.shown_characters = characters
        self.ends(Outcome.SHOWN, detail)

    def masks(self, counts: Mapping[str, int]) -> None:
        """Add the secrets that a part of the prompt shows placeholders for, by the rules that found them."""
        for rule, count in counts.items():
            self.masked[rule] = self.masked.get(rule, 0) + count

    def ends(self, outcome: Outcome, detail: str = "") -> None:
        """Set the outcome of the request."""
        self.outcome, self.detail = outcome, detail

    @property
    def shown_tokens(self) -> int:
        """The tokens of the engine's output that the user was shown."""
        return self.kept_tokens if self.outcome is Outcome.SHOWN else 0

    @property
    def summary(self) -> str:
        """Return the outcome as a phrase, e.g. ``shown 12 characters, computed ahead``."""
        words = sentence(self.outcome, self.detail, self.shown_characters)
        return words if self.source == "engine" else f"{words}, {_SOURCES[self.source]}"

    def mark(self, stage: str) -> None:
        """Note the time since the last mark as this stage's."""
        now = time.perf_counter()
        self.stages_ms[stage] = 1000 * (now - self._marked_s)
        self._marked_s = now

    def line(self) -> str:
        """Return a line of the log, e.g. ``a.py:3:5: shown 12 characters; packed 90 tokens from 2 files; ...``."""
        parts = [f"{format_place(self.kind, self.path, self.position)}: {self.summary}"]
        if self.packed is not None:
            files = len({segment.path for segment in self.packed.segments})
            parts.append(f"packed {self.packed.tokens} tokens from {files} file{'s'[: files != 1]}")
        if self.masked:
            parts.append(f"masked {secrets_in_words(self.masked)}")
        if self.trace is not None:
            parts.append(format_trace(self.trace))
        if self.ended is not None:
            parts.append(f"ended {HOW_ENDED[self.ended]}")
        parts.append(f"{self.elapsed_ms:.1f} ms in total")
        return "; ".join(parts)


def format_place(kind: str, path: str, position: Sequence[int] | None) -> str:
    """Return e.g. ``src/a.py:3:5``, counted from 1; the path or the kind when there is no position."""
    if position is None:
        return path or kind
    line, character = position
    return f"{path}:{line + 1}:{character + 1}"


def format_trace(trace: Trace) -> str:
    """Return the engine's counts in words: tokens reused and prefilled, ms to the first token, tokens per second."""
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
        by_source: dict[str, tuple[int, int]] = {
            use.source: (use.accepted_tokens, use.drafted_tokens) for use in trace.drafts
        }
        text += f" ({drafts_in_words(by_source)})"
    if trace.moved_tokens:
        text += f"; suffix moved: {trace.moved_tokens} tokens, {trace.moved_age_tokens} tokens old"
    return text if trace.confidence is None else f"{text}; confidence {trace.confidence:.2f}"


def tokens_per_second(trace: Trace) -> float | None:
    """Return the rate of decoding after the first token; None when there was no second token."""
    if trace.ttft_ms is None or trace.decode_tokens < 2 or trace.total_ms <= trace.ttft_ms:
        return None
    return 1000 * (trace.decode_tokens - 1) / (trace.total_ms - trace.ttft_ms)


def drafts_in_words(by_source: Mapping[str, Sequence[int]]) -> str:
    """Return how many of the drafted tokens of each source were right, such as "lines 3 of 5, prompt 2 of 8"."""
    return ", ".join(f"{source} {right} of {drafted}" for source, (right, drafted) in sorted(by_source.items()))


def secrets_in_words(counts: Mapping[str, int]) -> str:
    """Return how many secrets each rule found, such as "3 secrets (assignment: 2, jwt: 1)"."""
    total = sum(counts.values())
    rules = ", ".join(f"{rule}: {count}" for rule, count in sorted(counts.items()))
    return f"{total} secret{'s'[: total != 1]} ({rules})"
