"""Tells whether a place is in a comment, by the marks of its language, and by its syntax where there is a grammar."""

import re
from bisect import bisect_right
from collections.abc import Sequence

from context.documents.languages import block_comment, line_comment
from context.documents.snapshot import Snapshot
from context.syntax.tree import Leaf, leaf_before

_LONG_QUOTES = ('"""', "'''", "`")
_QUOTE = re.compile("[\"'`]")
_QUOTE_OR_ESCAPE = re.compile(r"""\\.|["'`]""")
# Marks that mean something else within a word: "$#", "http://", "100%".
_BETWEEN_SPACES = frozenset({"#", "//", "%"})
# Marks that mean something else anywhere but where a line begins.
_FIRST = frozenset({'"', "'", "REM"})


def is_in_comment(snapshot: Snapshot) -> bool:
    """Return whether the cursor is in a comment, or at the end of a comment that the line's end closes."""
    document, cursor = snapshot.document, snapshot.cursor
    line, column = document.position_at(cursor)
    before = document.lines[line][:column]
    mark, marks = line_comment(document.language), block_comment(document.language)
    may_be_line = mark is not None and mark in before
    may_be_block = marks is not None and _is_open(document.text[:cursor], marks)
    if not may_be_line and not may_be_block:
        return False
    begins = mark is not None and may_be_line and _begins_comment(before, mark)
    if begins and not may_be_in_long_string(document.text[:cursor]):
        return True  # nearly all comments end here, and a long document takes long to parse
    leaf = leaf_before(document, cursor)
    if leaf is not None and not _is_open_still(leaf, before, document.text[cursor:], marks if may_be_block else None):
        return leaf.is_within("comment")
    if begins:
        return True
    return marks is not None and may_be_block and _is_open_outside_strings((*document.lines[:line], before), marks)


def may_be_in_long_string(before: str) -> bool:
    """Return whether the number of quotes says that a string of several lines may be open at the end of the text."""
    return any(before.count(quote) % 2 for quote in _LONG_QUOTES)


def _is_open_still(leaf: Leaf, before: str, after: str, marks: tuple[str, str] | None) -> bool:
    """Tell whether the syntax tree may be wrong, because a comment or a string has not been closed yet."""
    unclosed_comment = marks is not None and marks[1] not in after
    unclosed_string = '"' in without_strings(before) and leaf.is_within("comment")
    return leaf.is_within("ERROR") or unclosed_comment or unclosed_string


def _is_open(text: str, marks: tuple[str, str]) -> bool:
    return text.rfind(marks[0]) > text.rfind(marks[1])


def _is_open_outside_strings(lines: Sequence[str], marks: tuple[str, str]) -> bool:
    """Tell whether the last mark in the lines opens a comment."""
    for line in reversed(lines):
        if marks[0] in line or marks[1] in line:
            code = without_strings(line)
            if marks[0] in code or marks[1] in code:
                return _is_open(code, marks)
    return False


def _begins_comment(before: str, mark: str) -> bool:
    """Tell whether the mark stands in the line before the cursor, outside strings."""
    if mark in _FIRST:
        return before.lstrip().startswith(mark)
    code = without_strings(before).partition('"')[0]  # behind a quote without its end, all may be a string
    marks = (match.start() for match in re.finditer(re.escape(mark), code))
    return any(mark not in _BETWEEN_SPACES or start == 0 or code[start - 1].isspace() for start in marks)


def without_strings(line: str) -> str:
    """Return a line without the strings that begin and end in it. A quote without its end stays."""
    ends: dict[str, list[int]] = {}  # of each quote, the places where it may end a string
    for match in _QUOTE_OR_ESCAPE.finditer(line):
        ends.setdefault(match[0], []).append(match.start())
    kept, position = [], 0
    start = _QUOTE.search(line)
    while start is not None:
        places = ends.get(start[0], [])
        number = bisect_right(places, start.start())
        if number < len(places):
            kept.append(line[position : start.start()])
            position = places[number] + 1
            start = _QUOTE.search(line, position)
        else:
            start = _QUOTE.search(line, start.end())
    return "".join((*kept, line[position:]))
