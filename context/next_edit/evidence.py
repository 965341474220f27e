"""The confidence of a place that looks as a changed one did, by the signs that speak for it.

The weights are those of a logistic regression in which each case weighs about the same, and so does each place of
several cases, as `evaluation.next_edit.fit_evidence` learns them: on the tuning packages of `midspan eval next-edit`
and on cases of 35 pairs of other releases. The signs are few, and only one is of one kind of change alone: with more of
them, the weights were no better on packages of which they had learned nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from context.documents.snapshot import Snapshot
from context.next_edit.chunks import has_comma
from context.next_edit.patterns import Pattern, is_chain
from context.next_edit.sites import Site

Kind = Literal["lines", "new lines", "beside", "deletion", "insertion", "hole", "member", "name", "chain", "tokens"]

_NEAR_LINES = 30  # below the cursor
_ALL_SITES = -0.09
_WEIGHTS: dict[str, float] = {
    "0 of context": -1.15,
    "0 of lines": 0.48,
    "0 of sites": 0.37,
    "1 examples": -0.97,
    "1 of context": -0.12,
    "1 of lines": -0.06,
    "1 of sites": 0.17,
    "2 examples": 0.14,
    "2 of context": 0.22,
    "2 of lines": -0.51,
    "2 of sites": -0.17,
    "3 examples": 0.75,
    "3 of context": 0.95,
    "3 of sites": -0.45,
    "above": -1.07,
    "above the cursor": -0.71,
    "another call": -0.90,
    "another file": 0.39,
    "below": 0.59,
    "beside": 0.21,
    "chain": -0.46,
    "deletion": 0.17,
    "hole": 1.48,
    "insertion": -0.47,
    "lines": -0.10,
    "means nothing": 1.01,
    "member": -0.42,
    "name": 0.32,
    "near below the cursor": 0.86,
    "not in the last file": -1.37,
    "passed": -2.47,
    "the same call": 0.43,
    "tokens": -0.80,
}


@dataclass(frozen=True)
class Evidence:
    """A site, how many edits changed so, and how many sites look so.

    `is_in_last_file`: it is in the file of the last edit. `means_nothing`: a name that would go is bound nowhere in the
    site's file. `is_passed`: the user changed something above it so, and then something else below it.
    `below_cursor`: the lines from the cursor down to it in the document with the cursor, less than 0 for one before it.
    """

    site: Site
    examples: int
    sites: int
    is_in_last_file: bool
    means_nothing: bool
    is_passed: bool
    below_cursor: int | None


def lines_below_cursor(site: Site, snapshot: Snapshot) -> int | None:
    """Return the lines from the cursor down to the site, less than 0 for one before it; None in another document."""
    if site.document.path != snapshot.document.path:
        return None
    lines = site.line - snapshot.document.position_at(snapshot.cursor)[0]
    return min(-1, lines) if site.end <= snapshot.cursor else max(0, lines)


def confidence_of(evidence: Evidence) -> float:
    """Return the share of such sites that change as the example did."""
    return 1 / (1 + math.exp(-_ALL_SITES - sum(_WEIGHTS.get(sign, 0.0) for sign in signs_of(evidence))))


def kind_of(pattern: Pattern) -> Kind:
    """Return what the change did."""
    chunk = pattern.chunk
    if chunk.kept:
        return "new lines" if pattern.beside else "insertion"
    if chunk.is_lines:
        return "lines"
    if any(pattern.told_by):
        return "beside"
    if not chunk.new:
        return "deletion"
    if 0 in chunk.old:
        return "hole"
    if len(chunk.old) == len(chunk.new) == 1 and all(str(part).isidentifier() for part in chunk.old + chunk.new):
        return "member" if pattern.before[:1] == (".",) else "name"
    return "chain" if is_chain(chunk.old) and is_chain(chunk.new) else "tokens"


def signs_of(evidence: Evidence) -> Iterator[str]:
    """Yield the names of the signs of a site."""
    site, edit = evidence.site, evidence.site.pattern.edit
    yield kind_of(site.pattern)
    yield f"{min(evidence.examples, 3)} examples"
    yield f"{_class_of(evidence.sites, (2, 4, 10))} of sites"
    yield f"{_class_of(max(len(edit.old_lines), len(edit.new_lines)), (2, 17))} of lines"
    yield f"{_class_of(min(site.left, 3) + min(site.right, 3), (2, 4, 6))} of context"
    if site.is_same_callee:
        yield "the same call"
    elif kind_of(site.pattern) == "insertion" and site.pattern.callee and has_comma(site.pattern.chunk.came):
        yield "another call"
    if evidence.means_nothing:
        yield "means nothing"
    yield from _signs_of_place(evidence)


def _signs_of_place(evidence: Evidence) -> Iterator[str]:
    site = evidence.site
    is_in_file = site.pattern.edit.path == site.document.path
    lines = site.line - site.pattern.edit.first_line - site.pattern.chunk.line
    if not evidence.is_in_last_file:
        yield "not in the last file"
    if evidence.is_passed:
        yield "passed"
    yield "another file" if not is_in_file else "below" if lines > 0 else "above"
    # A place between the example and the cursor may be left over from a row of acceptances.
    below = evidence.below_cursor
    if below is not None and below < 0 and not (is_in_file and lines > 0):
        yield "above the cursor"
    if below is not None and 0 <= below < _NEAR_LINES:
        yield "near below the cursor"


def _class_of(count: int, bounds: tuple[int, ...]) -> int:
    return sum(count >= bound for bound in bounds)
