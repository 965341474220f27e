"""The history of a case, made as an editor makes it: hunk by hunk, word by word, into the ring of edits."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from context.documents.document import Document
from context.documents.edits import EditRing
from evaluation.next_edit.causes import MadeHunk

_PIECE = re.compile(r"\s+|\w+|[^\w\s]")
_WORD_S = 0.5
_HUNK_S = 10.0


class Typist:
    """A user who makes the hunks of one file after another. `edits` has what an editor's session would remember."""

    def __init__(self) -> None:
        self.edits = EditRing()
        self._time_s = 0.0

    def make(self, made: Sequence[MadeHunk], typed: int, language: str) -> tuple[Document, int]:
        """Make hunks of one file, the last `typed` of them by typing; return the document and the cursor.

        The hunks before those stand in the file from the start.
        """
        diff = made[0].diff
        applied = {hunk.index for hunk in made[:-typed]}
        document = Document(diff.path, diff.text_with(applied), language, version=0)
        cursor = 0
        for hunk in made[-typed:]:
            self._time_s += _HUNK_S
            first = diff.first_line(hunk.index, applied)
            start = document.line_starts[first]
            old = "".join(document.lines[first : first + hunk.hunk.end - hunk.hunk.start])
            new = "".join(diff.new_lines[hunk.hunk.new_start : hunk.hunk.new_end])
            for place, end, text in replacements(old, new):
                document, cursor = self._type(document, start + place, start + end, text)
            applied.add(hunk.index)
        return document, cursor

    def _type(self, document: Document, start: int, end: int, text: str) -> tuple[Document, int]:
        self._time_s += _WORD_S
        changed = document.text[:start] + text + document.text[end:]
        after = Document(document.path, changed, document.language, document.version + 1)
        self.edits.note(document, after, self._time_s)
        return after, start + len(text)


def replacements(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """Yield the changes that make `new` of `old`, from the first on; the offsets are of the text as it is by then."""
    pieces, new_pieces = _PIECE.findall(old), _PIECE.findall(new)
    at = 0
    for tag, i, j, p, q in SequenceMatcher(None, pieces, new_pieces, autojunk=False).get_opcodes():
        removed, added = "".join(pieces[i:j]), "".join(new_pieces[p:q])
        if tag != "equal":
            yield at, at + len(removed), added
        at += len(added)
