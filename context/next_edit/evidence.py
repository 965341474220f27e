"""The confidence of a place that looks as a changed one did, by the signs that speak for it.

The weights are those of a logistic regression on the tuning packages of `midspan eval next-edit`, in which each case
weighs about the same: `python -m evaluation.next_edit.fit_evidence` learns them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from context.index.terms import identifiers
from context.next_edit.sites import Pattern, Site

Kind = Literal["lines", "deletion", "hole", "name", "tokens"]

_ALL_SITES = -0.12
_WEIGHTS: dict[str, float] = {
    "0 of context, deletion": -0.72,
    "0 of context, hole": 0.45,
    "0 of context, tokens": -1.26,
    "0 of distance": -0.30,
    "0 of edits": 1.01,
    "0 of sites": -0.38,
    "1 examples": -1.12,
    "1 names": 0.29,
    "1 of context, deletion": 0.69,
    "1 of context, hole": 0.10,
    "1 of context, lines": -0.36,
    "1 of context, name": -0.62,
    "1 of context, tokens": -0.49,
    "1 of distance": -0.46,
    "1 of edits": -0.60,
    "1 of sites": 0.29,
    "2 examples": 0.06,
    "2 names": -0.24,
    "2 of context, deletion": -0.14,
    "2 of context, hole": 0.39,
    "2 of context, lines": 0.17,
    "2 of context, tokens": 0.29,
    "2 of distance": -0.47,
    "2 of edits": -0.52,
    "2 of sites": 0.32,
    "3 examples": 0.95,
    "3 names": -0.16,
    "3 of context, lines": 0.39,
    "3 of context, tokens": 0.55,
    "3 of distance": 0.97,
    "3 of sites": -0.36,
    "above": -0.82,
    "another file": 0.14,
    "below": 0.55,
    "deletion": -0.18,
    "hole": 0.99,
    "lines": 0.20,
    "name": -0.23,
    "the same call": 0.49,
    "the whole line": 0.29,
    "tokens": -0.91,
}


@dataclass(frozen=True)
class Evidence:
    """A site, the number of its edit (0 is the last one), how many edits changed so, and how many sites look so."""

    site: Site
    edit_number: int
    examples: int
    sites: int


def confidence_of(evidence: Evidence) -> float:
    """Return the share of such sites that change as the example did."""
    return 1 / (1 + math.exp(-_ALL_SITES - sum(_WEIGHTS.get(sign, 0.0) for sign in signs_of(evidence))))


def kind_of(pattern: Pattern) -> Kind:
    """Return what the change did."""
    chunk = pattern.chunk
    if chunk.is_lines:
        return "lines"
    if not chunk.new:
        return "deletion"
    if 0 in chunk.old:
        return "hole"
    names = len(chunk.old) == len(chunk.new) == 1 and all(str(part).isidentifier() for part in chunk.old + chunk.new)
    return "name" if names else "tokens"


def signs_of(evidence: Evidence) -> Iterator[str]:
    """Yield the names of the signs of a site."""
    site, pattern = evidence.site, evidence.site.pattern
    kind = kind_of(pattern)
    yield kind
    yield f"{min(evidence.examples, 3)} examples"
    yield f"{_class_of(evidence.sites, (2, 4, 10))} of sites"
    yield f"{_class_of(evidence.edit_number, (1, 3))} of edits"
    yield f"{_class_of(min(site.left, 3) + min(site.right, 3), (2, 4, 6))} of context, {kind}"
    if "\n" in pattern.before[: site.left] and "\n" in pattern.behind[: site.right]:
        yield "the whole line"
    code = " ".join(str(part) for part in pattern.chunk.old if str(part)[0] not in "\"'`")
    yield f"{min(3, len(identifiers(code)))} names"
    if site.is_same_callee:
        yield "the same call"
    yield from _signs_of_place(site)


def _signs_of_place(site: Site) -> Iterator[str]:
    if site.pattern.edit.path != site.document.path:
        yield "another file"
        return
    lines = site.line - site.pattern.edit.first_line - site.pattern.chunk.line
    yield "below" if lines > 0 else "above"
    yield f"{_class_of(abs(lines), (15, 60, 300))} of distance"


def _class_of(count: int, bounds: tuple[int, ...]) -> int:
    return sum(count >= bound for bound in bounds)
