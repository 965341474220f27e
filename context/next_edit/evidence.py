"""The confidence of a place that looks as a changed one did, by the signs that speak for it.

The weights are those of a logistic regression in which each case weighs about the same, and so does each place of
several cases, as `evaluation.next_edit.fit_evidence` learns them: on the tuning packages of `midspan eval next-edit`
and on cases of 35 pairs of other releases. The signs are few, and none is of one kind of change alone: with more of
them, the weights were no better on packages of which they had learned nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from context.next_edit.patterns import Pattern, is_chain
from context.next_edit.sites import Site

Kind = Literal["lines", "new lines", "beside", "deletion", "insertion", "hole", "member", "name", "chain", "tokens"]

_FAR_LINES = 60  # from the example
_ALL_SITES = 0.04
_WEIGHTS: dict[str, float] = {
    "0 of context": -1.08,
    "0 of lines": 0.47,
    "0 of sites": 0.42,
    "1 examples": -0.97,
    "1 of context": -0.11,
    "1 of sites": 0.23,
    "2 examples": 0.29,
    "2 of context": 0.25,
    "2 of lines": -0.40,
    "2 of sites": -0.20,
    "3 examples": 0.73,
    "3 of context": 0.98,
    "3 of sites": -0.41,
    "above": -0.96,
    "above the cursor": -0.87,
    "another file": 0.31,
    "below": 0.70,
    "beside": 0.36,
    "chain": -0.40,
    "deletion": 0.13,
    "far": -0.30,
    "hole": 1.36,
    "insertion": -0.55,
    "lines": -0.10,
    "means nothing": 1.07,
    "member": -0.36,
    "name": 0.36,
    "not in the last file": -1.41,
    "passed": -2.66,
    "the same call": 0.46,
    "tokens": -0.76,
}


@dataclass(frozen=True)
class Evidence:
    """A site, how many edits changed so, and how many sites look so.

    `is_in_last_file`: it is in the file of the last edit. `means_nothing`: a name that would go is bound nowhere in the
    site's file. `is_passed`: the user changed something above it so, and then something else below it.
    `is_above_cursor`: it is in the document with the cursor, and above that.
    """

    site: Site
    examples: int
    sites: int
    is_in_last_file: bool
    means_nothing: bool
    is_passed: bool
    is_above_cursor: bool


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
    if is_in_file:
        yield "far" if abs(lines) >= _FAR_LINES else "near"
    yield "another file" if not is_in_file else "below" if lines > 0 else "above"
    # A place between the example and the cursor may be left over from a row of acceptances.
    if evidence.is_above_cursor and not (is_in_file and lines > 0):
        yield "above the cursor"


def _class_of(count: int, bounds: tuple[int, ...]) -> int:
    return sum(count >= bound for bound in bounds)
