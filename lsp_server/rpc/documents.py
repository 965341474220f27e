"""The documents that the editor has open, as immutable values, most recently used last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit
from weakref import WeakKeyDictionary

from lsprotocol import types
from pygls import uris

from context.documents.document import MAX_DOCUMENT_BYTES, MAX_DOCUMENT_LINES, Document, language_of_text
from context.documents.file_names import nearest_root, relative_path
from lsp_server.rpc.text_changes import apply_changes
from midspan import DocumentError, ExcludedError

_SCHEMES = ("file", "untitled")
_BINARY, _NOT_UTF_8 = "it is binary (it holds a zero byte)", "it is not UTF-8"
_openings = count(1)  # of all connections: editors may open documents of the same name


@dataclass(frozen=True)
class Buffer:
    """An open document. `refusal` says why nothing can be completed in it, `fault` what its text has that it may not.

    Where edits are not followed, the text of a refused document is not kept, or is no longer the editor's.
    """

    document: Document
    refusal: str | None = None
    fault: str | None = None
    follows_edits: bool = True


class OpenDocuments:
    """The open documents, exactly as didOpen, didChange and didClose describe them."""

    def __init__(self) -> None:
        self._buffers: dict[str, Buffer] = {}

    def open(self, item: types.TextDocumentItem, roots: Iterable[Path]) -> None:
        """Open a document, also if nothing can be completed in it, which raises DocumentError."""
        path = path_of(item.uri, roots)
        language = item.language_id or language_of_text(path, item.text)
        document = Document(path, item.text, language, item.version, WeakKeyDictionary(), next(_openings))
        self.close(item.uri)  # inserted again, the document is the most recently used
        self._keep(item.uri, document)

    def change(
        self,
        uri: str,
        version: int,
        changes: Sequence[types.TextDocumentContentChangeEvent],
        encoding: types.PositionEncodingKind,
    ) -> None:
        """Apply the changes of a document.

        Raises DocumentError if a change does not fit the text, or if nothing can be completed in the new text. Later
        changes raise no error then. They are ignored until the editor sends the whole text again, unless a zero byte is
        all that is wrong.
        """
        buffer = self._buffer(uri)
        refused_before = buffer.refusal is not None
        if changes and isinstance(changes[0], types.TextDocumentContentChangeWholeDocument):
            buffer = Buffer(buffer.document)
        elif not buffer.follows_edits:
            return
        self._buffers.pop(uri)
        try:
            changed = apply_changes(buffer.document, changes, encoding, version)
        except DocumentError as error:
            self._buffers[uri] = replace(buffer, refusal=str(error), follows_edits=False)
            raise
        self._keep(uri, changed, told=refused_before)

    def follow_roots(self, roots: Sequence[Path]) -> list[tuple[str, str]]:
        """Name the documents by these roots. Return the URI and the old path of each that has another path now.

        Rules and the index know a document by its path, so what was computed under the old one is forgotten.
        """
        moved = []
        for uri, buffer in self._buffers.items():
            before = buffer.document
            if (path := path_of(uri, roots)) != before.path:
                _forget_results(before)
                now = replace(before, path=path, last_results=WeakKeyDictionary(), opening=next(_openings))
                self._buffers[uri] = replace(buffer, document=now)  # the key stays, and so does the order
                moved.append((uri, before.path))
        return moved

    def close(self, uri: str) -> None:
        """Forget the document, if it is open, and what was computed from it."""
        if (buffer := self._buffers.pop(uri, None)) is not None:
            _forget_results(buffer.document)

    def close_all(self) -> None:
        """Forget all documents."""
        for uri in list(self._buffers):
            self.close(uri)

    def document(self, uri: str) -> Document:
        """Return an open document.

        Raises DocumentError if it is not open or nothing can be completed in it; ExcludedError where its text is why.
        """
        buffer = self._buffer(uri)
        if buffer.fault is not None:
            raise ExcludedError(buffer.document.path, buffer.fault, buffer.refusal)
        if buffer.refusal is not None:
            raise DocumentError(buffer.refusal)
        return buffer.document

    def document_or_none(self, uri: str) -> Document | None:
        """Return an open document, None if nothing can be completed in it. Raises DocumentError if it is not open."""
        buffer = self._buffer(uri)
        return buffer.document if buffer.refusal is None else None

    def others(self, uri: str) -> tuple[tuple[str, Document], ...]:
        """Return the URIs and documents that are not refused, without this one, most recently used first."""
        return tuple(
            (other, buffer.document)
            for other, buffer in reversed(self._buffers.items())
            if other != uri and buffer.refusal is None
        )

    def uris_at(self, path: str) -> list[str]:
        """Return the URIs of the open documents that prompts name so: those of several roots may have one name."""
        return [uri for uri, buffer in self._buffers.items() if buffer.document.path == path]

    def openings_at(self, path: str) -> set[int]:
        """Return the numbers of the openings of the open documents that prompts name so."""
        return {buffer.document.opening for buffer in self._buffers.values() if buffer.document.path == path}

    def touch(self, uri: str) -> None:
        """Make an open document the most recently used."""
        self._buffers[uri] = self._buffers.pop(uri)

    def __contains__(self, uri: str) -> bool:
        return uri in self._buffers

    def __len__(self) -> int:
        return len(self._buffers)

    def _keep(self, uri: str, document: Document, *, told: bool = False) -> None:
        """Keep a document. A refused text is dropped: to follow edits of a large one stalls the editor.

        Only a zero byte, which a key may have typed, is waited for to go again.
        """
        fault = _fault(document.text)
        if fault is None:
            self._buffers[uri] = Buffer(document)
            return
        _forget_results(document)
        refusal = f"{document.path} {fault.removeprefix('it ')}: nothing is completed in it."
        if fault == _BINARY:
            self._buffers[uri] = Buffer(document, refusal, fault)
        else:
            cure = "Save it as UTF-8 and" if fault == _NOT_UTF_8 else "Once it is smaller,"
            refusal += f" {cure} open it again."
            self._buffers[uri] = Buffer(replace(document, text=""), refusal, fault, follows_edits=False)
        if not told:
            raise DocumentError(refusal)

    def _buffer(self, uri: str) -> Buffer:
        if uri not in self._buffers:
            raise DocumentError(f"{uri} is not open. The editor must send didOpen for it first.")
        return self._buffers[uri]


def _forget_results(document: Document) -> None:
    if document.last_results is not None:  # some of them hold the document, which would be freed late
        document.last_results.clear()


def path_of(uri: str, roots: Iterable[Path]) -> str:
    """Return the path that names a document in prompts, relative to the nearest root. Raises DocumentError."""
    scheme = urlsplit(uri).scheme
    if scheme not in _SCHEMES:
        raise DocumentError(
            f"{uri} is not a file: documents of the scheme {scheme!r} are not completed, only "
            f"documents of the schemes {' and '.join(_SCHEMES)}."
        )
    path = uris.to_fs_path(uri) if scheme == "file" else None
    if path is None:
        return unquote(urlsplit(uri).path).lstrip("/") or "untitled"
    return relative_path(Path(path), nearest_root(Path(path), roots))


def root_of(uri: str, roots: Iterable[Path]) -> Path | None:
    """Return the nearest root that holds a document, None for a document in no root."""
    path = uris.to_fs_path(uri) if urlsplit(uri).scheme == "file" else None
    return nearest_root(Path(path), roots) if path is not None else None


def _fault(text: str) -> str | None:
    """Return the reason why nothing is completed in a document with this text, None if there is none."""
    if len(text) > MAX_DOCUMENT_BYTES:
        return f"it is larger than {MAX_DOCUMENT_BYTES // 1024**2} MB"
    if max(text.count("\n"), text.count("\r")) > MAX_DOCUMENT_LINES:
        return f"it has more than {MAX_DOCUMENT_LINES:,} lines"
    if "\0" in text:
        return _BINARY
    try:
        text.encode()
    except UnicodeEncodeError:  # incoming.py makes a lone surrogate of a byte that is not UTF-8
        return _NOT_UTF_8
    return None
