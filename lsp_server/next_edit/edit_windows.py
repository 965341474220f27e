"""The window around the cursor that a model trained for next edits writes anew, and the edits in its output."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from context.documents.document import Document, split_lines
from context.documents.edits import Edit
from context.next_edit.before import before_edits
from context.related.collect import judge
from context.secrets.masking import Masked, find_placeholders, mask_document
from inference.api import ContextFile
from inference.edit_window import EditWindow, TextChange
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.next_edit import NextEdit, Source

_MOST_FILES, _FILE_LINES = 2, 30  # of other open documents: their beginnings
_AROUND_LINES = 150  # above the window, and below it
_LEAST_KEPT = 0.5  # the share of a window's lines that an output keeps; one that keeps fewer is no edit


@dataclass(frozen=True)
class PlacedWindow:
    """A window, and the lines of the document that it has: from `first` up to `end`."""

    window: EditWindow
    masked: Masked
    document: Document
    first: int
    end: int


def place_window(state: EditState, lines_above: int, lines_below: int) -> PlacedWindow:
    """Lay out the window at the cursor, with placeholders for secrets. Takes long in a long document."""
    document = state.snapshot.document
    masked = mask_document(document)
    seen = masked.document
    line, column = seen.position_at(state.snapshot.cursor)
    first, end = max(0, line - lines_above), min(len(seen.lines), line + lines_below + 1)
    if end > first + 1 and not seen.lines[end - 1]:
        end -= 1  # the empty line behind the last newline
    current = _joined(seen.lines[first:end])
    cursor = min(len(current), len(_joined(seen.lines[first:line], is_whole=False)) + column)
    window = EditWindow(
        document.path,
        first + 1,
        _joined(_before_last_change(state, seen.lines, first, end)),
        current,
        cursor,
        _joined(seen.lines[max(0, first - _AROUND_LINES) : first], is_whole=False),
        _joined(seen.lines[end : end + _AROUND_LINES], is_whole=False),
        tuple(_changes(state)),
        tuple(_files(state)),
    )
    return PlacedWindow(window, masked, document, first, end)


def read_edits(placed: PlacedWindow, output: str, source: Source, why: str, confidence: float) -> list[NextEdit]:
    """Return an edit for each place in which the new window differs; none for an output that is no edit of it.

    An output that stops before the window's end, or keeps few of its lines, is dropped as a whole.
    """
    old, new = _lines_of(placed.window.current), _lines_of(output)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    changed = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    kept = sum(block.size for block in matcher.get_matching_blocks())
    if kept < _LEAST_KEPT * len(old) or any(kind == "delete" and end == len(old) for kind, _, end, _, _ in changed):
        return []
    edits = [
        replace(_edit(placed, start, end, new[first:last]), source=source, why=why, confidence=confidence)
        for _, start, end, first, last in changed
    ]
    return [edit for edit in edits if not find_placeholders(edit.text) or edit.text == edit.replaced]


def _edit(placed: PlacedWindow, start: int, end: int, lines: Sequence[str]) -> NextEdit:
    """Return the edit that puts these lines in place of the window's from `start` up to `end`."""
    document = placed.document
    starts = (*document.line_starts, len(document.text))
    begin, stop = starts[placed.first + start], starts[placed.first + end]
    text = placed.masked.restore("".join(lines))
    if not document.text[begin:stop].endswith(("\n", "\r")) and stop == len(document.text) and end > start:
        text = text.removesuffix("\n")
    if document.text and begin == len(document.text) and not document.text.endswith(("\n", "\r")):
        text = "\n" + text.removesuffix("\n")  # behind a last line that has no end
    if "\r\n" in document.text:
        text = text.replace("\n", "\r\n")
    return NextEdit(document, begin, stop, text, Source.ANY_MODEL, "", 0.0)


def _lines_of(text: str) -> Sequence[str]:
    """Return the lines as the document counts them: `str.splitlines` would end one at a form feed too."""
    lines = split_lines(text)
    return lines if lines[-1] else lines[:-1]


def _joined(lines: Sequence[str], *, is_whole: bool = True) -> str:
    text = "".join(lines).replace("\r\n", "\n")
    return f"{text}\n" if is_whole and not text.endswith("\n") else text


def _before_last_change(state: EditState, lines: Sequence[str], first: int, end: int) -> list[str]:
    """Return the window's lines as they were before the user's last change of them."""
    document = state.snapshot.document
    for edit in state.edits:
        edit_end = edit.first_line + len(edit.new_lines)
        if edit.stands(document) and edit.first_line < end and first < max(edit_end, edit.first_line + 1):
            old = _old_lines(edit, document)
            return [*lines[first : max(first, edit.first_line)], *old, *lines[max(first, edit_end) : end]]
    return list(lines[first:end])


def _changes(state: EditState) -> Iterator[TextChange]:
    """Yield the recent changes of the documents that may stand in a prompt, the oldest first."""
    shown = {document.path: document for document in state.documents if judge(document, state.workspace).included}
    for edit in reversed(state.edits):
        document = shown.get(edit.path)
        if document is not None and edit.stands(document):
            old = _old_lines(edit, document)
            new = mask_document(document).document.lines[edit.first_line : edit.first_line + len(edit.new_lines)]
            yield TextChange(edit.path, _joined(old, is_whole=False), _joined(new, is_whole=False), edit.first_line + 1)


def _files(state: EditState) -> Iterator[ContextFile]:
    for document in state.snapshot.open_documents[:_MOST_FILES]:
        if judge(document, state.workspace).included:
            lines = mask_document(document).document.lines[:_FILE_LINES]
            yield ContextFile(document.path, _joined(lines))


def _old_lines(edit: Edit, document: Document) -> Sequence[str]:
    """Return the old lines of an edit that stands, with placeholders for the secrets in them.

    They are searched for where they stood: a name in the line above says that a value is one.
    """
    before = mask_document(before_edits(document, [edit])).document
    return before.lines[edit.first_line : edit.first_line + len(edit.old_lines)]
