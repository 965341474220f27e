"""A document as it was before the user's last edits."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from context.documents.document import Document
from context.documents.edits import Edit
from context.next_edit.names.resolve_names import find_word

_BLOCK = re.compile(  # with its decorators of one line
    r"^(?:@.*\n)*(?:async |export |default |abstract )*(?:class|def|func|function|interface|type)\b", re.MULTILINE
)


def before_edits(document: Document, edits: Sequence[Edit]) -> Document:
    """Return the document with its edits taken back, those that no longer stand there excepted."""
    lines = list(document.lines)
    of_file = [edit for edit in edits if edit.stands(document)]
    for edit in sorted(of_file, key=lambda edit: -edit.first_line):
        lines[edit.first_line : edit.first_line + len(edit.new_lines)] = edit.old_lines
    return Document(document.path, "".join(lines), document.language, -1, opening=document.opening)


def blocks_with(document: Document, word: str) -> Document:
    """Return the document cut down to its outermost functions and classes that have the word: it parses faster.

    A block that begins elsewhere, such as one within a string, may be cut in two.
    """
    text = document.text
    starts = [0, *(match.start() for match in _BLOCK.finditer(text)), len(text)]
    places = [*find_word(text, word)]
    kept = [text[start:end] for start, end in pairwise(starts) if any(start <= place < end for place in places)]
    return replace(document, text="".join(kept))
