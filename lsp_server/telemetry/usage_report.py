"""What the counts say: acceptance, latency, reuse."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from lsp_server.telemetry.usage import LATENCY, ms_of
from lsp_server.telemetry.usage_file import Counts, Group, read_counts, usage_file

_DAY_S = 24 * 60 * 60
_PERCENTILES = (50, 90, 95, 99)


def first_day(days: int) -> str:
    """The first of the last so many days."""
    return time.strftime("%Y-%m-%d", time.localtime(time.time() - (days - 1) * _DAY_S))


def usage_of_days(days: int) -> dict[str, Any]:
    """The summary of the last days, as far as the file can be read."""
    try:
        counts = read_counts(usage_file(), first_day(days))
    except sqlite3.Error:
        counts = {}
    return summary(sum(counts.values(), Counter()))


def report(counts: Counts) -> dict[str, Any]:
    """In all, and by language, editor and day."""
    return {
        "total": summary(sum(counts.values(), Counter())),
        "by_language": _by(counts, lambda group: group.language),
        "by_editor": _by(counts, lambda group: group.editor),
        "by_day": dict(sorted(_by(counts, lambda group: group.day).items())),
    }


def summary(counts: Counter[str]) -> dict[str, Any]:
    """`suggestions`: ghost texts that were seen. `acceptance`: how many of them were accepted, at least in part.

    `latency_ms`: of the answers of the engine that were shown. `reuse`: what of the prompts was in the cache.
    """
    seen, latencies = counts["seen"], {int(k.removeprefix(LATENCY)): n for k, n in counts.items() if LATENCY in k}
    return {
        "suggestions": seen,
        "accepted": counts["accepted"],
        "part": counts["part"],
        "typed": counts["typed"],
        "acceptance": round((counts["accepted"] + counts["part"]) / seen, 4) if seen else None,
        "characters": counts["characters"],
        "answers": sum(latencies.values()),
        "latency_ms": {f"p{percent}": _percentile(latencies, percent) for percent in _PERCENTILES},
        "reuse": round(counts["cached_tokens"] / counts["prompt_tokens"], 4) if counts["prompt_tokens"] else None,
    }


def _by(counts: Counts, key: Callable[[Group], str]) -> dict[str, Any]:
    """The most suggestions first."""
    sums = sorted(_sum(counts, key).items(), key=lambda item: -item[1]["seen"])
    return {name: summary(counter) for name, counter in sums}


def _sum(counts: Counts, key: Callable[[Group], str]) -> dict[str, Counter[str]]:
    sums: dict[str, Counter[str]] = {}
    for group, counter in counts.items():
        sums.setdefault(key(group), Counter()).update(counter)
    return sums


def _percentile(buckets: dict[int, int], percent: int) -> float | None:
    """The least ms that so many percent of all do not exceed."""
    wanted = sum(buckets.values()) * percent / 100
    reached = 0
    for bucket, count in sorted(buckets.items()):
        reached += count
        if reached >= wanted:
            return round(ms_of(bucket), 1)
    return None
