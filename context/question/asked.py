"""A question with all that is known of the place where it is asked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from context.documents.document import Document
from context.documents.edits import Edit
from context.index.view import View
from context.index.workspace import Workspace
from context.question.resolve import Mentioned
from context.question.words import QuestionWords


@dataclass(frozen=True)
class Asked:
    """`documents` are those that the editor has open and that a prompt may show, their secrets masked.

    `document` is the one that the user looks at, `selection` its first and last selected line; the line of the cursor
    is both when nothing is selected. `view` has the documents in front of the index.
    """

    words: QuestionWords
    mentioned: Mentioned
    workspace: Workspace | None
    view: View
    documents: Sequence[Document] = ()
    document: Document | None = None
    selection: tuple[int, int] | None = None
    is_selected: bool = False
    edits: Sequence[Edit] = ()

    @cached_property
    def chunk_count(self) -> int:
        """The number of chunks in the index."""
        rows = self.read_index("SELECT count(*) FROM chunks")
        return int(rows[0][0]) if rows else 0

    def read_index(self, sql: str, parameters: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of the index; none without a workspace."""
        return self.workspace.read_index(sql, parameters) if self.workspace is not None else []

    def may_name(self, path: str) -> bool:
        """Return whether a prompt may show a file, as far as its name goes."""
        return self.workspace is None or self.workspace.may_name(path)

    def chunks(self, name: str, most: int) -> list[tuple[str, int, str]]:
        """Return the path, the first line and the text of chunks that hold a word; of open documents, all their text.

        The chunks are those of files that a prompt may show.
        """
        found = [(document.path, 0, document.text) for document in self.documents]
        is_open = {document.path for document in self.documents}
        rows = self.read_index(_CHUNKS, (f'"{name.lower()}"', most)) if '"' not in name else []
        return found + [row for row in rows if row[0] not in is_open]


_CHUNKS = (
    "SELECT f.path, c.first_line, c.text FROM words w JOIN chunks c ON c.id = w.rowid JOIN files f ON f.id = c.file_id"
    " WHERE words MATCH ? LIMIT ?"
)
