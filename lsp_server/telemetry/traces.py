"""The traces of the last requests of all sessions: the parts of the prompt, the costs, the outcome."""

import asyncio
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from lsp_server.telemetry.record import Record

_MAX_TRACES = 300
_DEFAULT_LIMIT = 20


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
    """The trace of one request: names, counts and times, and no text of the user.

    `ms`: the time of each stage that the request reached, and "total". `tokens`: the engine's counts.
    `drafts`: of each source of drafts, the tokens that were right, and all that were drafted.
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
    ended: str | None  # the finish reason
    confidence: float | None
    counts: str | None  # the source of the counts of tokens: "exact", or an estimate
    tokens: dict[str, int]
    drafts: dict[str, tuple[int, int]]
    ms: dict[str, float]
    packed: tuple[PackedPart, ...]
    packed_tokens: int
    masked: dict[str, int]


class Traces:
    """The last traces, by increasing ids. They live on the event loop."""

    def __init__(self) -> None:
        self._traces: deque[RequestTrace] = deque(maxlen=_MAX_TRACES)
        self._last_id = 0
        self._news = asyncio.Event()

    def add(self, record: Record, editor: str) -> RequestTrace:
        """Add the trace of a request that has ended."""
        self._last_id += 1
        trace = _make_trace(self._last_id, record, editor)
        self._traces.append(trace)
        self._news.set()
        self._news = asyncio.Event()
        return trace

    def newest(self, limit: int | None = None, after: int = 0) -> list[RequestTrace]:
        """Return the last `limit` traces with an id above `after`, newest last."""
        found = [trace for trace in self._traces if trace.id > after]
        return found[max(0, len(found) - (_DEFAULT_LIMIT if limit is None else limit)) :]

    async def wait_for_news(self, after: int, timeout_s: float) -> None:
        """Wait until there is a trace with an id above `after`, or the time is over."""
        if self._last_id > after:
            return
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except TimeoutError:
            return


def to_json(traces: list[RequestTrace]) -> dict[str, Any]:
    """Return the JSON of the traces, for `midspan/trace`, the command line and the dashboard."""
    return {"traces": [asdict(trace) for trace in traces]}


def _make_trace(number: int, record: Record, editor: str) -> RequestTrace:
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
        drafts={use.source: (use.accepted_tokens, use.drafted_tokens) for use in engine.drafts} if engine else {},
        ms=_milliseconds(record),
        packed=tuple(PackedPart(p.kind, p.path, p.why, p.tokens, p.first_line, p.score, p.moved) for p in packed),
        packed_tokens=record.packed.tokens if record.packed is not None else 0,
        masked=dict(record.masked),
    )


def _tokens(record: Record) -> dict[str, int]:
    """Return the engine's counts by name: prompt, cached, prefilled, decode, and any other that it has.

    A completion has "text", the decoded tokens that have a text, and "shown", those of them that the user was shown.
    """
    counts = asdict(record.trace) if record.trace is not None else {}
    tokens = {name.removesuffix("_tokens"): count for name, count in counts.items() if name.endswith("_tokens")}
    if tokens and record.kind == "completion":
        tokens |= {"text": record.text_tokens, "shown": record.shown_tokens}
    return tokens


def _milliseconds(record: Record) -> dict[str, float]:
    stages_ms = dict(record.stages_ms)
    if record.trace is not None:
        waits_ms = {"queue": record.trace.queue_ms, "first_token": record.trace.ttft_ms}
        stages_ms |= {stage: ms for stage, ms in waits_ms.items() if ms is not None}
    return {stage: round(ms, 3) for stage, ms in {**stages_ms, "total": record.elapsed_ms}.items()}
