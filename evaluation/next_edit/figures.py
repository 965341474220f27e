"""The figures of the answers, in groups: all cases, those of each cause, the quiet ones, and those of each language."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median

from evaluation.next_edit.causes import Cause
from evaluation.next_edit.run_cases import COUNTS, Answer

ALL, CAUSED, QUIET = "all", "with a cause", "quiet"
# The percentages of a group's row; a group without a case for one of them has none.
_SHARES = (
    "found_in_3",
    "next_found_in_3",
    "shown_rate",
    "right_of_shown",
    "right_of_first_3",
    "place_right",
    "exact_match",
    "edit_similarity",
    "quiet_rate",
)
Figures = dict[str, float | None]


def figures_of(answers: Sequence[Answer]) -> dict[str, Figures]:
    """Return the figures of each group that has a case."""
    groups: dict[str, Callable[[Answer], bool]] = {
        ALL: lambda answer: True,
        CAUSED: lambda answer: answer.case.cause is not Cause.NONE,
        **{cause.value: _has_cause(cause) for cause in Cause},
        QUIET: lambda answer: answer.case.is_quiet,
        **{language: _is_in_language(language) for language in COUNTS},
    }
    chosen = {name: [answer for answer in answers if belongs(answer)] for name, belongs in groups.items()}
    return {name: _figures(group) for name, group in chosen.items() if group}


def to_table(figures: dict[str, Figures]) -> str:
    """Return a Markdown table with a row for each group."""
    names = ["n", *_SHARES, "p50_ms", "p95_ms"]
    lines = [f"| cases | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for group, row in figures.items():
        lines.append(f"| {group} | {' | '.join(_cell(name, row[name]) for name in names)} |")
    return "\n".join(lines)


def _figures(answers: Sequence[Answer]) -> Figures:
    following = [answer for answer in answers if not answer.case.is_quiet]
    caused = [answer for answer in following if answer.case.cause is not Cause.NONE] or following
    shown = [answer for answer in answers if answer.right]
    durations = sorted(answer.duration_ms for answer in answers)
    shares = {
        "found_in_3": _share(answer.found for answer in caused),
        "next_found_in_3": _share(answer.found_next for answer in caused),
        "shown_rate": _share(bool(answer.right) for answer in following),
        "right_of_shown": _share(answer.right[0] for answer in shown),
        "right_of_first_3": _share(right for answer in shown for right in answer.right),
        "place_right": _share(answer.placed[0] for answer in shown),
        "exact_match": _share(answer.exact for answer in following),
        "edit_similarity": _share(answer.similarity for answer in following),
        "quiet_rate": _share(not answer.right for answer in answers if answer.case.is_quiet),
    }
    return {
        "n": len(answers),
        **shares,
        "p50_ms": round(median(durations), 2),
        "p95_ms": round(durations[int(0.95 * len(durations))], 2),
    }


def _share(values: Iterable[float]) -> float | None:
    listed = list(values)
    return round(fmean(listed), 4) if listed else None


def _has_cause(cause: Cause) -> Callable[[Answer], bool]:
    return lambda answer: answer.case.cause is cause and not answer.case.is_quiet


def _is_in_language(language: str) -> Callable[[Answer], bool]:
    return lambda answer: answer.language == language


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if name in _SHARES else f"{value:g}"
