"""midspan/chatReferences: the files, folders and definitions that the text behind "@" may mean."""

import asyncio
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from context.question.references import Reference, find_references
from lsp_server.chat.chat_feature import ChatFeature
from lsp_server.chat.question_place import open_documents, place_uri


@dataclass(frozen=True)
class ReferenceParams:
    """`query` is the text between "@" and the cursor; `text_document` is the document that the user looks at."""

    query: str
    text_document: types.TextDocumentIdentifier | None = None


def register(feature: ChatFeature) -> None:
    """Add the request to the server."""
    feature.server.protocol.announced["chatReferences"] = True

    @feature.server.feature("midspan/chatReferences")
    async def chat_references(params: ReferenceParams) -> dict[str, Any]:
        uri = place_uri(feature.session, params.text_document)
        workspace = feature.session.workspaces.of(uri).workspace
        if workspace is None:
            return {"items": []}
        documents = open_documents(feature.session, uri)
        found = await asyncio.to_thread(find_references, params.query, workspace, documents)
        return {"items": [_as_json(reference) for reference in found]}


def _as_json(reference: Reference) -> dict[str, Any]:
    line = {} if reference.line is None else {"line": reference.line}
    return {
        "kind": reference.kind,
        "name": reference.name,
        "path": reference.path,
        **line,
        "insert": reference.insert,
    }
