"""The texts that a completion may repeat: the engine verifies several of their tokens at a time, or copies them."""

from collections.abc import Iterator, Sequence

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from context.prompt.pack import Pack
from context.related.renamed_lines import renamed_lines
from context.secrets.masking import mask_snapshot
from inference.api import Draft, Engine

# Characters of the documents, which the engine's tokenizer turns into tokens at each request: half a millisecond.
_BEFORE_CHARACTERS = 16_000
_AFTER_CHARACTERS = 8_000
_OTHER_CHARACTERS = 8_000  # of each of the other documents
_OTHER_DOCUMENTS = 2  # those used last
_OWN_DRAFTS = 2  # of the hole's own document, before the hole and behind it


def find_drafts(
    engine: Engine,
    snapshot: Snapshot,
    packer: ContextPacker,
    predicted: tuple[str, ...],
    begun: str,
    max_lines: int,
    *,
    with_renamed: bool = False,
) -> tuple[Draft, ...]:
    """Return the drafts for the hole at the cursor; none for a server.

    `predicted` are texts that the model wrote here before. `begun` is the begun word that the prompt leaves out: the
    output begins with it. `with_renamed`: lines of the document with the names of this place are among the drafts.
    """
    if engine.info.folder is None:
        return ()
    seen = mask_snapshot(snapshot)
    documents = [engine.draft("document", text) for text in _document_texts(seen, packer.documents_to_show(seen))]
    predictions = [engine.draft("prediction", _first_lines(begun + text, max_lines)) for text in predicted]
    lines = [engine.draft("lines", begun + text) for text in packer.next_lines(seen, max_lines)]
    texts = renamed_lines(seen) if with_renamed else ()
    renamed = [engine.draft("renamed", begun + text) for text in texts]
    return (*documents, *predictions, *lines, *renamed)


def stands_alone(packed: Pack, drafts: Sequence[Draft]) -> bool:
    """Return whether nothing but the hole's own document is known: no other file, and no line of the workspace."""
    sources = [draft.source for draft in drafts]
    return not packed.files and "lines" not in sources and sources.count("document") <= _OWN_DRAFTS


def _document_texts(snapshot: Snapshot, others: Sequence[Document]) -> Iterator[str]:
    """Yield whole lines around the cursor, and the beginnings of the documents used last."""
    text, cursor = snapshot.document.text, snapshot.cursor
    before_at = max(0, cursor - _BEFORE_CHARACTERS)
    yield text[text.find("\n", before_at) + 1 if before_at else 0 : cursor]
    yield text[cursor : cursor + _AFTER_CHARACTERS]
    for document in others[:_OTHER_DOCUMENTS]:
        yield document.text[:_OTHER_CHARACTERS]


def _first_lines(text: str, count: int) -> str:
    return "\n".join(text.split("\n")[:count])
