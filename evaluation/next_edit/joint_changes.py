"""The changes of one line that together are one change of form: `Optional[X]` that becomes `X | None`.

The difference by words cuts such a change in two, of which the second (`]` that becomes `| None`) says nothing. Changes
belong together from the one that removes or adds an opening bracket up to the one that does so with its closing half,
if they share their line in both releases and nothing but one expression stands between any two of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evaluation.next_edit.hunks import FileDiff, WordChange
from evaluation.next_edit.words import Word

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True)
class JointChange:
    """Changes that are one change of form. `whole` has all their words, without the expressions between them."""

    parts: tuple[WordChange, ...]
    whole: WordChange

    @property
    def form(self) -> tuple[str, ...]:
        """The forms of the changes, one behind the other. Joint changes of one shape have one form."""
        return tuple(word for part in self.parts for word in (*part.form, "…"))


def joint_changes(diff: FileDiff, changes: Sequence[WordChange]) -> Iterator[JointChange]:
    """Yield the joint changes among the changes of a hunk, which stand in the order of the file."""
    for first in range(len(changes)):
        last = _last_of(diff, changes, first)
        parts = tuple(changes[first : last + 1])
        if last > first and all(_is_beside(diff, *pair) for pair in pairwise(parts)):
            yield JointChange(parts, _whole(parts))


def _last_of(diff: FileDiff, changes: Sequence[WordChange], first: int) -> int:
    """Return the number of the change that closes the brackets which this one opens; its own where none does."""
    depths = [0, 0]
    for number in range(first, len(changes)):
        for side, words in enumerate((changes[number].removed, changes[number].added)):
            for step in _steps(words, diff.language):
                depths[side] += step
                if depths[side] < 0:
                    return first
        if depths == [0, 0]:
            return number
    return first


def _steps(words: Sequence[Word], language: str) -> Iterator[int]:
    """Yield for each word 1 if it is an opening bracket of the code, -1 if it is a closing one, else 0."""
    has_types = language == "typescript"
    before = ""
    for word in words:
        is_opening = word.text in _OPENING or (has_types and word.text == "<")
        is_closing = word.text in _CLOSING or (has_types and word.text == ">" and before != "=")
        yield 0 if word.kind != "mark" else is_opening - is_closing
        before = word.text


def _is_beside(diff: FileDiff, one: WordChange, other: WordChange) -> bool:
    """Return whether two changes share their line in both files, with one expression between them."""
    between = diff.old_words[one.at + len(one.removed) : other.at]
    new_between = diff.new_words[one.new_at + len(one.added) : other.new_at]
    lines = {word.line for word in (*one.removed, *between, *other.removed)}
    new_lines = {word.line for word in (*one.added, *new_between, *other.added)}
    return len(lines) == len(new_lines) == 1 and _is_expression(between, diff.language)


def _is_expression(words: Sequence[Word], language: str) -> bool:
    """Return whether the words have their brackets closed, and no comma between them."""
    depth = 0
    for word, step in zip(words, _steps(words, language), strict=True):
        depth += step
        if depth < 0 or (depth == 0 and word.kind == "mark" and word.text in (",", ";")):
            return False
    return depth == 0


def _whole(parts: Sequence[WordChange]) -> WordChange:
    first, last = parts[0], parts[-1]
    removed = tuple(word for part in parts for word in part.removed)
    added = tuple(word for part in parts for word in part.added)
    return WordChange(removed, added, first.before, last.after, first.at, first.new_at)
