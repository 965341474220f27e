"""midspan/edit and midspan/answer: the chat actions, for clients that ask in their own way and show drafts."""

from collections.abc import Awaitable, Callable
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.actions.protocol.action_context import ActionContext, start_action
from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.actions.protocol.draft_progress import ProgressTokens
from lsp_server.actions.protocol.kinds import EDIT, EXPLAIN, FIX, REVIEW, TESTS
from lsp_server.actions.protocol.workspace_edit import EditLabel
from lsp_server.actions.rewrites.edit_or_fix import edit_by_instruction, fix_diagnostics
from lsp_server.actions.rewrites.explain_or_review import explain_or_review
from lsp_server.actions.rewrites.rewrite import Rewrite
from lsp_server.actions.rewrites.write_tests import write_tests
from lsp_server.rpc.json_values import member, parse_range, whole_number

_KINDS = {"explain": EXPLAIN, "review": REVIEW, "tests": TESTS, "fix": FIX}
_TITLE_CHARACTERS = 60

Result = dict[str, Any]


def register(features: ActionFeatures) -> None:
    """Add the requests to a server."""

    @features.server.feature("midspan/edit")
    async def edit(params: Any) -> Result:
        instruction = member(params, "instruction")
        if not isinstance(instruction, str) or not instruction.strip():
            raise JsonRpcInvalidParams("midspan/edit: an instruction says what to do.")
        title = f"Edit: {' '.join(instruction.split())[:_TITLE_CHARACTERS]}"

        async def work(action: ActionContext) -> Result:
            return _rewrite_result(action, title, await edit_by_instruction(action, instruction))

        return await _run(features, params, EDIT, title, work)

    @features.server.feature("midspan/answer")
    async def answer(params: Any) -> Result:
        name = str(member(params, "kind"))
        kind = _KINDS.get(name)
        if kind is None:
            raise JsonRpcInvalidParams(f"midspan/answer: the kind is one of {', '.join(_KINDS)}.")
        messages = _messages(params)
        if kind == FIX and not messages:
            raise JsonRpcInvalidParams("midspan/answer: diagnostics say what to fix.")
        title = name.capitalize()

        async def work(action: ActionContext) -> Result:
            if kind == TESTS:
                edit, text = await write_tests(action)
                return {"edit": edit, "text": text}
            if kind == FIX:
                lines = len(action.document.lines)
                return _rewrite_result(
                    action, title, await fix_diagnostics(action, [m for m in messages if m[0] < lines])
                )
            return {"text": await explain_or_review(action, kind)}

        return await _run(features, params, kind, title, work)


async def _run(
    features: ActionFeatures, params: Any, kind: str, title: str, work: Callable[[ActionContext], Awaitable[Result]]
) -> Result:
    async with start_action(features, _place(params, kind), title, _tokens(params)) as action:
        result = await work(action)
    return result | {"model": action.record.model}


def _rewrite_result(action: ActionContext, title: str, rewrite: Rewrite) -> Result:
    """Return the edit, and `text`, the new text of `range`: the selection extended by all that the rewrite changes."""
    whole = action.document.text
    start, end = rewrite.start, rewrite.end
    if action.start != action.end:
        start, end = min(start, action.start), max(end, action.end)
    return {
        "edit": action.make_edit(rewrite.changes, EditLabel(title, rewrite.warning)),
        "text": whole[start : rewrite.start] + rewrite.new_text + whole[rewrite.end : end],
        "range": action.edit_builder.range_of(action.document, start, end),
    }


def _place(params: Any, kind: str) -> ActionData:
    document, version = member(params, "textDocument"), member(params, "version")
    uri = member(document, "uri")
    if not isinstance(uri, str):
        raise JsonRpcInvalidParams("The textDocument has a uri.")
    if version is None:
        version = member(document, "version")
    number = whole_number(version) if version is not None else None
    return ActionData(uri, number, kind, parse_range(member(params, "range")))


def _tokens(params: Any) -> ProgressTokens:
    tokens = [member(params, name) for name in ("workDoneToken", "partialResultToken")]
    if not all(token is None or isinstance(token, str | int) for token in tokens):
        raise JsonRpcInvalidParams("A token is a string or a number.")
    return ProgressTokens(*tokens)


def _messages(params: Any) -> list[tuple[int, str]]:
    """Return the line and the message of each diagnostic."""
    found = member(params, "diagnostics") or []
    if not isinstance(found, list):
        raise JsonRpcInvalidParams("The diagnostics are a list.")
    messages = []
    for one in found:
        message = member(one, "message")
        if not isinstance(message, str):
            raise JsonRpcInvalidParams("A diagnostic has a range and a message.")
        messages.append((parse_range(member(one, "range")).start.line, message))
    return messages
