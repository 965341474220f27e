"""midspan/document: the text of an open document as the server has it, from which a relay can open it again."""

from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.server.server import MidspanServer
from midspan import DocumentError


def register(server: MidspanServer) -> None:
    """Adds the request to a server."""

    @server.feature("midspan/document")
    def document_text(params: Any) -> types.TextDocumentItem | None:
        """None when nothing can be completed in it: its text is not kept, or no longer the editor's."""
        uri = getattr(getattr(params, "textDocument", None), "uri", None)
        if not isinstance(uri, str):
            raise JsonRpcInvalidParams("The parameters of midspan/document are wrong.")
        try:
            document = server.session.documents.document(uri)
        except DocumentError:
            return None
        return types.TextDocumentItem(uri, document.language, document.version, document.text)
