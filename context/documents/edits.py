"""The user's last edits, which are often the best hint at the next one.

The ring of edits lives in memory only and belongs to a session.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from context.documents.difference import find_change
from context.documents.document import Document

_MAX_EDITS = 64
_MAX_EDITS_A_FILE = 8
_MERGE_LINES = 3
_MERGE_SECONDS = 60.0
_MAX_EDIT_LINES = 200  # more is a paste, a format or another branch, not a thought


@dataclass(frozen=True)
class Edit:
    """One place of one file: the lines that were there before, and those that are there now.

    `first_line` is where the new lines stand in the file as it is now. `opening` is that of the document, for two
    files may have one path: those of two workspace folders.
    """

    path: str
    language: str
    first_line: int
    old_lines: tuple[str, ...]
    new_lines: tuple[str, ...]
    time_s: float
    opening: int = 0

    def is_of(self, document: Document) -> bool:
        """Return whether this is an edit of the file; a document that no editor has open goes by its path alone."""
        return self.path == document.path and document.opening in (0, self.opening)

    def stands(self, document: Document) -> bool:
        """Return whether the new lines are where the edit says."""
        lines = document.lines[self.first_line : self.first_line + len(self.new_lines)]
        return self.is_of(document) and lines == self.new_lines


class EditRing:
    """The last edits of all files. Edits that are close in place and time are one."""

    def __init__(self) -> None:
        self._edits: list[Edit] = []  # the oldest first

    def note(self, before: Document, after: Document, time_s: float) -> None:
        """Note the change between two states of a buffer. `before` must be `after` of the last call."""
        change = _difference(before, after, time_s)
        if change is None:
            return
        others, near = [], []
        for edit in self._edits:
            if _is_of_one_file(edit, change) and _touches(edit, change):
                near.append(edit)
            else:
                others.append(_moved(edit, change))
        if near:
            change = _merged(near, change, before, after)
        if change.old_lines != change.new_lines:  # else the user has undone the edit
            others.append(change)
        self._edits = _within_limits(others)

    def forget(self, path: str, but: Container[int] = ()) -> None:
        """Drop the edits of a file that is gone, was replaced as a whole, or may no longer be read.

        `but` are the openings of other files of this path.
        """
        self._edits = [edit for edit in self._edits if edit.path != path or edit.opening in but]

    def recent(self) -> tuple[Edit, ...]:
        """Return the edits, the most recent first."""
        return tuple(reversed(self._edits))


def edits_after(edits: Sequence[Edit], before: Document, after: Document, time_s: float) -> tuple[Edit, ...]:
    """Return recent edits, the most recent first, as a ring that had these has them after one more change."""
    ring = EditRing()
    ring._edits = [*reversed(edits)]
    ring.note(before, after, time_s)
    return ring.recent()


def _difference(before: Document, after: Document, time_s: float) -> Edit | None:
    """Return the lines from the first that differs to the last one; None when no line differs."""
    change = find_change(before.lines, after.lines)
    removed = before.lines[change.start : change.old_end]
    added = after.lines[change.start : change.new_end]
    if not removed and not added:
        return None
    return Edit(after.path, after.language, change.start, removed, added, time_s, after.opening)


def _is_of_one_file(edit: Edit, other: Edit) -> bool:
    return (edit.path, edit.opening) == (other.path, other.opening)


def _touches(edit: Edit, change: Edit) -> bool:
    """Tell whether the change overlaps the edit, or is near it and made soon after it."""
    after_edit = change.first_line - (edit.first_line + len(edit.new_lines))
    before_edit = edit.first_line - (change.first_line + len(change.old_lines))
    lines_between = max(after_edit, before_edit)
    soon = change.time_s - edit.time_s <= _MERGE_SECONDS
    return lines_between < 0 or (soon and lines_between <= _MERGE_LINES)


def _merged(near: Iterable[Edit], change: Edit, before: Document, after: Document) -> Edit:
    """Return one edit of the lines of all, from their oldest state to their newest."""
    edits = sorted(near, key=lambda edit: edit.first_line)
    start = min(edits[0].first_line, change.first_line)
    old_lines: tuple[str, ...] = ()
    place = start
    for edit in edits:
        old_lines += before.lines[place : edit.first_line] + edit.old_lines
        place = edit.first_line + len(edit.new_lines)
    end = max(place, change.first_line + len(change.old_lines))
    grown = len(change.new_lines) - len(change.old_lines)
    return Edit(
        change.path,
        change.language,
        start,
        old_lines + before.lines[place:end],
        after.lines[start : end + grown],
        change.time_s,
        change.opening,
    )


def _moved(edit: Edit, change: Edit) -> Edit:
    """Return the edit where it stands after a change that does not overlap it."""
    if not _is_of_one_file(edit, change) or change.first_line + len(change.old_lines) > edit.first_line:
        return edit
    grown = len(change.new_lines) - len(change.old_lines)
    return replace(edit, first_line=max(0, edit.first_line + grown))


def _within_limits(edits: Iterable[Edit]) -> list[Edit]:
    kept: list[Edit] = []
    for edit in reversed(list(edits)):
        of_file = sum(_is_of_one_file(other, edit) for other in kept)
        lines = len(edit.old_lines) + len(edit.new_lines)
        if len(kept) < _MAX_EDITS and of_file < _MAX_EDITS_A_FILE and lines <= _MAX_EDIT_LINES:
            kept.append(edit)
    return kept[::-1]
