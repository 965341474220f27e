"""textDocument/didOpen, didChange and didClose."""

import logging

from lsprotocol import types

from lsp_server.rpc.documents import path_of
from lsp_server.server.server import MidspanServer
from midspan import DocumentError

_log = logging.getLogger(__name__)


def register(server: MidspanServer) -> None:
    """Add the notifications to a server."""
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        session.forget(document.uri)
        path = path_of(document.uri, session.roots)  # raises for a scheme that is not followed; only the log tells
        session.edits.forget(path, session.documents.openings_at(path))
        try:
            session.documents.open(document, session.roots)
        except DocumentError as error:
            server.warn(str(error))

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        path_of(document.uri, session.roots)
        if document.uri not in session.documents:  # the log tells; a message at every keystroke would be noise
            _log.warning("%s was changed, but it is not open", document.uri)
            return
        try:
            session.change(document.uri, document.version, params.content_changes)
        except DocumentError as error:
            server.warn(str(error))

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        session.forget(params.text_document.uri)
        _mark_dirty(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        _mark_dirty(params.text_document.uri)

    def _mark_dirty(uri: str) -> None:
        """Have the file indexed again: not every file system tells the watch of its changes."""
        if (workspace := session.workspaces.of(uri).workspace) is not None:
            workspace.mark_dirty(path_of(uri, session.roots))
