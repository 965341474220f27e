"""The confidence of a place that looks as a changed one did, by the signs that speak for it.

The weights are those of a logistic regression on tuning packages of `midspan eval next-edit`, in which each case weighs
about the same, as `python -m evaluation.next_edit.fit_evidence` learns them: on the 29 oldest packages, then on top
those of the signs of "beside" and "new lines". Learned on all 49 packages at once, they find less even on the newest.
On all 49 some were then set by hand, where the sites below the bar were mostly right: those of the kind "new lines", of
a member or an insertion in full context, and of "several, beside".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from context.index.terms import identifiers
from context.next_edit.patterns import Pattern, is_chain
from context.next_edit.sites import Site

Kind = Literal["lines", "new lines", "beside", "deletion", "insertion", "hole", "member", "name", "chain", "tokens"]

_MUCH_MORE = 20  # tokens that came
_ALL_SITES = -0.18
_WEIGHTS: dict[str, float] = {
    "0 names": 0.22,
    "0 of context, chain": -0.68,
    "0 of context, deletion": -0.54,
    "0 of context, hole": 0.38,
    "0 of context, insertion": -0.80,
    "0 of context, name": -0.79,
    "0 of context, tokens": -0.88,
    "0 of distance": -0.57,
    "0 of edits": 0.36,
    "0 of length, beside": 0.62,
    "0 of length, chain": -0.34,
    "0 of length, deletion": -0.76,
    "0 of length, insertion": -0.18,
    "0 of length, lines": 0.25,
    "0 of length, member": -0.47,
    "0 of length, name": -0.14,
    "0 of length, tokens": -0.63,
    "0 of new length": -0.23,
    "0 of sites": 0.21,
    "0 on both sides, beside": -0.07,
    "1 examples": -1.20,
    "1 names, beside": -0.32,
    "1 of context, chain": -0.15,
    "1 of context, deletion": 0.77,
    "1 of context, lines": -0.98,
    "1 of context, member": -0.37,
    "1 of context, name": 0.12,
    "1 of context, tokens": -0.41,
    "1 of length, beside": -0.52,
    "1 of length, chain": 0.12,
    "1 of length, deletion": 0.45,
    "1 of length, hole": 0.60,
    "1 of length, insertion": -0.23,
    "1 of length, lines": 0.46,
    "1 of length, tokens": -0.26,
    "1 of new length": 0.90,
    "1 of sites": 0.34,
    "1 on both sides, beside": 0.26,
    "2 examples": 0.15,
    "2 names": -0.48,
    "2 names, beside": -0.08,
    "2 of context, chain": 0.46,
    "2 of context, deletion": 0.38,
    "2 of context, hole": 0.22,
    "2 of context, insertion": 0.19,
    "2 of context, lines": 0.28,
    "2 of context, member": -0.32,
    "2 of context, name": 0.25,
    "2 of context, tokens": -0.14,
    "2 of distance": -0.47,
    "2 of edits": -0.53,
    "2 of length, deletion": 1.06,
    "2 of length, lines": 0.15,
    "2 of new length": 0.05,
    "2 of sites": -0.26,
    "2 on both sides, beside": -0.23,
    "3 examples": 0.87,
    "3 names": 0.07,
    "3 names, beside": 0.46,
    "3 of context, beside": 0.14,
    "3 of context, chain": 0.16,
    "3 of context, deletion": 0.14,
    "3 of context, insertion": 0.22,
    "3 of context, lines": 1.39,
    "3 of context, member": 0.70,
    "3 of context, name": 0.29,
    "3 of context, tokens": 0.51,
    "3 of distance": 0.29,
    "3 of length, lines": -0.24,
    "3 of sites": -0.47,
    "3 on both sides, beside": 0.14,
    "4 of new length": -0.92,
    "above": -1.58,
    "above, new lines": -1.20,
    "all of the line": 0.52,
    "an equal line": 1.33,
    "an equal line, 3 of context, insertion": 1.20,
    "another file": 0.53,
    "below": 0.88,
    "beside": 0.10,
    "chain": -0.22,
    "deletion": 0.75,
    "hole": 0.60,
    "insertion": -0.41,
    "lines": 0.62,
    "means nothing": 0.87,
    "member": -0.47,
    "much more": -0.51,
    "name": -0.14,
    "new lines": 1.60,
    "not in the last file": -1.74,
    "several, beside": 0.50,
    "the same call": 1.31,
    "the same function, chain": -1.01,
    "the same function, deletion": -0.63,
    "the same function, hole": -0.23,
    "the same function, insertion": 0.08,
    "the same function, lines": -1.08,
    "the same function, member": -0.05,
    "the same function, tokens": -0.27,
    "tokens": -0.91,
    "unquoted": 0.53,
}


@dataclass(frozen=True)
class Evidence:
    """A site, the number of its edit (0 is the last one), how many edits changed so, and how many sites look so.

    `is_in_function`: it is in the function of the example. `is_in_last_file`: in that of the last edit.
    `means_nothing`: a name that would go is bound nowhere in the site's file.
    """

    site: Site
    edit_number: int
    examples: int
    sites: int
    is_in_function: bool
    is_in_last_file: bool
    means_nothing: bool


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
    site, pattern = evidence.site, evidence.site.pattern
    kind = kind_of(pattern)
    yield kind
    yield f"{min(evidence.examples, 3)} examples"
    yield f"{_class_of(evidence.sites, (2, 4, 10))} of sites"
    yield f"{_class_of(evidence.edit_number, (1, 3))} of edits"
    context = _class_of(min(site.left, 3) + min(site.right, 3), (2, 4, 6))
    yield f"{context} of context, {kind}"
    if not pattern.chunk.is_lines and site.is_equal_line:
        yield "an equal line"
        yield f"an equal line, {context} of context, {kind}"
    yield f"{_class_of(len(pattern.chunk.old), (4, 10, 25))} of length, {kind}"
    yield f"{_class_of(len(pattern.chunk.new), (1, 4, 10, 25))} of new length"
    if len(pattern.chunk.new) >= len(pattern.chunk.old) + _MUCH_MORE:
        yield "much more"
    code = " ".join(str(part) for part in pattern.chunk.old if str(part)[0] not in "\"'`")
    if kind == "beside":
        yield from _signs_of_frame(site, code)
    elif kind != "new lines":
        yield f"{min(3, len(identifiers(code)))} names"
    if site.is_same_callee:
        yield "the same call"
    if evidence.is_in_function:
        yield f"the same function, {kind}"
    if evidence.means_nothing:
        yield "means nothing"
    if not evidence.is_in_last_file:
        yield "not in the last file"
    yield from _signs_of_place(site)


def _signs_of_frame(site: Site, code: str) -> Iterator[str]:
    """Yield the signs of a change that the tokens beside it tell of, not what it replaced."""
    pattern = site.pattern
    around = " ".join((*pattern.before[: site.left], *pattern.behind[: site.right]))
    yield f"{min(3, len(identifiers(f'{code} {around}')))} names, beside"
    yield f"{min(site.left, site.right, 3)} on both sides, beside"
    if len(pattern.chunk.old) > 1:
        yield "several, beside"
    if pattern.is_all_of_line:
        yield "all of the line"
    if str(pattern.chunk.old[0])[1:-1] == "".join(map(str, pattern.chunk.new)):
        yield "unquoted"


def _signs_of_place(site: Site) -> Iterator[str]:
    if site.pattern.edit.path != site.document.path:
        yield "another file"
        return
    lines = site.line - site.pattern.edit.first_line - site.pattern.chunk.line
    yield "below" if lines > 0 else "above"
    if lines <= 0 and site.pattern.beside:
        yield "above, new lines"
    yield f"{_class_of(abs(lines), (15, 60, 300))} of distance"


def _class_of(count: int, bounds: tuple[int, ...]) -> int:
    return sum(count >= bound for bound in bounds)
