"""midspan/chat: the next answer of a conversation, which the client keeps."""

import asyncio
from collections.abc import Callable
from typing import Any

from lsprotocol import types

from inference.api import ContextFile, Engine
from lsp_server.chat.chat_params import ChatParams, parse_chat
from lsp_server.chat.chat_references import with_references
from lsp_server.chat.chat_request import answer, build_chat_request
from lsp_server.rpc.documents import path_of
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from lsp_server.telemetry.record import Record
from midspan import MidspanError, ModelError


def register(server: MidspanServer) -> None:
    """Adds the request to a server."""

    @server.feature("midspan/chat")
    async def chat(params: Any) -> dict[str, Any]:
        return await answer_chat(server, parse_chat(params))


async def answer_chat(server: MidspanServer, params: ChatParams) -> dict[str, Any]:
    """The whole answer, each piece of which the client has been told. Raises MidspanError."""
    with server.session.recorded(Record("chat", explicit=True)) as record:
        return await _answer_chat(server, params, record)


async def _answer_chat(server: MidspanServer, params: ChatParams, record: Record) -> dict[str, Any]:
    session = server.session
    server.follow_settings()
    messages = [await with_references(session, message) for message in params.messages]
    record.mark("references")
    engine = await ready_engine(server)
    record.mark("load")
    record.model = engine.info.name
    max_tokens = session.settings.chat.max_tokens
    files = await _files_around(session, engine, params)
    request, dropped = await asyncio.to_thread(build_chat_request, engine, messages, max_tokens, files)
    record.mark("pack")
    generated = await answer(session.start_chat_engine(), request, _teller(server, params.token))
    record.mark("engine")
    record.trace = generated.trace
    if generated.trace is not None:
        session.chat_budget.learn(generated.trace)
    if generated.trace is None or generated.finish_reason == "cancelled":
        raise ModelError("The model was unloaded before it had answered. Ask again.")
    record.shown_characters = len(generated.text)
    record.outcome = f"answered with {len(generated.text)} characters"
    return {
        "text": generated.text,
        "model": engine.info.name,
        "finish_reason": generated.finish_reason,
        "dropped_messages": dropped,
    }


async def _files_around(session: Session, engine: Engine, params: ChatParams) -> tuple[ContextFile, ...]:
    """What of the repository around the document that the user looks at stands before the conversation."""
    if params.uri is None:
        return ()
    references = (reference for message in params.messages for reference in message.references)
    referred = frozenset(path_of(reference.uri, session.roots) for reference in references)
    return await session.chat_files(engine, params.uri, referred)


async def ready_engine(server: MidspanServer) -> Engine:
    """Only a loaded model knows how long a prompt may be. Raises ModelError when it cannot be used."""
    engine = server.session.start_chat_engine()
    server.show_load(engine)
    ready = asyncio.wrap_future(engine.ready)
    await asyncio.wait([ready])  # which, unlike `await ready`, does not end the load when the client cancels
    error = ready.exception() if not ready.cancelled() else ModelError("The chat model was unloaded. Ask again.")
    if error is None:
        return engine
    if isinstance(error, MidspanError):
        raise error
    raise ModelError("The chat model failed unexpectedly; the log says where.") from error


def _teller(server: MidspanServer, token: str | int | None) -> Callable[[str], None]:
    def tell(text: str) -> None:
        if token is not None:
            server.protocol.notify(types.PROGRESS, types.ProgressParams(token, {"text": text}))

    return tell
