"""An editor that asks for code actions, and applies their edits."""

from typing import Any

from lsprotocol import types

from context.documents.document import Document
from lsp_server.rpc.text_changes import apply_changes
from tests.fake_engine import Answer, FakeEngine
from tests.lsp_server.client import URI, Editor, InProcess, position
from tests.lsp_server.in_process import editor_with

# The capabilities of VS Code that matter to code actions.
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


BODY, BRANCH, DOCSTRING = (f"refactor.rewrite.midspan.{kind}" for kind in ("body", "branch", "docstring"))
TEXT = "é = '😀'\ndef double(a):\n    pass\n\nx = 1\n"


async def editor_at_stub(
    text: str = TEXT, answer: str | Answer = "return 2 * a", capabilities: Any = RICH, **options: Any
) -> tuple[InProcess, FakeEngine]:
    """Return an editor with a function that has no body yet, and its engine."""
    return await editor_with(text, answer, capabilities=capabilities, **options)


async def actions_at(
    editor: Editor,
    start: tuple[int, int],
    end: tuple[int, int] | None = None,
    *,
    uri: str = URI,
    **context: Any,
) -> dict[str, dict[str, Any]]:
    """Return the actions by their kinds; of several of one kind, the first."""
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
    """Return the document's text after the edit, which touches no other document."""
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
        document = apply_changes(document, [change], types.PositionEncodingKind(encoding), document.version + 1)
    return document.text
