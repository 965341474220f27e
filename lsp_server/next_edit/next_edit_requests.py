"""The requests, notifications and commands of next edits, by Copilot's names and by our own."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from lsp_server.next_edit.next_edit_feature import Asked, NextEditFeature
from lsp_server.next_edit.offered_edits import OfferedEdit
from lsp_server.rpc.positions import position_of
from lsp_server.telemetry.record import Record

NEXT_EDIT, COPILOT_INLINE_EDIT = "midspan/nextEdit", "textDocument/copilotInlineEdit"
ACCEPT, DISMISS = "midspan.acceptNextEdit", "midspan.dismissNextEdit"
_INVOKED = 1  # as in the context of an inline completion

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Document:
    uri: str
    version: int | None = None


@dataclass(frozen=True)
class NextEditContext:
    """`trigger_kind` is 1 for a key and 2 for anything else, as of inline completions."""

    trigger_kind: int = 2
    diagnostics: tuple[types.Diagnostic, ...] = ()


@dataclass(frozen=True)
class NextEditParams:
    """The document, the cursor, and what is wrong in the document as the client knows it."""

    text_document: _Document
    position: types.Position
    context: NextEditContext = NextEditContext()


@dataclass(frozen=True)
class FocusParams:
    """The document that the user has turned to; none for a place that is no document."""

    text_document: _Document | None = None


@dataclass(frozen=True)
class _ShownCommand:
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class _ShownItem:
    command: _ShownCommand


@dataclass(frozen=True)
class ShownParams:
    """The edit that the client shows: of its members only the command's arguments are read."""

    item: _ShownItem


def register(feature: NextEditFeature) -> None:
    """Add the requests, the notifications and the commands to the server."""
    server = feature.server
    server.protocol.announced["nextEdit"] = True

    @server.feature(NEXT_EDIT)
    async def next_edit(params: NextEditParams) -> dict[str, Any]:
        return _answer(feature, await _find(feature, params))

    @server.feature(COPILOT_INLINE_EDIT)
    async def copilot_inline_edit(params: NextEditParams) -> dict[str, Any]:
        return _answer(feature, _best_of_each_document(await _find(feature, params)))

    @server.feature("textDocument/didFocus")
    def did_focus(params: FocusParams) -> None:
        document = params.text_document
        if document is not None and document.uri in feature.session.documents:
            feature.session.documents.touch(document.uri)

    @server.feature("textDocument/didShowInlineEdit")
    def did_show(params: ShownParams) -> None:
        for number in params.item.command.arguments:
            feature.offered.tell(number, "shown")

    @server.command(ACCEPT)
    def accept(number: str) -> None:
        _log_unknown(number, is_known=feature.offered.tell(number, "accepted"))

    @server.command(DISMISS)
    def dismiss(number: str) -> None:
        _log_unknown(number, is_known=feature.dismiss(number))


async def _find(feature: NextEditFeature, params: NextEditParams) -> list[OfferedEdit]:
    document, position, context = params.text_document, params.position, params.context
    explicit = context.trigger_kind == _INVOKED
    record = Record("next edit", document.uri.rpartition("/")[2], (position.line, position.character), explicit)
    with feature.session.recorded(record):
        asked = Asked(document.uri, document.version, position, explicit, context.diagnostics)
        return await feature.find(asked, record)


def _best_of_each_document(edits: Sequence[OfferedEdit]) -> list[OfferedEdit]:
    """Return one edit for each document: sidekick.nvim applies all edits of a buffer at once."""
    best: dict[str, OfferedEdit] = {}
    for edit in edits:
        best.setdefault(edit.uri, edit)
    return list(best.values())


def _answer(feature: NextEditFeature, edits: Sequence[OfferedEdit]) -> dict[str, Any]:
    return {"edits": [_to_json(edit, feature) for edit in edits]}


def _to_json(offered: OfferedEdit, feature: NextEditFeature) -> dict[str, Any]:
    edit, encoding = offered.edit, feature.session.encoding
    ends = (position_of(edit.document, offset, encoding) for offset in (edit.start, edit.end))
    return {
        "text": edit.text,
        "textDocument": {"uri": offered.uri, "version": offered.version},
        "range": types.Range(*ends),
        "command": types.Command("Record that the next edit was accepted", ACCEPT, arguments=[offered.number]),
        "why": edit.why,
    }


def _log_unknown(number: str, *, is_known: bool) -> None:
    if not is_known:
        _log.info("next edit %s is not known any more", number)
