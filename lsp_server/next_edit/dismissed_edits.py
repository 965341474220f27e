"""The edits that the user has dismissed, which are not offered again at their places."""

from dataclasses import dataclass, replace

from context.documents.difference import find_change
from context.documents.document import Document
from lsp_server.next_edit.next_edit import NextEdit

_MOST_DISMISSED = 200


@dataclass(frozen=True)
class _Place:
    """A dismissed edit in the present text of its document."""

    path: str
    opening: int  # of the document; 0 where no editor had it open
    document_text: str
    start: int
    end: int
    text: str

    def is_in(self, document: Document) -> bool:
        return self.path == document.path and self.opening in (0, document.opening)


class DismissedEdits:
    """Follows the places of dismissed edits through the changes of their documents."""

    def __init__(self) -> None:
        self._places: list[_Place] = []

    def add(self, edit: NextEdit) -> None:
        """Note that the user does not want this edit."""
        document = edit.document
        place = _Place(document.path, document.opening, document.text, *edit.least)
        self._places = [*self._places, place][-_MOST_DISMISSED:]

    def follow(self, now: Document) -> None:
        """Take in the new text of a document. An edit whose place was changed may be offered again."""
        moved = [_moved(place, now.text) if place.is_in(now) else place for place in self._places]
        self._places = [place for place in moved if place is not None]

    def has(self, edit: NextEdit) -> bool:
        """Return whether the user has dismissed this edit."""
        here = edit.least
        return any(
            place.is_in(edit.document) and (place.start, place.end, place.text) == here for place in self._places
        )


def _moved(place: _Place, now: str) -> _Place | None:
    """Return the place in the new text; None when its own text was changed."""
    change = find_change(place.document_text, now)
    if change.start >= place.end:
        return replace(place, document_text=now)
    if change.old_end <= place.start:
        grown = change.grown
        return replace(place, document_text=now, start=place.start + grown, end=place.end + grown)
    return None
