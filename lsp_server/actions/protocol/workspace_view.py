"""A view of the workspace around a document, for actions that look up names."""

import asyncio

from lsprotocol import types

from context.index.view import View
from context.related.collect import judge
from lsp_server.server.session import Session


async def view_workspace(session: Session, uri: str) -> View:
    """Return a view of the index, covered by the open buffers that may stand in a prompt. Raises DocumentError."""
    workspace = session.workspaces.of(uri).workspace
    others = session.snapshot(uri, types.Position(0, 0)).open_documents

    def look() -> View:
        buffers = [document for document in others if judge(document, workspace).included]
        return workspace.view(buffers) if workspace is not None else View(None, buffers)

    return await asyncio.to_thread(look)
