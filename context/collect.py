"""What may matter at the cursor, with a reason and a score. `context.pack` decides what of it is
shown.
"""

from dataclasses import dataclass

from context.snapshot import Snapshot

# A longer buffer gives its first lines: imports, constants and signatures stand there.
_BUFFER_LINES = 1024


@dataclass(frozen=True)
class Snippet:
    """A part of another file. `source` says why it is here; the higher the `score`, the more it
    matters.
    """

    path: str
    text: str
    language: str
    source: str
    score: float


def collect(snapshot: Snapshot) -> tuple[Snippet, ...]:
    """The other open buffers, the most recently used with the highest score."""
    buffers = [
        document
        for document in snapshot.open_documents
        if document.path != snapshot.document.path and document.text.strip()
    ]
    return tuple(
        Snippet(
            document.path,
            "".join(document.lines[:_BUFFER_LINES]),
            document.language,
            source="open buffer",
            score=1 / (2 + rank),
        )
        for rank, document in enumerate(buffers)
    )
