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
_ALL_SITES = -0.17
_WEIGHTS: dict[str, float] = {
    "0 names": -0.42,
    "0 of context, chain": -0.51,
    "0 of context, deletion": -0.74,
    "0 of context, hole": -0.45,
    "0 of context, insertion": -1.01,
    "0 of context, lines": 0.11,
    "0 of context, tokens": -1.49,
    "0 of distance": -0.85,
    "0 of edits": 0.67,
    "0 of length, chain": -0.69,
    "0 of length, deletion": -1.52,
    "0 of length, insertion": -0.48,
    "0 of length, lines": -0.71,
    "0 of length, member": -0.13,
    "0 of length, name": -0.19,
    "0 of length, tokens": -0.65,
    "0 of sites": 0.09,
    "1 examples": -1.24,
    "1 names": 0.38,
    "1 of context, chain": -0.30,
    "1 of context, deletion": 0.17,
    "1 of context, hole": 0.22,
    "1 of context, insertion": -0.52,
    "1 of context, lines": -1.05,
    "1 of context, member": -0.31,
    "1 of context, name": -0.67,
    "1 of context, tokens": -0.76,
    "1 of distance": -0.44,
    "1 of length, chain": 0.69,
    "1 of length, deletion": 0.32,
    "1 of length, hole": 0.69,
    "1 of length, insertion": -0.17,
    "1 of length, lines": 0.07,
    "1 of length, tokens": -0.20,
    "1 of sites": 0.37,
    "2 examples": -0.29,
    "2 names": -0.13,
    "2 of context, chain": 1.31,
    "2 of context, deletion": 0.84,
    "2 of context, hole": 0.72,
    "2 of context, insertion": 0.18,
    "2 of context, lines": 0.06,
    "2 of context, member": -0.31,
    "2 of context, tokens": 0.25,
    "2 of distance": -0.32,
    "2 of edits": -0.81,
    "2 of length, deletion": 1.66,
    "2 of length, lines": 0.72,
    "2 of length, tokens": 0.19,
    "2 of sites": 0.07,
    "3 examples": 1.36,
    "3 of context, chain": -0.49,
    "3 of context, deletion": 0.46,
    "3 of context, hole": 0.19,
    "3 of context, insertion": 0.70,
    "3 of context, lines": 1.10,
    "3 of context, member": 0.50,
    "3 of context, name": 0.52,
    "3 of context, tokens": 1.14,
    "3 of distance": 0.63,
    "3 of length, lines": 0.15,
    "3 of length, tokens": -0.19,
    "3 of sites": -0.69,
    "above": -1.95,
    "an equal line": 0.64,
    "another file": 0.81,
    "below": 0.97,
    "deletion": 0.73,
    "hole": 0.69,
    "insertion": -0.65,
    "lines": 0.23,
    "member": -0.13,
    "much more": -1.17,
    "name": -0.19,
    "the same call": 1.16,
    "the same function, chain": -0.09,
    "the same function, deletion": -0.93,
    "the same function, hole": 0.08,
    "the same function, insertion": -0.44,
    "the same function, lines": -1.11,
    "the same function, member": 0.31,
    "the same function, name": 0.08,
    "tokens": -0.86,
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
