"""The last requests of all sessions: what each was given, what it cost, what came of it."""

import asyncio
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from lsp_server.telemetry.record import Record

_KEPT = 300
_SHOWN_BY_DEFAULT = 20


@dataclass(frozen=True, slots=True)
class PackedPart:
    """A segment of the prompt, without its text. `first_line` counts from 0."""

    kind: str
    path: str
    why: str
    tokens: int
    first_line: int
    score: float | None
    moved: bool


@dataclass(frozen=True)
class RequestTrace:
    """What may be told of one request: names, counts and times, and no text of the user's.

    `ms`: what each stage took, as far as the request came, and "total". `tokens`: what the engine counted.
    `position`: line and character from 0, as the editor counts them.
    """

    id: int
    at: float  # seconds since 1970
    kind: str
    editor: str
    path: str
    position: tuple[int, int] | None
    explicit: bool
    language: str
    model: str
    outcome: str  # an `Outcome`
    detail: str
    source: str
    summary: str  # the outcome in words
    shown_characters: int
    ended: str | None  # a completion's finish reason
    confidence: float | None
    counts: str | None  # where the counts of tokens are from
    tokens: dict[str, int]
    ms: dict[str, float]
    packed: tuple[PackedPart, ...]
    packed_tokens: int


class Traces:
    """A ring of the last ones, by increasing ids. Lives on the event loop alone."""

    def __init__(self) -> None:
        self._kept: deque[RequestTrace] = deque(maxlen=_KEPT)
        self._last_id = 0
        self._news = asyncio.Event()

    def add(self, record: Record, editor: str) -> RequestTrace:
        """Takes in a request that has ended."""
        self._last_id += 1
        trace = _trace_of(self._last_id, record, editor)
        self._kept.append(trace)
        self._news.set()
        self._news = asyncio.Event()
        return trace

    def newest(self, limit: int | None = None, after: int = 0) -> list[RequestTrace]:
        """The last `limit` of those with a higher id than `after`, newest last."""
        found = [trace for trace in self._kept if trace.id > after]
        return found[max(0, len(found) - (_SHOWN_BY_DEFAULT if limit is None else limit)) :]

    async def wait_for_news(self, after: int, timeout_s: float) -> None:
        """Until there is one with a higher id than `after`, or the time is over."""
        if self._last_id > after:
            return
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except TimeoutError:
            return


def to_json(traces: list[RequestTrace]) -> dict[str, Any]:
    """What `midspan/trace` answers, and the daemon its command line and its dashboard."""
    return {"traces": [asdict(trace) for trace in traces]}


def _trace_of(number: int, record: Record, editor: str) -> RequestTrace:
    engine = record.trace
    packed = record.packed.segments if record.packed is not None else ()
    return RequestTrace(
        id=number,
        at=record.began_at,
        kind=record.kind,
        editor=editor,
        path=record.path,
        position=record.position,
        explicit=record.explicit,
        language=record.language,
        model=record.model,
        outcome=record.outcome,
        detail=record.detail,
        source=record.source,
        summary=record.summary,
        shown_characters=record.shown_characters,
        ended=record.ended,
        confidence=engine.confidence if engine is not None else None,
        counts=engine.counts if engine is not None else None,
        tokens=_tokens(record),
        ms=_milliseconds(record),
        packed=tuple(PackedPart(p.kind, p.path, p.why, p.tokens, p.first_line, p.score, p.moved) for p in packed),
        packed_tokens=record.packed.tokens if record.packed is not None else 0,
    )


def _tokens(record: Record) -> dict[str, int]:
    """Each count of the engine's by its name: prompt, cached, prefilled, decode, and what it may count besides."""
    counts = asdict(record.trace) if record.trace is not None else {}
    return {name.removesuffix("_tokens"): count for name, count in counts.items() if name.endswith("_tokens")}


def _milliseconds(record: Record) -> dict[str, float]:
    times = dict(record.stages_ms)
    if record.trace is not None:
        waited = {"queue": record.trace.queue_ms, "first_token": record.trace.ttft_ms}
        times |= {stage: ms for stage, ms in waited.items() if ms is not None}
    return {stage: round(ms, 3) for stage, ms in {**times, "total": record.elapsed_ms}.items()}
