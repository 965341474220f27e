"""The cause of a hunk: a rename, a signature or a repeated change among the hunks before it, or none of these.

A script labels the cases by these rules. A hunk has a cause when every change of its code follows from what was changed
before; the words of its strings and comments are left aside.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from evaluation.next_edit.hunks import HOLE_KINDS, FileDiff, Hunk, WordChange
from evaluation.next_edit.signatures import is_in_call

_BEFORE_DEFINITION = re.compile(r"def|class|func|function|const|let|var|type|interface|enum|import|as|for")


class Cause(Enum):
    """The reason why a hunk follows from those before it."""

    RENAME = "rename"
    SIGNATURE = "signature"
    REPEATED = "repeated change"
    NONE = "none"


@dataclass(frozen=True)
class MadeHunk:
    """A hunk that has been made, and its file."""

    diff: FileDiff
    index: int

    @property
    def hunk(self) -> Hunk:
        return self.diff.hunks[self.index]

    @cached_property
    def renames(self) -> frozenset[tuple[str, str]]:
        """The old and the new names of what is defined in the hunk."""
        return frozenset(
            (change.removed[0].text, change.added[0].text)
            for change in self.hunk.changes
            if _is_substitution(change) and _defines(change)
        )

    @cached_property
    def grown(self) -> dict[str, int]:
        """The functions whose header is in the hunk, with the number of parameters that each has gained."""
        old = {
            function.called: function.parameters
            for function in self.diff.old_functions
            if function.line < self.hunk.end and function.last_line >= self.hunk.start
        }
        new = {
            function.called: function.parameters
            for function in self.diff.new_functions
            if function.line < self.hunk.new_end and function.last_line >= self.hunk.new_start
        }
        counts = {name: len(new[name]) - len(old[name]) for name in old.keys() & new.keys()}
        return {name: count for name, count in counts.items() if count}

    @cached_property
    def forms(self) -> dict[tuple[str, ...], list[WordChange]]:
        """The changes of the code by their forms."""
        forms: dict[tuple[str, ...], list[WordChange]] = {}
        for change in self.hunk.changes:
            if not change.is_prose:
                forms.setdefault(change.form, []).append(change)
        return forms

    @cached_property
    def mentions(self) -> frozenset[str]:
        """The names by which a hunk in another file can follow from this one."""
        return frozenset(name for name, _ in self.renames) | self.grown.keys()


def cause_of(diff: FileDiff, hunk: Hunk, made: Sequence[MadeHunk]) -> Cause:
    """Return the cause of the hunk in the hunks made before it."""
    causes = {_cause_of_change(diff, change, made) for change in hunk.changes if not change.is_prose}
    if not causes or Cause.NONE in causes:
        return Cause.NONE
    return next(cause for cause in Cause if cause in causes)


def _cause_of_change(diff: FileDiff, change: WordChange, made: Sequence[MadeHunk]) -> Cause:
    if _is_substitution(change):
        pair = change.removed[0].text, change.added[0].text
        if any(pair in earlier.renames for earlier in made):
            return Cause.RENAME
    if any(_follows_signature(diff, change, earlier) for earlier in made):
        return Cause.SIGNATURE
    if any(_has_shape_of(change, other) for earlier in made for other in earlier.forms.get(change.form, ())):
        return Cause.REPEATED
    return Cause.NONE


def _is_substitution(change: WordChange) -> bool:
    return [word.kind for word in change.removed] == [word.kind for word in change.added] == ["name"]


def _defines(change: WordChange) -> bool:
    """Return whether the changed name stands where names are defined: behind `def`, before `=` and the like."""
    before, after = change.before[-1:], change.after
    if before and _BEFORE_DEFINITION.fullmatch(before[0]):
        return True
    if before == (")",):  # Go: a method stands behind its receiver
        return after[:1] == ("(",)
    if before and before[0] in "(,":
        return after[:1] == (":",)  # a parameter with its type; without one it may be an argument
    return before != (".",) and (after[:2] == (":", "=") or (after[:1] == ("=",) and after[:2] != ("=", "=")))


def _follows_signature(diff: FileDiff, change: WordChange, earlier: MadeHunk) -> bool:
    for name, grown in earlier.grown.items():
        is_that_way = len(change.added) > len(change.removed) if grown > 0 else len(change.added) < len(change.removed)
        if is_that_way and is_in_call(diff.old_words, change.at, name):
            return True
    return False


def _has_shape_of(change: WordChange, earlier: WordChange) -> bool:
    """Return whether one change becomes the other, of the same form, by putting other names and values into its holes.

    A name or a value is a hole where the two differ. What is put into the holes of the added words has to be known
    from the removed words or from those beside them, and something besides holes has to change.
    """
    holes: dict[str, str] = {}
    for one, other in zip(change.removed + change.added, earlier.removed + earlier.added, strict=True):
        if one.text != other.text and holes.setdefault(other.text, one.text) != one.text:
            return False
    known = {word.text for word in change.removed} | {*change.before, *change.after}
    if any(word.text in holes.values() and word.text not in known for word in change.added):
        return False
    constant = [word.text for word in change.removed if word.kind in HOLE_KINDS and word.text not in holes.values()]
    if constant:
        return True
    says_something = any(word.kind != "mark" and word.text not in holes.values() for word in change.added)
    return says_something and (change.before == earlier.before or change.after == earlier.after)
