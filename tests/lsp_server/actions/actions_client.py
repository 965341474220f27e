"""Asks for code actions as editors do, and applies what comes."""

from typing import Any

from lsprotocol import types

from context.documents.document import Document
from lsp_server.rpc.text_changes import apply_changes
from tests.lsp_server.client import URI, Editor, position

# What VS Code announces, as far as it matters here.
RICH = {
    "workspace": {
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create", "rename", "delete"],
            "changeAnnotationSupport": {"groupsOnLabel": True},
        }
    },
    "textDocument": {
        "codeAction": {"disabledSupport": True, "resolveSupport": {"properties": ["edit", "command"]}},
    },
}


async def actions_at(
    editor: Editor,
    start: tuple[int, int],
    end: tuple[int, int] | None = None,
    *,
    uri: str = URI,
    **context: Any,
) -> dict[str, dict[str, Any]]:
    """By their kinds; of several of one kind, the first."""
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": position(*start), "end": position(*(end or start))},
        "context": {"diagnostics": [], **context},
    }
    actions = await editor.request("textDocument/codeAction", params)
    return {action["kind"]: action for action in reversed(actions)}


async def resolve(editor: Editor, action: dict[str, Any]) -> dict[str, Any]:
    resolved: dict[str, Any] = await editor.request("codeAction/resolve", action)
    return resolved


def applied(text: str, edit: dict[str, Any], uri: str = URI, encoding: str = "utf-16") -> str:
    """The document's text after the edit, which touches no other."""
    if "changes" in edit:
        assert list(edit["changes"]) == [uri]
        edits = edit["changes"][uri]
    else:
        (change,) = edit["documentChanges"]
        assert change["textDocument"]["uri"] == uri
        edits = change["edits"]
    document = Document("a", text, "python", 1)
    # The last first, so that the places of the others hold.
    ordered = sorted(edits, key=lambda one: (one["range"]["start"]["line"], one["range"]["start"]["character"]))
    for one in reversed(ordered):
        ends = (types.Position(**one["range"][end]) for end in ("start", "end"))
        change = types.TextDocumentContentChangePartial(types.Range(*ends), one["newText"])
        document = apply_changes(document, [change], types.PositionEncodingKind(encoding))
    return document.text
