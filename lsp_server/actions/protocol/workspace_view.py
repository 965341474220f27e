"""What is known of the workspace around a document, for actions that look names up."""

import asyncio

from lsprotocol import types

from context.index.view import View
from context.related.collect import judge
from lsp_server.server.session import Session


async def view_around(session: Session, uri: str) -> View:
    """With the open buffers that may be shown in front of the index. Raises DocumentError."""
    workspace = session.workspaces.of(uri).workspace
    others = session.snapshot(uri, types.Position(0, 0)).open_documents

    def look() -> View:
        buffers = [document for document in others if judge(document, workspace).included]
        return workspace.view(buffers) if workspace is not None else View(None, buffers)

    return await asyncio.to_thread(look)
