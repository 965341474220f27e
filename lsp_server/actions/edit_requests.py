"""midspan/edit and midspan/answer: the chat actions, for clients that ask in their own way and show drafts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from lsprotocol import types

from lsp_server.actions.protocol.action_context import ActionContext, start_action, with_secrets
from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.actions.protocol.draft_progress import ProgressTokens
from lsp_server.actions.protocol.kinds import EDIT, EXPLAIN, FIX, REVIEW, TESTS
from lsp_server.actions.protocol.workspace_edit import EditLabel
from lsp_server.actions.rewrites.edit_or_fix import edit_by_instruction, fix_diagnostics
from lsp_server.actions.rewrites.explain_or_review import explain_or_review
from lsp_server.actions.rewrites.rewrite import Rewrite
from lsp_server.actions.rewrites.write_tests import write_tests
from lsp_server.rpc.converter import WrongValueError

_KINDS = {"explain": EXPLAIN, "review": REVIEW, "tests": TESTS, "fix": FIX}
_TITLE_CHARACTERS = 60

Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RangeParams:
    """The range of a document at a version, if one is given, and the tokens to report to."""

    text_document: types.OptionalVersionedTextDocumentIdentifier
    range: types.Range
    version: int | None = None
    work_done_token: types.ProgressToken | None = None
    partial_result_token: types.ProgressToken | None = None

    def as_action(self, kind: str) -> ActionData:
        version = self.text_document.version if self.version is None else self.version
        return ActionData(self.text_document.uri, version, kind, self.range)


@dataclass(frozen=True, kw_only=True)
class EditParams(RangeParams):
    """The parameters of midspan/edit."""

    instruction: str

    def __post_init__(self) -> None:
        if not self.instruction.strip():
            raise WrongValueError("a string that says what to do", ".instruction")


@dataclass(frozen=True)
class Diagnostic:
    """The part of LSP's diagnostic that is read."""

    range: types.Range
    message: str


@dataclass(frozen=True, kw_only=True)
class AnswerParams(RangeParams):
    """The parameters of midspan/answer. `diagnostics` say what to fix."""

    kind: Literal["explain", "review", "tests", "fix"]
    diagnostics: tuple[Diagnostic, ...] = ()

    def __post_init__(self) -> None:
        if self.kind == "fix" and not self.diagnostics:
            raise WrongValueError("a list of what to fix", ".diagnostics")


def register(features: ActionFeatures) -> None:
    """Add the requests to a server."""

    @features.server.feature("midspan/edit")
    async def edit(params: EditParams) -> Result:
        instruction = params.instruction
        title = f"Edit: {' '.join(instruction.split())[:_TITLE_CHARACTERS]}"

        async def work(action: ActionContext) -> Result:
            return _rewrite_result(action, title, await edit_by_instruction(action, instruction))

        return await _run(features, params, EDIT, title, work)

    @features.server.feature("midspan/answer")
    async def answer(params: AnswerParams) -> Result:
        kind, title = _KINDS[params.kind], params.kind.capitalize()
        messages = [(diagnostic.range.start.line, diagnostic.message) for diagnostic in params.diagnostics]

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
    features: ActionFeatures,
    params: RangeParams,
    kind: str,
    title: str,
    work: Callable[[ActionContext], Awaitable[Result]],
) -> Result:
    tokens = ProgressTokens(params.work_done_token, params.partial_result_token)
    async with start_action(features, params.as_action(kind), title, tokens) as action:
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
        "text": with_secrets(whole[start : rewrite.start] + rewrite.new_text + whole[rewrite.end : end], action.masked),
        "range": action.edit_builder.range_of(action.original, start, end),
    }
