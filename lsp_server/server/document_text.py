"""midspan/document: the text of an open document as the server has it, from which a relay can open it again."""

from dataclasses import dataclass

from lsprotocol import types

from lsp_server.server.server import MidspanServer
from midspan import DocumentError


@dataclass(frozen=True)
class DocumentParams:
    """The parameters of midspan/document."""

    text_document: types.TextDocumentIdentifier


def register(server: MidspanServer) -> None:
    """Add the request to a server."""

    @server.feature("midspan/document")
    def document_text(params: DocumentParams) -> types.TextDocumentItem | None:
        """Return the document, or None when its text is not kept or is no longer the editor's."""
        uri = params.text_document.uri
        try:
            document = server.session.documents.document(uri)
        except DocumentError:
            return None
        return types.TextDocumentItem(uri, document.language, document.version, document.text)
