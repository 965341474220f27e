"""An editor whose rules are a test's own: they say that each place with an old word gets a new one."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.index.view import View
from context.next_edit.proposal import Diagnostic, Proposal, Rule
from lsp_server.server.pauses import Pauses
from tests.lsp_server.client import AUTOMATIC, URI, InProcess
from tests.lsp_server.in_process import editor_with

NO_PAUSE = Pauses(editing_s=0.0)

FindEdits = Callable[[Snapshot, Sequence[Edit], View, Sequence[Diagnostic]], tuple[Proposal, ...]]


def replace_words(old: str, new: str, confidence: float = 0.9) -> FindEdits:
    """Return rules that replace each `old` in the open documents, once the last word of `new` stands in one."""

    def find(snapshot: Snapshot, _edits: Sequence[Edit], _view: View, _found: Sequence[Diagnostic]) -> Any:
        documents = (snapshot.document, *snapshot.open_documents)
        if not any(new.split()[-1] in document.text for document in documents):
            return ()
        return tuple(
            Proposal(document, match.start(), match.end(), new, Rule.RENAME, confidence)
            for document in documents
            for match in re.finditer(rf"\b{old}\b", document.text)
        )

    return find


async def ask(
    editor: InProcess,
    line: int,
    character: int,
    *,
    uri: str = URI,
    kind: int = AUTOMATIC,
    method: str = "midspan/nextEdit",
    **more: Any,
) -> list[dict[str, Any]]:
    """Return the edits of the answer to a request at this place."""
    params = {
        "textDocument": {"uri": uri, **more.pop("document", {})},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": kind, **more},
    }
    edits: list[dict[str, Any]] = (await editor.request(method, params))["edits"]
    return edits


async def apply(editor: InProcess, edit: dict[str, Any]) -> None:
    """Apply an edit and run its command, as an editor does at an acceptance."""
    uri = edit["textDocument"]["uri"]
    await editor.change_by([{"range": edit["range"], "text": edit["text"]}], uri)
    await run(editor, edit["command"]["command"], edit)


async def run(editor: InProcess, command: str, edit: dict[str, Any]) -> None:
    arguments = edit["command"]["arguments"]
    await editor.request("workspace/executeCommand", {"command": command, "arguments": arguments})


def place(edit: dict[str, Any]) -> tuple[str, int, int]:
    """Return the name of the file, the line and the character where the edit begins."""
    start = edit["range"]["start"]
    return edit["textDocument"]["uri"].rpartition("/")[2], start["line"], start["character"]


async def renamed(
    text: str = "new = 1\nold + 1\nold + 2\n", *, options: Any = None, pauses: Pauses = NO_PAUSE, **engine: Any
) -> InProcess:
    """Return an editor where the user has just renamed `old` in the first line of a document."""
    editor, _ = await editor_with(text.replace("new", "old", 1), options=options, pauses=pauses, **engine)
    at = text.index("new")
    await editor.change((0, at), (0, at + 3), "new")
    return editor
