"""The check that a proposal leaves the syntax of its place as whole as it is."""

import re
from bisect import bisect_right
from dataclasses import replace
from textwrap import dedent

from context.documents.document import Document
from context.next_edit.proposal import Proposal
from context.syntax.tree import tree_of

_BLOCK = re.compile(  # with its decorators of one line
    r"^(?:[ \t]*@.*\n)*[ \t]*(?:async |export |default |abstract )*(?:class|def|func|function|interface|type)\b",
    re.MULTILINE,
)
_MOST_CHARACTERS = 20_000  # of what is parsed


def keeps_syntax(proposal: Proposal) -> bool:
    """Return whether the function or class of the place still parses.

    Nothing else of the file is parsed, which would take long. True where it does not parse as it is, and for a language
    without a grammar.
    """
    text = proposal.document.text
    start, end = _block_around(text, proposal.start, proposal.end)
    if end - start > _MOST_CHARACTERS:
        return True
    changed = text[start : proposal.start] + proposal.text + text[proposal.end : end]
    return not _parses(text[start:end], proposal.document) or _parses(changed, proposal.document)


def _block_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the first function or class that holds the places begins, and where the last one ends."""
    starts = [match.start() for match in _BLOCK.finditer(text)]
    first, behind = bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1))
    return starts[first] if first >= 0 else 0, starts[behind] if behind < len(starts) else len(text)


def _parses(text: str, document: Document) -> bool:
    tree = tree_of(replace(document, text=dedent(text), last_results=None, opening=0))
    return tree is None or not tree.root.has_error
