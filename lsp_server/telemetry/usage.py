"""Counts of what was shown and accepted, for `midspan stats`, on their way to the file."""

import asyncio
import logging
import math
import sqlite3
import time
from collections import Counter
from pathlib import Path

from lsp_server.telemetry.display_outcome import DisplayOutcome
from lsp_server.telemetry.record import Record
from lsp_server.telemetry.usage_file import Counts, Group, add_counts

_log = logging.getLogger(__name__)

_WRITE_AFTER_S = 2.0
# A client may name anything as its language; past so many on a day they are one.
_MOST_GROUPS_A_DAY = 200
_NAME_CHARACTERS = 40
_OTHER = "other"
# What was on the screen for a shorter time was not read.
_SEEN_AFTER_S = 0.75
LATENCY = "latency-"
_STEPS_PER_DOUBLING = 4
_MOST_MS = 600_000.0


class Usage:
    """Lives on the event loop; the file is written on another thread, a little later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: Counts = {}
        self._groups: set[Group] = set()  # of today
        self._timer: asyncio.TimerHandle | None = None
        self._is_reported = False

    def count_completion(self, record: Record, editor: str) -> None:
        """A completion that the engine was asked for has ended."""
        if record.trace is None:
            return
        counts = Counter(prompt_tokens=record.trace.prompt_tokens, cached_tokens=record.trace.cached_tokens)
        if record.shown_characters:
            counts[f"{LATENCY}{bucket_of(record.elapsed_ms)}"] = 1
        self._count(record.language, editor, counts)

    def count_outcome(self, outcome: DisplayOutcome, editor: str) -> None:
        """It is known what became of a ghost text."""
        counts: Counter[str] = Counter({outcome.kind: 1})
        if outcome.kind in ("accepted", "part"):
            counts["characters"] = outcome.characters
        if outcome.kind != "dismissed" or outcome.shown_for_s >= _SEEN_AFTER_S:
            counts["seen"] = 1
        self._count(outcome.language, editor, counts)

    def close(self) -> None:
        """Writes what is not written yet."""
        if self._timer is not None:
            self._timer.cancel()
        self._write(self._taken())

    def _count(self, language: str, editor: str, counts: Counter[str]) -> None:
        group = self._group(time.strftime("%Y-%m-%d"), language[:_NAME_CHARACTERS], editor[:_NAME_CHARACTERS])
        self._pending.setdefault(group, Counter()).update(counts)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_WRITE_AFTER_S, self._begin_to_write)

    def _group(self, day: str, language: str, editor: str) -> Group:
        group = Group(day, language, editor)
        if group in self._groups:
            return group
        self._groups = {known for known in self._groups if known.day == day}
        if len(self._groups) >= _MOST_GROUPS_A_DAY:
            return Group(day, _OTHER, _OTHER)
        self._groups.add(group)
        return group

    def _begin_to_write(self) -> None:
        self._timer = None
        asyncio.get_running_loop().run_in_executor(None, self._write, self._taken())

    def _taken(self) -> Counts:
        taken, self._pending = self._pending, {}
        return taken

    def _write(self, counts: Counts) -> None:
        """Of counts that cannot be written, the first are told of; nobody waits for them."""
        try:
            if counts:
                add_counts(self._path, counts)
        except (OSError, sqlite3.Error) as error:
            if not self._is_reported:
                self._is_reported = True
                _log.warning("%s cannot be written (%s), so `midspan stats` lacks what happens now.", self._path, error)


def bucket_of(ms: float) -> int:
    """The number of its bucket; `ms_of` says what that stands for, within 9%."""
    return round(_STEPS_PER_DOUBLING * math.log2(min(max(ms, 0.1), _MOST_MS)))


def ms_of(bucket: int) -> float:
    """The middle of a bucket."""
    return float(2 ** (bucket / _STEPS_PER_DOUBLING))
