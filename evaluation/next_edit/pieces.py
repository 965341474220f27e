"""The pieces of a hunk: the changes of words that share a line. A hunk may follow from a cause in some lines only."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.next_edit.hunks import FileDiff, Hunk, WordChange
from evaluation.next_edit.words import Word


@dataclass(frozen=True)
class Piece:
    """Changes that share lines, and these lines of the old file: from `start` up to `end`."""

    changes: tuple[WordChange, ...]
    start: int
    end: int


def pieces_of(diff: FileDiff, hunk: Hunk) -> tuple[Piece, ...]:
    """Part the changes of a hunk where a line ends before the next change, in the old file and in the new one."""
    groups: list[tuple[list[WordChange], set[int], set[int]]] = []
    for change in hunk.changes:
        old = _lines(change.removed, diff.old_words, change.at, diff.new_words, change.new_at, change.added)
        new = _lines(change.added, diff.new_words, change.new_at, diff.old_words, change.at, change.removed)
        if groups and (groups[-1][1] & old or groups[-1][2] & new):
            groups[-1][0].append(change)
            groups[-1][1].update(old)
            groups[-1][2].update(new)
        else:
            groups.append(([change], old, new))
    return tuple(_piece(diff, hunk, changes, lines) for changes, lines, _ in groups)


def _piece(diff: FileDiff, hunk: Hunk, changes: Sequence[WordChange], lines: set[int]) -> Piece:
    if lines:
        return Piece(tuple(changes), min(lines), max(lines) + 1)
    at = changes[0].at  # new lines alone stand before the next old word
    line = diff.old_words[at].line if at < len(diff.old_words) else hunk.end
    place = max(hunk.start, min(line, hunk.end))
    return Piece(tuple(changes), place, place)


def _lines(
    words: Sequence[Word],
    side: Sequence[Word],
    at: int,
    other: Sequence[Word],
    other_at: int,
    other_words: Sequence[Word],
) -> set[int]:
    """Return the lines of one side that a change touches: those of its words, or the one into which words come."""
    if words:
        return {word.line for word in words}
    end = other_at + len(other_words)
    lines = set()
    if at and other_at and other[other_at - 1].line == other_words[0].line:
        lines.add(side[at - 1].line)
    if at < len(side) and end < len(other) and other[end].line == other_words[-1].line:
        lines.add(side[at].line)
    return lines
