"""The confidence of a place that looks as a changed one did, by the signs that speak for it.

The weights are those of a logistic regression on the tuning packages of `midspan eval next-edit`, in which each case
weighs about the same: `python -m evaluation.next_edit.fit_evidence` learns them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from context.index.terms import identifiers
from context.next_edit.chunks import Part
from context.next_edit.patterns import Pattern
from context.next_edit.sites import Site

Kind = Literal["lines", "deletion", "insertion", "hole", "member", "name", "chain", "tokens"]

_MUCH_MORE = 20  # tokens that came
_ALL_SITES = -0.23
_WEIGHTS: dict[str, float] = {
    "0 names": 0.26,
    "0 of context, chain": -0.37,
    "0 of context, deletion": -0.43,
    "0 of context, hole": -0.46,
    "0 of context, insertion": -0.76,
    "0 of context, name": -0.23,
    "0 of context, tokens": -1.13,
    "0 of distance": -0.83,
    "0 of edits": 0.92,
    "0 of length, chain": -0.20,
    "0 of length, deletion": -0.58,
    "0 of length, insertion": -0.54,
    "0 of length, lines": -0.67,
    "0 of length, member": 0.63,
    "0 of length, name": -0.51,
    "0 of length, tokens": -0.65,
    "0 of sites": 0.07,
    "1 examples": -0.80,
    "1 names": 0.30,
    "1 of context, chain": -0.10,
    "1 of context, deletion": 0.82,
    "1 of context, hole": 0.49,
    "1 of context, insertion": -0.79,
    "1 of context, lines": -0.89,
    "1 of context, member": 0.27,
    "1 of context, name": -0.42,
    "1 of context, tokens": -0.52,
    "1 of distance": -0.21,
    "1 of edits": -0.42,
    "1 of length, deletion": 0.63,
    "1 of length, hole": 0.94,
    "1 of length, insertion": -0.55,
    "1 of length, lines": 0.41,
    "1 of length, tokens": -0.31,
    "1 of sites": 0.64,
    "2 names": -0.46,
    "2 of context, chain": 0.79,
    "2 of context, deletion": -0.22,
    "2 of context, hole": 0.74,
    "2 of context, insertion": 0.13,
    "2 of context, lines": 0.21,
    "2 of context, member": 0.34,
    "2 of context, tokens": -0.45,
    "2 of distance": -0.46,
    "2 of edits": -0.73,
    "2 of length, lines": 0.96,
    "2 of length, tokens": 0.07,
    "2 of sites": -0.29,
    "3 examples": 0.54,
    "3 names": -0.32,
    "3 of context, chain": -0.55,
    "3 of context, deletion": 0.14,
    "3 of context, hole": 0.16,
    "3 of context, insertion": 0.33,
    "3 of context, lines": 0.90,
    "3 of context, tokens": 1.63,
    "3 of distance": 0.40,
    "3 of length, lines": -0.49,
    "3 of length, tokens": 0.41,
    "3 of sites": -0.65,
    "above": -1.84,
    "an equal line": 0.56,
    "another file": 0.86,
    "below": 0.75,
    "chain": -0.23,
    "deletion": 0.32,
    "hole": 0.94,
    "insertion": -1.09,
    "lines": 0.20,
    "member": 0.63,
    "much more": -1.09,
    "name": -0.51,
    "the same call": 1.43,
    "the same function, chain": -0.80,
    "the same function, deletion": -0.96,
    "the same function, hole": -0.20,
    "the same function, insertion": 0.21,
    "the same function, lines": -0.55,
    "the same function, name": 0.18,
    "tokens": -0.48,
}


@dataclass(frozen=True)
class Evidence:
    """A site, the number of its edit (0 is the last one), how many edits changed so, and how many sites look so.

    `is_in_function`: it is in the function of the example.
    """

    site: Site
    edit_number: int
    examples: int
    sites: int
    is_in_function: bool


def confidence_of(evidence: Evidence) -> float:
    """Return the share of such sites that change as the example did."""
    return 1 / (1 + math.exp(-_ALL_SITES - sum(_WEIGHTS.get(sign, 0.0) for sign in signs_of(evidence))))


def kind_of(pattern: Pattern) -> Kind:
    """Return what the change did."""
    chunk = pattern.chunk
    if chunk.kept:
        return "insertion"
    if chunk.is_lines:
        return "lines"
    if not chunk.new:
        return "deletion"
    if 0 in chunk.old:
        return "hole"
    if len(chunk.old) == len(chunk.new) == 1 and all(str(part).isidentifier() for part in chunk.old + chunk.new):
        return "member" if pattern.before[:1] == (".",) else "name"
    return "chain" if _is_chain(chunk.old) and _is_chain(chunk.new) else "tokens"


def _is_chain(parts: Sequence[Part]) -> bool:
    """Return whether the parts are a name or names with dots between."""
    return all(part == "." if index % 2 else str(part).isidentifier() for index, part in enumerate(parts))


def signs_of(evidence: Evidence) -> Iterator[str]:
    """Yield the names of the signs of a site."""
    site, pattern = evidence.site, evidence.site.pattern
    kind = kind_of(pattern)
    yield kind
    yield f"{min(evidence.examples, 3)} examples"
    yield f"{_class_of(evidence.sites, (2, 4, 10))} of sites"
    yield f"{_class_of(evidence.edit_number, (1, 3))} of edits"
    yield f"{_class_of(min(site.left, 3) + min(site.right, 3), (2, 4, 6))} of context, {kind}"
    if not pattern.chunk.is_lines and site.document.lines[site.line].strip() == pattern.line:
        yield "an equal line"
    yield f"{_class_of(len(pattern.chunk.old), (4, 10, 25))} of length, {kind}"
    if len(pattern.chunk.new) >= len(pattern.chunk.old) + _MUCH_MORE:
        yield "much more"
    code = " ".join(str(part) for part in pattern.chunk.old if str(part)[0] not in "\"'`")
    yield f"{min(3, len(identifiers(code)))} names"
    if site.is_same_callee:
        yield "the same call"
    if evidence.is_in_function:
        yield f"the same function, {kind}"
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
