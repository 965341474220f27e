"""The changes that repeat an earlier one: of its shape, in a place that tells by itself that it changes so.

Two changes have one shape when one becomes the other by putting other names and values into its holes. A place tells
enough if a name goes or comes that is no keyword and was put into no hole, or if both places are in a call of one name;
and besides

- where a single word became others, two words beside it or the call that it lies in are the same at both places;
- where words only came, two words on both sides are the same, or the whole line;
- where whole lines only went, all their words are the same, unless they are an argument or a parameter: a statement
  says nothing of another one that has some of its words.
"""

import re

from evaluation.next_edit.calls import callee_at
from evaluation.next_edit.hunks import HOLE_KINDS, FileDiff, WordChange
from evaluation.next_edit.words import Word

_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
        and as async await break case class const continue def default defer do elif else except export extends false
        False finally for from func function go goto if implements import in instanceof interface is lambda let map nil
        None not null or package pass raise range return self static struct super switch this throw true True try type
        undefined var void while with yield cls new any
        """,
    )
)


def repeats(diff: FileDiff, change: WordChange, earlier_diff: FileDiff, earlier: WordChange) -> bool:
    """Return whether the change, which has the form of the earlier one, repeats it."""
    filled = _filled_holes(change, earlier)
    if filled is None:
        return False
    if not change.removed:
        says_something = any(_is_telling(word, filled) for word in change.added)
        is_beside = change.before == earlier.before and change.after == earlier.after
        return says_something and (is_beside or _line_of(diff, change) == _line_of(earlier_diff, earlier) != ())
    if filled and not change.added and _is_statement(diff, change):
        return False
    callee = callee_at(diff.old_words, change.at)
    is_same_call = callee != "" and callee == callee_at(earlier_diff.old_words, earlier.at)
    if not is_same_call and not any(_is_telling(word, filled) for word in (*change.removed, *change.added)):
        return False
    has_constant = any(word.kind in HOLE_KINDS and word.text not in filled for word in change.removed)
    is_beside = change.before == earlier.before or change.after == earlier.after
    if len(change.removed) > 1 and has_constant:
        return True
    return is_beside or (has_constant and is_same_call)


def _filled_holes(change: WordChange, earlier: WordChange) -> set[str] | None:
    """Return the names and values that the change has in the holes; None if it is of another shape.

    A name or a value is a hole where the two differ. What is put into the holes of the added words has to be known from
    the removed words or from those beside them.
    """
    holes: dict[str, str] = {}
    for one, other in zip(change.removed + change.added, earlier.removed + earlier.added, strict=True):
        if one.text != other.text and holes.setdefault(other.text, one.text) != one.text:
            return None
    known = {word.text for word in change.removed} | {*change.before, *change.after}
    if any(word.text in holes.values() and word.text not in known for word in change.added):
        return None
    return set(holes.values())


def _is_statement(diff: FileDiff, change: WordChange) -> bool:
    """Return whether the removed words are whole lines, without a comma at their end."""
    words, end = diff.old_words, change.at + len(change.removed)
    is_first = not change.at or words[change.at - 1].line < change.removed[0].line
    is_last = end == len(words) or words[end].line > change.removed[-1].line
    return is_first and is_last and change.removed[-1].text != ","


def _is_telling(word: Word, filled: set[str]) -> bool:
    return word.kind in HOLE_KINDS and word.text not in filled and word.text not in _KEYWORDS


def _line_of(diff: FileDiff, change: WordChange) -> tuple[str, ...]:
    """Return the old words of the line into which words came; () for whole new lines."""
    at = change.at
    words, added = diff.old_words, change.added
    is_behind = change.new_at > 0 and diff.new_words[change.new_at - 1].line == added[0].line
    following = change.new_at + len(added)
    is_before = following < len(diff.new_words) and diff.new_words[following].line == added[-1].line
    if not is_behind and not is_before:
        return ()
    line = words[at - 1].line if is_behind else words[at].line
    return tuple(word.text for word in words[max(0, at - 60) : at + 60] if word.line == line)
