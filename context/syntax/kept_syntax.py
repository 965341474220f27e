"""The check that a change of a document leaves the syntax of its place as whole as it is."""

import re
from bisect import bisect_right
from dataclasses import replace
from textwrap import dedent

from context.documents.document import Document
from context.syntax.tree import tree_of

_BLOCK = re.compile(  # with its decorators of one line
    r"^(?:[ \t]*@.*\n)*[ \t]*(?:async |export |default |abstract )*(?:class|def|func|function|interface|type)\b",
    re.MULTILINE,
)
_MOST_CHARACTERS = 20_000  # of what is parsed


def keeps_syntax(document: Document, start: int, end: int, text: str) -> bool:
    """Return whether the function or class around the place still parses with `text` there.

    Nothing else of the file is parsed, which would take long. True where it does not parse as it is, and for a language
    without a grammar.
    """
    first, last = _block_around(document.text, start, end)
    if last - first > _MOST_CHARACTERS:
        return True
    changed = document.text[first:start] + text + document.text[end:last]
    return not _parses(document.text[first:last], document) or _parses(changed, document)


def _block_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the first function or class that holds the places begins, and where the last one ends."""
    starts = [match.start() for match in _BLOCK.finditer(text)]
    first, behind = bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1))
    return starts[first] if first >= 0 else 0, starts[behind] if behind < len(starts) else len(text)


def _parses(text: str, document: Document) -> bool:
    tree = tree_of(replace(document, text=dedent(text), last_results=None, opening=0))
    return tree is None or not tree.root.has_error
