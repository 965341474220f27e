"""textDocument/codeAction: the actions at a place. No model is asked before the user chooses one."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from lsprotocol import types

from context.documents.document import Document
from context.related.collect import judge
from lsp_server.actions import edit_requests, resolve_action, run_action
from lsp_server.actions.holes.find_holes import find_holes
from lsp_server.actions.imports.offer_imports import offer_imports
from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.actions.protocol.action_offer import ActionOffer
from lsp_server.actions.protocol.kinds import ALL_KINDS, CHAT_KINDS, IMPORT, TESTS, is_wanted
from lsp_server.actions.protocol.workspace_view import view_workspace
from lsp_server.actions.rewrites import show_answer
from lsp_server.actions.rewrites.offer_chat_actions import offer_chat_actions, why_no_chat, why_no_tests
from lsp_server.actions.rewrites.saved_answers import SavedAnswers
from lsp_server.actions.run_action import RUN_ACTION
from lsp_server.rpc.positions import offsets_of
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from midspan import DocumentError


def register(features: ActionFeatures) -> None:
    """Add code actions and their commands to a server. Saved answers are deleted when its session closes."""
    options = types.CodeActionOptions(code_action_kinds=list(ALL_KINDS), resolve_provider=True)

    @features.server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return await list_actions(features, params)

    answers = SavedAnswers()
    features.session.on_close.append(answers.delete_all)
    for feature in (resolve_action, run_action, show_answer):
        feature.register(features, answers)
    edit_requests.register(features)


async def list_actions(features: ActionFeatures, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Return the actions of the kinds that the client wants.

    An action that cannot run is listed with its reason, if the user asked for the list and the client can show it.
    """
    server, session, uri = features.server, features.session, params.text_document.uri
    server.follow_settings()
    try:
        document = session.documents.document(uri)
        start, end = offsets_of(document, params.range, session.encoding)
    except DocumentError:
        return []  # the user was told when the document was opened
    if end < start:
        return []
    context = params.context
    found = await asyncio.to_thread(_offer_by_syntax, document, start, end, context.diagnostics)
    if is_wanted(IMPORT, context.only):
        arguments = (document, start, context.diagnostics, await view_workspace(session, uri), session.encoding)
        found = await asyncio.to_thread(offer_imports, *arguments) + found
    found = [offer for offer in found if is_wanted(offer.kind, context.only)]
    found = await _disable_unusable(features, uri, document, found)
    shows_disabled, resolves = _shows_disabled(server, context), _resolves(server)
    actions = []
    for offer in found:
        if shows_disabled or not offer.disabled:
            data = ActionData(uri, document.version, offer.kind, offer.range or params.range, offer.detail)
            actions.append(_action(offer, data, resolves=resolves))
    return actions


def _offer_by_syntax(
    document: Document, start: int, end: int, diagnostics: Iterable[types.Diagnostic]
) -> list[ActionOffer]:
    holes = [ActionOffer(kind, hole.title) for kind, hole in find_holes(document, start, end).items()]
    return [*holes, *offer_chat_actions(document, start, end, diagnostics)]


async def _disable_unusable(
    features: ActionFeatures, uri: str, document: Document, offers: list[ActionOffer]
) -> list[ActionOffer]:
    """Return the same offers; each that cannot run says why in `disabled`."""
    if not offers:
        return []
    excluded = await why_excluded(features.session, uri, document)
    no_chat = excluded or why_no_chat(features.chat)
    no_completion = excluded or features.completion.model.reported or ""
    no_tests = no_chat
    if not no_tests and any(offer.kind == TESTS for offer in offers):
        no_tests = await why_no_tests(features.session, uri, document)
    reasons = dict.fromkeys(CHAT_KINDS, no_chat) | {TESTS: no_tests}
    return [replace(offer, disabled=offer.disabled or reasons.get(offer.kind, no_completion)) for offer in offers]


async def why_excluded(session: Session, uri: str, document: Document) -> str:
    """Return why no prompt may hold a document; "" when one may."""
    verdict = await asyncio.to_thread(judge, document, session.workspaces.of(uri).workspace)
    return "" if verdict.included else f"{document.path} is in no prompt: {verdict.why}."


def _shows_disabled(server: MidspanServer, context: types.CodeActionContext) -> bool:
    document = server.client_capabilities.text_document
    known = document.code_action if document is not None else None
    is_asked = context.trigger_kind != types.CodeActionTriggerKind.Automatic
    return is_asked and known is not None and known.disabled_support is True


def _resolves(server: MidspanServer) -> bool:
    """Return whether the client asks for an action's edit by codeAction/resolve. Other clients run a command."""
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
