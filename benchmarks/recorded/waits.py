"""The wait at each key of a recording, and its figures."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from benchmarks.recorded.recording import Key, Recording, Typed

# "prediction": known when the key came. "not_asked": the client does not ask at this place. "typed_over": the next key
# came before the answer.
Answerer = Literal["engine", "prediction", "not_asked", "typed_over"]


@dataclass(frozen=True)
class Wait:
    """The wait of one key: until its answer, which may be that there is nothing to show, or until it was typed over."""

    ms: float
    answered_by: Answerer
    prefilled_tokens: int | None = None


class Client(Protocol):
    """An editor with one assistant."""

    async def first(self, recording: Recording, typed: Typed) -> float:
        """Start everything, ask at the first key, and return the milliseconds from the start to the first answer."""

    async def enter(self, recording: Recording) -> None:
        """Open the file of the recording, beside those that are open."""

    def press(self, typed: Typed) -> None:
        """Take a key: show what is known, or ask. A request for an older key ends as the real client ends it."""

    async def leave(self) -> list[Wait]:
        """Leave the file, and return the wait of each key since `enter`. Raises MidspanError."""

    async def close(self) -> None:
        """End what `first` has started."""


def count_typed_over(waits: Sequence[Wait], keys: Sequence[Key], last_ms: float) -> Iterator[Wait]:
    """Yield the waits of all keys of a recording; one without an answer lasts until the next key, or `last_ms`."""
    stood_ms = [*(key.wait_ms for key in keys[1:]), last_ms]
    for wait, ms in zip(waits, stood_ms, strict=True):
        yield replace(wait, ms=ms) if wait.answered_by == "typed_over" else wait


def figures(waits: Sequence[Wait]) -> dict[str, float | None]:
    """Return the figures of a client.

    `least` counts the keys that were typed over too, as if their answers had come then: the engine took longer.
    """
    answered = [wait for wait in waits if wait.answered_by in ("engine", "prediction")]
    by_engine = [wait for wait in answered if wait.answered_by == "engine"]
    asked = [wait for wait in waits if wait.answered_by in ("engine", "typed_over")]
    prefilled = [wait.prefilled_tokens for wait in by_engine if wait.prefilled_tokens is not None]
    return {
        "p50_ms": _percentile((wait.ms for wait in answered), 50),
        "p95_ms": _percentile((wait.ms for wait in answered), 95),
        "p50_engine_ms": _percentile((wait.ms for wait in by_engine), 50),
        "p95_engine_ms": _percentile((wait.ms for wait in by_engine), 95),
        "p50_engine_least_ms": _percentile((wait.ms for wait in asked), 50),
        "p95_engine_least_ms": _percentile((wait.ms for wait in asked), 95),
        "prefilled_median": statistics.median(prefilled) if prefilled else None,
        "answered": len(answered),
        "answered_without_engine": len(answered) - len(by_engine),
        "typed_over": sum(wait.answered_by == "typed_over" for wait in waits),
        "not_asked": sum(wait.answered_by == "not_asked" for wait in waits),
    }


def _percentile(values: Iterable[float], percent: int) -> float | None:
    """Return the least value that `percent` percent do not exceed; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return round(ordered[-(-len(ordered) * percent // 100) - 1], 1)
