"""Write tests: the chat model adds tests to a file that is open in the editor, or writes a new file."""

import asyncio
from dataclasses import dataclass

from lsprotocol import types
from pygls import uris

from context.documents.document import Document
from context.index.workspace import Workspace
from context.prompt.pack import Pack
from context.secrets.masking import Masked, mask_document
from inference.api import Message
from lsp_server.actions.protocol.action_context import ActionContext, current_document, with_secrets
from lsp_server.actions.protocol.workspace_edit import Change, EditLabel
from lsp_server.actions.protocol.workspace_view import view_workspace
from lsp_server.actions.rewrites.ask_chat import ask_chat
from lsp_server.actions.rewrites.chat_prompts import tests_messages
from lsp_server.actions.rewrites.code_draft import CodeDraft
from lsp_server.actions.rewrites.rewrite import require_code
from lsp_server.actions.rewrites.selection import find_enclosing_definition, selected_lines
from lsp_server.actions.rewrites.tests_path import find_tests_path, why_no_new_file
from lsp_server.server.session import Session
from midspan import DocumentError

_END_LINES = 40  # the model sees so many last lines of the file, to write tests in its style
WRITE_TESTS = "Write tests"


@dataclass(frozen=True)
class TestsTarget:
    """The file that the tests go to. `document` is None for a new file."""

    path: str
    uri: str
    document: Document | None


async def find_tests_target(session: Session, uri: str, document: Document) -> TestsTarget:
    """Find the file for tests of a document. Raises DocumentError, which says what to do, when there is none."""
    workspace = session.workspaces.of(uri).workspace
    if workspace is None:
        raise DocumentError(
            f"{document.path} is in no workspace folder, so its tests have no place. Open its folder in the editor"
        )
    view = await view_workspace(session, uri)
    place = await asyncio.to_thread(find_tests_path, document, view)
    if place is None:
        raise DocumentError(
            f"Midspan does not know where the tests of {document.path} go. Write the first one and open its file"
        )
    for other, text in session.documents.others(uri):
        if text.path == place.path and session.workspaces.of(other).workspace is workspace:
            return TestsTarget(place.path, other, text)
    if place.exists:
        raise DocumentError(f"Open {place.path}: the tests are added to it")
    return await asyncio.to_thread(_new_target, workspace, place.path)


def _new_target(workspace: Workspace, path: str) -> TestsTarget:
    if reason := why_no_new_file(workspace.root, path):
        raise DocumentError(reason)
    uri = uris.from_fs_path(str(workspace.root / path))
    if uri is None:
        raise DocumentError(f"{path} is not the name of a file")
    return TestsTarget(path, uri, None)


async def write_tests(action: ActionContext) -> tuple[types.WorkspaceEdit, str]:
    """Return an edit that adds tests of the selection, and their text. Raises MidspanError, or ContentModified."""
    document = action.document
    target = await find_tests_target(action.session, action.uri, document)
    lines = selected_lines(document, action.start, action.end)
    if action.start == action.end:
        lines = find_enclosing_definition(document, lines[0]) or lines
    start, end = document.line_starts[lines[0]], document.line_end(lines[1])
    selected = document.text[start:end]
    masked = await asyncio.to_thread(mask_document, target.document) if target.document is not None else None
    existing = "".join(masked.document.lines[-_END_LINES:]) if masked is not None else ""

    def messages(packed: Pack) -> list[Message]:
        return tests_messages(packed, selected, document.language, target.path, existing)

    code_draft = CodeDraft(action.on_text, document.language, selected)
    code = require_code(await ask_chat(action, start, end, messages, code_draft.add, code_draft.is_whole), "")
    code = with_secrets(code, masked or Masked(Document(target.path, "", "", 0), ()))
    label = EditLabel(f"{WRITE_TESTS} in {target.path}")
    action.record.shows(len(code))
    if target.document is None:
        return action.edit_builder.new_file_edit(target.uri, f"{code}\n", label), code
    current_document(action.server, target.uri, target.document.version)
    before = target.document.text
    gap = "" if not before.strip() else "\n\n" if before.endswith("\n") else "\n\n\n"
    change = Change(len(before), len(before), f"{gap}{code}\n")
    return action.edit_builder.document_edit(target.uri, target.document, [change], label), code
