"""The report of the usage counts: acceptance, latency, reuse of the prefix cache."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from lsp_server.telemetry.usage import DRAFTED_PREFIX, LATENCY_PREFIX, NEXT_EDIT_PREFIX, RIGHT_PREFIX, bucket_ms
from lsp_server.telemetry.usage_file import Counts, Group, read_counts, usage_file

_DAY_S = 24 * 60 * 60
_PERCENTILES = (50, 90, 95, 99)


def first_day(days: int) -> str:
    """Return the date of the first of the last `days` days."""
    return time.strftime("%Y-%m-%d", time.localtime(time.time() - (days - 1) * _DAY_S))


def summarize_days(days: int) -> dict[str, Any]:
    """Return the summary of the last `days` days; an unreadable file counts as empty."""
    try:
        counts = read_counts(usage_file(), first_day(days))
    except sqlite3.Error:
        counts = {}
    return summarize(sum(counts.values(), Counter()))


def make_report(counts: Counts) -> dict[str, Any]:
    """Return the summaries of all counts, and by language, editor and day."""
    return {
        "total": summarize(sum(counts.values(), Counter())),
        "by_language": _by(counts, lambda group: group.language),
        "by_editor": _by(counts, lambda group: group.editor),
        "by_day": dict(sorted(_by(counts, lambda group: group.day).items())),
    }


def summarize(counts: Counter[str]) -> dict[str, Any]:
    """Return the figures of one group.

    `suggestions`: ghost texts that were shown long enough to be read. `acceptance`: the share of them that was
    accepted, at least in part. `latency_ms`: of the engine's answers that were shown. `reuse`: the share of the
    prompts' tokens that was in the prefix cache. `shown_share`: the share of the tokens that the model wrote for
    completions that was in ghost text. `drafts`: of each source, the tokens that were drafted, and the share
    of them that was right. `drafted_share`: the share of the written tokens that came from drafts. `next_edits`: those
    that were shown, accepted and dismissed, which are no suggestions.
    """
    seen, latencies = (
        counts["seen"],
        {int(k.removeprefix(LATENCY_PREFIX)): n for k, n in counts.items() if LATENCY_PREFIX in k},
    )
    return {
        "suggestions": seen,
        "accepted": counts["accepted"],
        "part": counts["part"],
        "typed": counts["typed"],
        "acceptance": _share(counts["accepted"] + counts["part"], seen),
        "characters": counts["characters"],
        "answers": sum(latencies.values()),
        "latency_ms": {f"p{percent}": _percentile(latencies, percent) for percent in _PERCENTILES},
        "reuse": _share(counts["cached_tokens"], counts["prompt_tokens"]),
        "shown_share": _share(counts["shown_tokens"], counts["text_tokens"]),
        **_drafts(counts),
        "next_edits": _next_edits(counts),
    }


def _drafts(counts: Counter[str]) -> dict[str, Any]:
    drafted = {k.removeprefix(DRAFTED_PREFIX): n for k, n in counts.items() if k.startswith(DRAFTED_PREFIX)}
    right = {source: counts[f"{RIGHT_PREFIX}{source}"] for source in drafted}
    return {
        "drafts": {
            source: {"tokens": drafted[source], "right": _share(right[source], drafted[source])}
            for source in sorted(drafted)
        },
        "drafted_share": _share(sum(right.values()), counts["decode_tokens"]),
    }


def _next_edits(counts: Counter[str]) -> dict[str, Any]:
    shown, accepted, dismissed = (counts[f"{NEXT_EDIT_PREFIX}{kind}"] for kind in ("shown", "accepted", "dismissed"))
    return {"shown": shown, "accepted": accepted, "dismissed": dismissed, "acceptance": _share(accepted, shown)}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _by(counts: Counts, key: Callable[[Group], str]) -> dict[str, Any]:
    """Return a summary for each value of `key`, the most suggestions first."""
    sums = sorted(_sum(counts, key).items(), key=lambda item: -item[1]["seen"])
    return {name: summarize(counter) for name, counter in sums}


def _sum(counts: Counts, key: Callable[[Group], str]) -> dict[str, Counter[str]]:
    sums: dict[str, Counter[str]] = {}
    for group, counter in counts.items():
        sums.setdefault(key(group), Counter()).update(counter)
    return sums


def _percentile(buckets: dict[int, int], percent: int) -> float | None:
    """Return the least latency that `percent` percent of all do not exceed, in ms."""
    wanted = sum(buckets.values()) * percent / 100
    reached = 0
    for bucket, count in sorted(buckets.items()):
        reached += count
        if reached >= wanted:
            return round(bucket_ms(bucket), 1)
    return None
