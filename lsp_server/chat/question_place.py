"""The place where a question is asked: the workspace, what the editor has open, and what is selected."""

from pathlib import Path

from lsprotocol import types

from context.documents.document import Document
from context.question.answer_context import Place
from context.question.parts import Part
from lsp_server.chat.chat_params import ChatParams
from lsp_server.chat.used_parts import UsedPart
from lsp_server.server.session import Session


def place_uri(session: Session, document: types.TextDocumentIdentifier | None) -> str:
    """Return the URI by which a question's workspace is known: the document's, or else the first root's."""
    if document is not None:
        return document.uri
    return session.roots[0].as_uri() if session.roots else ""


def open_documents(session: Session, uri: str) -> list[Document]:
    """Return the open documents that may stand in a prompt by the rules on names, this one first, if it is open."""
    document = session.documents.document_or_none(uri) if uri in session.documents else None
    workspace = session.workspaces.of(uri).workspace
    is_shown = document is not None and (workspace is None or workspace.may_name(document.path))
    return [*([document] if document is not None and is_shown else []), *session.others(uri)]


def place_of(session: Session, params: ChatParams) -> Place:
    """Return where the last question of a conversation is asked."""
    uri = place_uri(session, params.text_document)
    document = session.documents.document_or_none(uri) if uri in session.documents else None
    selection, is_selected = None, False
    if document is not None and params.selection is not None:
        start, end = params.selection.start, params.selection.end
        is_selected = (start.line, start.character) < (end.line, end.character)
        # A range that ends at the start of a line does not touch it.
        last = end.line - 1 if is_selected and end.character == 0 and end.line > start.line else end.line
        selection = (start.line, max(start.line, last))
    return Place(
        session.workspaces.of(uri).workspace,
        open_documents(session, uri),
        document,
        selection,
        is_selected,
        session.edits.recent(),
    )


def used_part(part: Part, root: Path | None) -> UsedPart:
    """Return a part as the client knows it. Its path is from the root, or whole for a file outside."""
    whole = Path(part.path) if root is None else root / part.path
    uri = whole.as_uri() if whole.is_absolute() else f"untitled:{part.path}"
    return UsedPart(part.path, uri, part.spans[0].start, part.spans[-1].stop - 1, part.kind, part.why)
