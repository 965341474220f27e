"""textDocument/codeAction: what is offered at a place. Nothing is asked of a model yet."""

import asyncio
from dataclasses import replace

from lsprotocol import types

from context.collect import judge
from context.document import Document
from lsp_server.actions import resolving
from lsp_server.actions.action_data import ActionData
from lsp_server.actions.holes import holes_at
from lsp_server.actions.import_actions import import_offers
from lsp_server.actions.kinds import ALL, IMPORT, is_wanted
from lsp_server.actions.offer import Offer
from lsp_server.actions.workspace_view import view_around
from lsp_server.positions import offset_of
from lsp_server.server import MidspanServer
from lsp_server.session import Session
from midspan import DocumentError


def register(server: MidspanServer) -> None:
    """Adds the feature to a server."""
    options = types.CodeActionOptions(code_action_kinds=list(ALL), resolve_provider=True)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return await offered(server, params)

    resolving.register(server)


async def offered(server: MidspanServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Those of the wanted kinds. What cannot run is left out where nobody asked, or the client cannot show it."""
    session, uri = server.session, params.text_document.uri
    server.follow_settings()
    try:
        document = session.documents.document(uri)
        start, end = (offset_of(document, at, session.encoding) for at in (params.range.start, params.range.end))
    except DocumentError:
        return []  # the user was told when it was opened
    only = params.context.only
    found = await asyncio.to_thread(_hole_offers, document, start, end)
    if is_wanted(IMPORT, only):
        view = await view_around(session, uri)
        asked = (document, start, params.context.diagnostics, view, session.encoding)
        found += await asyncio.to_thread(import_offers, *asked)
    found = [offer for offer in found if is_wanted(offer.kind, only)]
    if found and (reason := await why_not_here(session, uri, document) or _why_no_completion(server)):
        found = [replace(offer, disabled=reason) for offer in found]
    shows_disabled = _shows_disabled(server, params.context)
    return [
        _action(offer, ActionData(uri, document.version, offer.kind, params.range, offer.detail))
        for offer in found
        if shows_disabled or not offer.disabled
    ]


def _hole_offers(document: Document, start: int, end: int) -> list[Offer]:
    return [Offer(kind, hole.title) for kind, hole in holes_at(document, start, end).items()]


async def why_not_here(session: Session, uri: str, document: Document) -> str:
    """Why a document is in no prompt; "" when it may be."""
    verdict = await asyncio.to_thread(judge, document, session.workspaces.of(uri).workspace)
    return "" if verdict.included else f"{document.path} is in no prompt: {verdict.why}"


def _why_no_completion(server: MidspanServer) -> str:
    """Why the model that fills holes cannot be used, as far as it is known."""
    return server.reported or ""


def _shows_disabled(server: MidspanServer, context: types.CodeActionContext) -> bool:
    document = server.client_capabilities.text_document
    known = document.code_action if document is not None else None
    is_asked = context.trigger_kind != types.CodeActionTriggerKind.Automatic
    return is_asked and known is not None and known.disabled_support is True


def _action(offer: Offer, data: ActionData) -> types.CodeAction:
    return types.CodeAction(
        offer.title,
        offer.kind,
        diagnostics=list(offer.diagnostics) or None,
        is_preferred=offer.is_preferred or None,
        disabled=types.CodeActionDisabled(offer.disabled) if offer.disabled else None,
        data=data.to_json(),
    )
