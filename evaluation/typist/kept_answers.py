"""An engine whose answers are kept on the disk, so that a stopped run goes on, and the next asks what is new."""

import hashlib
import json
import math
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.results import digest_request
from inference.api import (
    ContextFile,
    Draft,
    DraftSource,
    Engine,
    EngineStats,
    FinishReason,
    Message,
    ModelInfo,
    OnUpdate,
    Prompt,
    Repository,
    Request,
    RunningRequest,
    Trace,
    Update,
)

# Every machine is asked the same: the least prompt that a session lays out, whatever this machine reads in a second.
_TOKENS_PER_S = 512.0


@dataclass(frozen=True)
class Answer:
    """The output of a request: its pieces, why it ended, and the log-probability of each token by where that ends."""

    pieces: tuple[str, ...]
    finish_reason: FinishReason
    confidence: float | None
    written: tuple[tuple[int, float], ...]


class _Answered:
    """A request that was answered from what is kept."""

    def cancel(self) -> None:
        """There is nothing to end."""


class KeptAnswers:
    """Stands between a session and an engine. It tells nothing of the machine's speed, so prompts depend on no time."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._known: dict[str, Answer] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else []:
            try:
                digest, pieces, reason, confidence, written = json.loads(line)
            except (ValueError, TypeError):  # a line that a crash cut off
                continue
            self._known[digest] = Answer(tuple(pieces), reason, confidence, tuple(map(tuple, written)))

    def submit(self, request: Request, on_update: OnUpdate) -> RunningRequest:
        digest = _digest(request)
        answer = self._known.get(digest)
        shortened = None if answer is None else _as_asked(answer, request)
        if shortened is not None:
            _tell(shortened, request, on_update)
            return _Answered()
        pieces: list[str] = []

        def pass_on(update: Update) -> None:
            if update.text:
                pieces.append(update.text)
            reason, trace = update.finish_reason, update.trace
            if reason is not None and trace is not None and reason not in ("cancelled", "error"):
                self._keep(digest, Answer(tuple(pieces), reason, trace.confidence, trace.written))
                update = replace(update, trace=replace(trace, ttft_ms=None))
            on_update(update)

        return self._engine.submit(request, pass_on)

    def _keep(self, digest: str, answer: Answer) -> None:
        self._known[digest] = answer
        row = [digest, answer.pieces, answer.finish_reason, answer.confidence, answer.written]
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(row)}")

    @property
    def info(self) -> ModelInfo:
        return self._engine.info

    def describe(self) -> ModelInfo:
        return self._engine.describe()

    @property
    def ready(self) -> "Future[None]":
        return self._engine.ready

    @property
    def reading_tokens_per_s(self) -> float | None:
        return _TOKENS_PER_S

    def count_tokens(self, text: str) -> int:
        return self._engine.count_tokens(text)

    def fim_prompt(self, context: str, prefix: str, suffix: str, repository: Repository | None = None) -> Prompt:
        return self._engine.fim_prompt(context, prefix, suffix, repository)

    def begun_word(self, prefix: str) -> str:
        return self._engine.begun_word(prefix)

    def chat_prompt(self, messages: Sequence[Message], files: Sequence[ContextFile] = ()) -> Prompt:
        return self._engine.chat_prompt(messages, files)

    def draft(self, source: DraftSource, text: str) -> Draft:
        return self._engine.draft(source, text)

    def stats(self) -> EngineStats:
        return self._engine.stats()

    def close(self) -> None:
        self._engine.close()


def _digest(request: Request) -> str:
    return hashlib.sha256(f"{digest_request(request)}".encode()).hexdigest()[:16]


def _as_asked(answer: Answer, request: Request) -> Answer | None:
    """Return the answer as the request's checks of its end cut it; None when the model has to write more of it."""
    most_characters = _characters_of_hope(answer, request.least_logprob)
    text = ""
    for index, piece in enumerate(answer.pieces):
        begins_at, text = len(text), text + piece
        if (request.is_over is not None and request.is_over(text, begins_at)) or len(text) >= most_characters:
            written = tuple(token for token in answer.written if token[0] <= len(text))
            return replace(answer, pieces=answer.pieces[: index + 1], finish_reason="over", written=written)
    return None if answer.finish_reason == "over" else answer


def _characters_of_hope(answer: Answer, least_logprob: float | None) -> float:
    """Return the length of the text with whose last token its log-probability falls below the least."""
    total = 0.0
    for end, logprob in answer.written:
        total += logprob
        if least_logprob is not None and total < least_logprob:
            return end
    return math.inf


def _tell(answer: Answer, request: Request, on_update: OnUpdate) -> None:
    for piece in answer.pieces:
        on_update(Update(piece))
    tokens: dict[str, Any] = {"decode_tokens": len(answer.written), "written": answer.written}
    length = request.prompt.num_tokens
    trace = Trace(length, length, 0, ttft_ms=None, total_ms=0.0, confidence=answer.confidence, **tokens)
    on_update(Update("", answer.finish_reason, trace))
