"""textDocument/codeAction: what is offered at a place. Nothing is asked of a model yet."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from lsprotocol import types

from context.documents.document import Document
from context.related.collect import judge
from lsp_server.actions import edit_requests, resolve_action, run_action
from lsp_server.actions.holes.holes_at import holes_at
from lsp_server.actions.imports.import_actions import import_offers
from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.action_offer import ActionOffer
from lsp_server.actions.protocol.kinds import ALL, CHAT_KINDS, IMPORT, TESTS, is_wanted
from lsp_server.actions.protocol.workspace_view import view_around
from lsp_server.actions.rewrites import show_answer
from lsp_server.actions.rewrites.chat_offers import chat_offers, why_no_chat, why_no_tests
from lsp_server.actions.rewrites.saved_answers import SavedAnswers
from lsp_server.actions.run_action import RUN_ACTION
from lsp_server.rpc.positions import offsets_of
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from midspan import DocumentError


def register(server: MidspanServer) -> None:
    """Add code actions and their commands to a server. Saved answers are deleted when its session closes."""
    options = types.CodeActionOptions(code_action_kinds=list(ALL), resolve_provider=True)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return await offered(server, params)

    answers = SavedAnswers()
    server.session.on_close.append(answers.delete_all)
    for feature in (resolve_action, run_action, show_answer):
        feature.register(server, answers)
    edit_requests.register(server)


async def offered(server: MidspanServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Those of the wanted kinds. What cannot run is left out where nobody asked, or the client cannot show it."""
    session, uri = server.session, params.text_document.uri
    server.follow_settings()
    try:
        document = session.documents.document(uri)
        start, end = offsets_of(document, params.range, session.encoding)
    except DocumentError:
        return []  # the user was told when it was opened
    if end < start:
        return []
    context = params.context
    found = await asyncio.to_thread(_offers_of_syntax, document, start, end, context.diagnostics)
    if is_wanted(IMPORT, context.only):
        asked = (document, start, context.diagnostics, await view_around(session, uri), session.encoding)
        found = await asyncio.to_thread(import_offers, *asked) + found
    found = [offer for offer in found if is_wanted(offer.kind, context.only)]
    found = await _with_reasons(server, uri, document, found)
    shows_disabled, resolves = _shows_disabled(server, context), _resolves(server)
    actions = []
    for offer in found:
        if shows_disabled or not offer.disabled:
            data = ActionData(uri, document.version, offer.kind, offer.range or params.range, offer.detail)
            actions.append(_action(offer, data, resolves=resolves))
    return actions


def _offers_of_syntax(
    document: Document, start: int, end: int, diagnostics: Iterable[types.Diagnostic]
) -> list[ActionOffer]:
    holes = [ActionOffer(kind, hole.title) for kind, hole in holes_at(document, start, end).items()]
    return [*holes, *chat_offers(document, start, end, diagnostics)]


async def _with_reasons(
    server: MidspanServer, uri: str, document: Document, offers: list[ActionOffer]
) -> list[ActionOffer]:
    """The same offers; those that cannot run say why."""
    if not offers:
        return []
    not_here = await why_not_here(server.session, uri, document)
    no_chat = not_here or why_no_chat(server)
    no_completion = not_here or server.reported or ""
    no_tests = no_chat
    if not no_tests and any(offer.kind == TESTS for offer in offers):
        no_tests = await why_no_tests(server, uri, document)
    reasons = dict.fromkeys(CHAT_KINDS, no_chat) | {TESTS: no_tests}
    return [replace(offer, disabled=offer.disabled or reasons.get(offer.kind, no_completion)) for offer in offers]


async def why_not_here(session: Session, uri: str, document: Document) -> str:
    """Why a document is in no prompt; "" when it may be."""
    verdict = await asyncio.to_thread(judge, document, session.workspaces.of(uri).workspace)
    return "" if verdict.included else f"{document.path} is in no prompt: {verdict.why}."


def _shows_disabled(server: MidspanServer, context: types.CodeActionContext) -> bool:
    document = server.client_capabilities.text_document
    known = document.code_action if document is not None else None
    is_asked = context.trigger_kind != types.CodeActionTriggerKind.Automatic
    return is_asked and known is not None and known.disabled_support is True


def _resolves(server: MidspanServer) -> bool:
    """Whether the client asks for the edit of an action that has none. Others run a command."""
    document = server.client_capabilities.text_document
    known = document.code_action if document is not None else None
    return known is not None and known.resolve_support is not None and "edit" in known.resolve_support.properties


def _action(offer: ActionOffer, data: ActionData, *, resolves: bool) -> types.CodeAction:
    run = types.Command(offer.title, RUN_ACTION, arguments=[data.to_json(), offer.title])
    return types.CodeAction(
        offer.title,
        offer.kind,
        diagnostics=list(offer.diagnostics) or None,
        is_preferred=offer.is_preferred or None,
        disabled=types.CodeActionDisabled(offer.disabled) if offer.disabled else None,
        command=None if resolves or offer.disabled else run,
        data=data.to_json(),
    )
