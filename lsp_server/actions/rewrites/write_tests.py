"""Write tests: the chat model adds tests to a file of the editor or of the disk, or writes a new file."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls import uris

from context.documents.document import Document, language_of
from context.index.workspace import Workspace
from context.prompt.pack import Pack
from context.secrets.masking import Masked, mask_document
from inference.api import Message
from lsp_server.actions.protocol.action_context import ActionContext, require_unchanged, with_secrets
from lsp_server.actions.protocol.workspace_edit import Change, EditLabel
from lsp_server.actions.protocol.workspace_view import view_workspace
from lsp_server.actions.rewrites.ask_chat import ask_chat
from lsp_server.actions.rewrites.chat_prompts import tests_messages
from lsp_server.actions.rewrites.code_draft import CodeDraft
from lsp_server.actions.rewrites.new_tests import check_tests, gap_before_tests, last_names
from lsp_server.actions.rewrites.rewrite import require_code
from lsp_server.actions.rewrites.selection import find_enclosing_definition, selected_lines
from lsp_server.actions.rewrites.tests_path import find_tests_path, why_no_new_file
from lsp_server.rpc.documents import root_of
from lsp_server.server.session import Session
from midspan import DocumentError

_END_LINES = 40  # the model sees so many last lines of the file, to write tests in its style
WRITE_TESTS = "Write tests"


@dataclass(frozen=True)
class TestsTarget:
    """The file that the tests go to. `document` is the editor's or, where it is not open, the disk's; None: new."""

    path: str
    uri: str
    document: Document | None
    is_open: bool = False


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
    if (opened := _opened(session, uri, workspace, place.path)) is not None:
        return TestsTarget(place.path, *opened, is_open=True)
    root = root_of(uri, session.roots) or workspace.root
    return await asyncio.to_thread(_unopened_target, workspace, root, place.path)


def _opened(session: Session, uri: str, workspace: Workspace, path: str) -> tuple[str, Document] | None:
    """Return the URI and the text of a file of the workspace that the editor has open beside `uri`."""
    for other, document in session.documents.others(uri):
        if document.path == path and session.workspaces.of(other).workspace is workspace:
            return other, document
    return None


def _unopened_target(workspace: Workspace, root: Path, path: str) -> TestsTarget:
    """Return a file of the disk, or a new one. Raises DocumentError where a rule keeps it out.

    `root` is that of the workspace as the editor names it, perhaps by a link.
    """
    uri = uris.from_fs_path(str(root / path))
    if uri is None:
        raise DocumentError(f"{path} is not the name of a file")
    reason = why_no_new_file(workspace.root, path)
    if not reason:
        return TestsTarget(path, uri, None)
    if not (workspace.root / path).is_file():
        raise DocumentError(reason)
    try:
        return TestsTarget(path, uri, workspace.read(path))
    except DocumentError as error:
        raise DocumentError(f"The tests go to {path}, which {str(error).removeprefix(path).strip(' .')}") from error


async def _check_unchanged(action: ActionContext, target: TestsTarget) -> None:
    """Raise ContentModified or DocumentError when the file of tests has changed since it was read."""
    if target.document is None:
        return
    if target.is_open:
        require_unchanged(action.server, target.uri, target.document)
        return
    session, workspace = action.session, action.session.workspaces.of(action.uri).workspace
    if workspace is None:
        raise DocumentError(f"Nothing is changed: the workspace of {target.path} was closed. Open its folder again.")
    opened = _opened(session, action.uri, workspace, target.path)
    now = opened[1] if opened is not None else await asyncio.to_thread(workspace.read, target.path)
    if now.text != target.document.text:
        raise DocumentError(f"Nothing is changed: {target.path} was changed meanwhile. Ask for the tests again.")


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
    names = await asyncio.to_thread(last_names, masked.document) if masked is not None else []

    def messages(packed: Pack) -> list[Message]:
        return tests_messages(packed, selected, document.language, target.path, existing, names)

    code_draft = CodeDraft(action.on_text, document.language, selected)
    code = require_code(await ask_chat(action, start, end, messages, code_draft.add, code_draft.is_whole), "")
    seen = masked or Masked(Document(target.path, "", language_of(target.path), 0), ())
    tests = await asyncio.to_thread(check_tests, code, seen.document, document)
    code = with_secrets(tests.code, seen)
    label = EditLabel(f"{WRITE_TESTS} in {target.path}", tests.warning)
    action.record.shows(len(code), tests.warning)
    if target.document is None:
        edit = action.edit_builder.new_file_edit(target.uri, f"{code}\n", label)
    else:
        await _check_unchanged(action, target)
        before = target.document.text
        change = Change(len(before), len(before), f"{gap_before_tests(before)}{code}\n")
        edit = action.edit_builder.document_edit(target.uri, target.document, [change], label, is_open=target.is_open)
    action.show_warning(label)
    return edit, code
