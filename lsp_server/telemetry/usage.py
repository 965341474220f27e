"""Usage counts for `midspan stats`, before they are written to the file: ghost text shown and accepted, latencies."""

import asyncio
import logging
import math
import sqlite3
import time
from collections import Counter
from pathlib import Path

from lsp_server.telemetry.display_outcome import DisplayOutcome, NextEditKind
from lsp_server.telemetry.record import Record
from lsp_server.telemetry.usage_file import Counts, Group, add_counts

_log = logging.getLogger(__name__)

_WRITE_AFTER_S = 2.0
_MAX_NAME_CHARACTERS = 40
_OTHER = "other"
# A user cannot read ghost text that is shown for a shorter time.
_SEEN_AFTER_S = 0.75
LATENCY_PREFIX = "latency-"
NEXT_EDIT_PREFIX = "next-edit-"
# The counts of drafted tokens by source, and of those that were right.
DRAFTED_PREFIX, RIGHT_PREFIX = "drafted-", "right-"
_BUCKETS_PER_DOUBLING = 4
_MAX_LATENCY_MS = 600_000.0


class Usage:
    """Collects counts on the event loop, and writes them to the file a little later on another thread."""

    def __init__(self, path: Path, most_groups: int = 200) -> None:
        """A client can name any language, so groups of a day beyond `most_groups` are counted as one."""
        self._most_groups = most_groups
        self._path = path
        self._pending: Counts = {}
        self._groups: set[Group] = set()  # of today
        self._timer: asyncio.TimerHandle | None = None
        self._is_failure_logged = False

    def count_completion(self, record: Record, editor: str) -> None:
        """Count a completion that has ended, unless the engine had no part in it."""
        if record.trace is None:
            return
        trace = record.trace
        counts = Counter(
            prompt_tokens=trace.prompt_tokens,
            cached_tokens=trace.cached_tokens,
            decode_tokens=trace.decode_tokens,
            text_tokens=record.text_tokens,
            shown_tokens=record.shown_tokens,
        )
        for use in trace.drafts:
            counts[f"{DRAFTED_PREFIX}{use.source}"] = use.drafted_tokens
            counts[f"{RIGHT_PREFIX}{use.source}"] = use.accepted_tokens
        if record.shown_characters:
            counts[f"{LATENCY_PREFIX}{latency_bucket(record.elapsed_ms)}"] = 1
        self._count(record.language, editor, counts)

    def count_outcome(self, outcome: DisplayOutcome, editor: str) -> None:
        """Count the outcome of a ghost text."""
        counts: Counter[str] = Counter({outcome.kind: 1})
        if outcome.kind in ("accepted", "part"):
            counts["characters"] = outcome.characters
        if outcome.kind != "dismissed" or outcome.shown_for_s >= _SEEN_AFTER_S:
            counts["seen"] = 1
        self._count(outcome.language, editor, counts)

    def count_next_edit(self, kind: NextEditKind, language: str, editor: str) -> None:
        """Count what became of a next edit."""
        self._count(language, editor, Counter({f"{NEXT_EDIT_PREFIX}{kind}": 1}))

    def close(self) -> None:
        """Write the counts that are not written yet."""
        if self._timer is not None:
            self._timer.cancel()
        self._write(self._take_pending())

    def _count(self, language: str, editor: str, counts: Counter[str]) -> None:
        group = self._group(time.strftime("%Y-%m-%d"), language[:_MAX_NAME_CHARACTERS], editor[:_MAX_NAME_CHARACTERS])
        self._pending.setdefault(group, Counter()).update(counts)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_WRITE_AFTER_S, self._start_writing)

    def _group(self, day: str, language: str, editor: str) -> Group:
        group = Group(day, language, editor)
        if group in self._groups:
            return group
        self._groups = {known for known in self._groups if known.day == day}
        if len(self._groups) >= self._most_groups:
            return Group(day, _OTHER, _OTHER)
        self._groups.add(group)
        return group

    def _start_writing(self) -> None:
        self._timer = None
        asyncio.get_running_loop().run_in_executor(None, self._write, self._take_pending())

    def _take_pending(self) -> Counts:
        taken, self._pending = self._pending, {}
        return taken

    def _write(self, counts: Counts) -> None:
        """Write the counts. The first failure is logged; the counts are lost."""
        try:
            if counts:
                add_counts(self._path, counts)
        except (OSError, sqlite3.Error) as error:
            if not self._is_failure_logged:
                self._is_failure_logged = True
                _log.warning(
                    "%s cannot be written (%s), so `midspan stats` misses the present counts.", self._path, error
                )


def latency_bucket(ms: float) -> int:
    """Return the number of the bucket of a latency; `bucket_ms` of it is within 9% of `ms`."""
    return round(_BUCKETS_PER_DOUBLING * math.log2(min(max(ms, 0.1), _MAX_LATENCY_MS)))


def bucket_ms(bucket: int) -> float:
    """Return the middle of a bucket, in ms."""
    return float(2 ** (bucket / _BUCKETS_PER_DOUBLING))
