"""Write tests: into the file of tests that the editor has open, or into a new one."""

import asyncio
from dataclasses import dataclass

from lsprotocol import types
from pygls import uris

from context.documents.document import Document
from context.index.workspace import Workspace
from context.prompt.pack import Pack
from inference.api import Message
from lsp_server.actions.protocol.action_context import ActionContext, current_document
from lsp_server.actions.protocol.workspace_edit import Change, Label
from lsp_server.actions.protocol.workspace_view import view_around
from lsp_server.actions.rewrites.ask_chat import ask_chat
from lsp_server.actions.rewrites.chat_prompts import tests_messages
from lsp_server.actions.rewrites.code_draft import CodeDraft
from lsp_server.actions.rewrites.part import definition_around, lines_of_range
from lsp_server.actions.rewrites.place_of_tests import place_of_tests, why_no_new_file
from lsp_server.actions.rewrites.rewrite import code_in
from lsp_server.server.session import Session
from midspan import DocumentError

_END_LINES = 40  # of the file that tests are added to, so many show its ways
TITLE = "Write tests"


@dataclass(frozen=True)
class Target:
    """`document` is None for a file that is to be made."""

    path: str
    uri: str
    document: Document | None


async def find_target(session: Session, uri: str, document: Document) -> Target:
    """Where the tests of a document go. Raises DocumentError with what to do when they go nowhere."""
    workspace = session.workspaces.of(uri).workspace
    if workspace is None:
        raise DocumentError(f"{document.path} is in no workspace of the editor, so its tests have no place")
    view = await view_around(session, uri)
    place = await asyncio.to_thread(place_of_tests, document, view)
    if place is None:
        raise DocumentError(f"Where the tests of {document.path} would be is not known. Write one test, and open it")
    for other, text in session.documents.others(uri):
        if text.path == place.path and session.workspaces.of(other).workspace is workspace:
            return Target(place.path, other, text)
    if place.exists:
        raise DocumentError(f"Open {place.path}: the tests are added to it")
    return await asyncio.to_thread(_new_target, workspace, place.path)


def _new_target(workspace: Workspace, path: str) -> Target:
    if reason := why_no_new_file(workspace.root, path):
        raise DocumentError(reason)
    uri = uris.from_fs_path(str(workspace.root / path))
    if uri is None:
        raise DocumentError(f"{path} is no name of a file")
    return Target(path, uri, None)


async def tests_edit(asked: ActionContext) -> tuple[types.WorkspaceEdit, str]:
    """The edit, and the text of the tests. Raises MidspanError, or ContentModified."""
    document = asked.document
    target = await find_target(asked.session, asked.uri, document)
    lines = lines_of_range(document, asked.start, asked.end)
    if asked.start == asked.end:
        lines = definition_around(document, lines[0]) or lines
    start, end = document.line_starts[lines[0]], document.line_end(lines[1])
    selected = document.text[start:end]
    existing = "".join(target.document.lines[-_END_LINES:]) if target.document is not None else ""

    def messages(packed: Pack) -> list[Message]:
        return tests_messages(packed, selected, document.language, target.path, existing)

    coming = CodeDraft(asked.on_text, document.language, selected)
    code = code_in(await ask_chat(asked, start, end, messages, coming.add, coming.is_whole), "")
    label = Label(f"{TITLE} in {target.path}")
    asked.record.shows(len(code))
    if target.document is None:
        return asked.edits.of_new_file(target.uri, f"{code}\n", label), code
    current_document(asked.server, target.uri, target.document.version)
    before = target.document.text
    gap = "" if not before.strip() else "\n\n" if before.endswith("\n") else "\n\n\n"
    change = Change(len(before), len(before), f"{gap}{code}\n")
    return asked.edits.of_document(target.uri, target.document, [change], label), code
