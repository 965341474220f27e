"""Tells whether a place is in a comment, by the marks of its language, and by its syntax where there is a grammar."""

import re

from tree_sitter import Node

from context.documents.languages import block_comment, line_comment
from context.documents.snapshot import Snapshot
from context.syntax.tree import is_within, leaf_before

_LONG_QUOTES = ('"""', "'''", "`")
_STRING = re.compile(r"""(["'`])(?:\\.|(?!\1)[^\\\n])*\1""")
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
        return is_within(leaf, "comment")
    if begins:
        return True
    return marks is not None and may_be_block and _is_open(_STRING.sub("", document.text[:cursor]), marks)


def may_be_in_long_string(before: str) -> bool:
    """Return whether the number of quotes says that a string of several lines may be open at the end of the text."""
    return any(before.count(quote) % 2 for quote in _LONG_QUOTES)


def _is_open_still(leaf: Node, before: str, after: str, marks: tuple[str, str] | None) -> bool:
    """Tell whether the syntax tree may be wrong, because a comment or a string has not been closed yet."""
    unclosed_comment = marks is not None and marks[1] not in after
    unclosed_string = '"' in _STRING.sub("", before) and is_within(leaf, "comment")
    return is_within(leaf, "ERROR") or unclosed_comment or unclosed_string


def _is_open(text: str, marks: tuple[str, str]) -> bool:
    return text.rfind(marks[0]) > text.rfind(marks[1])


def _begins_comment(before: str, mark: str) -> bool:
    """Tell whether the mark stands in the line before the cursor, outside strings."""
    if mark in _FIRST:
        return before.lstrip().startswith(mark)
    without_strings = _STRING.sub("", before)
    for match in re.finditer(re.escape(mark), without_strings):
        ahead = without_strings[: match.start()]
        if '"' in ahead:
            return False
        if mark not in _BETWEEN_SPACES or not ahead or ahead[-1].isspace():
            return True
    return False
