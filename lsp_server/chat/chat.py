"""midspan/chat: the next answer of a conversation, which the client keeps."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lsprotocol import types

from inference.api import ContextFile, Engine
from lsp_server.chat.chat_feature import ChatFeature
from lsp_server.chat.chat_params import ChatParams
from lsp_server.chat.chat_references import Referred, read_references
from lsp_server.chat.chat_request import build_question_request
from lsp_server.chat.conversations import KeptMessage
from lsp_server.chat.question_place import place_uri
from lsp_server.chat.reading_progress import AnswerProgress
from lsp_server.rpc.converter import strict_converter
from lsp_server.server.server import MidspanServer
from lsp_server.telemetry.outcome import Outcome
from lsp_server.telemetry.record import Record
from midspan import ModelError, SettingsError


def register(feature: ChatFeature) -> None:
    """Add the request to the server."""

    @feature.server.feature("midspan/chat")
    async def chat(params: ChatParams) -> dict[str, Any]:
        return await answer_chat(feature, params)


async def answer_chat(feature: ChatFeature, params: ChatParams) -> dict[str, Any]:
    """Return the whole answer, each piece of which the client has been told. Raises MidspanError."""
    progress = AnswerProgress(feature.server.protocol, params.work_done_token)
    try:
        with feature.session.recorded(Record("chat", explicit=True)) as record:
            return await _answer_chat(feature, params, record, progress)
    finally:
        progress.end()


async def _answer_chat(
    feature: ChatFeature, params: ChatParams, record: Record, progress: AnswerProgress
) -> dict[str, Any]:
    feature.server.follow_settings()
    referred = [
        await read_references(feature.session, message, record, is_last=message is params.messages[-1])
        for message in params.messages
    ]
    record.mark("references")
    engine = await feature.ready_engine()
    record.mark("load")
    record.model = engine.info.name
    files = await _files_around(feature, engine, params, referred, record)
    asked, context = await feature.with_context(engine, params, referred, files, record)
    request, dropped = await asyncio.to_thread(build_question_request, engine, asked, feature.max_tokens, files)
    if files and params.text_document is not None:
        request = replace(request, kept_pages=await feature.kept_pages(params.text_document.uri))
    record.mark("pack")
    request = replace(request, on_read=progress.on_read(feature.reading_tokens_per_s))
    generated = await feature.answer(request, record, _teller(feature.server, params.partial_result_token, progress))
    if generated.finish_reason == "cancelled":
        raise ModelError("The model was unloaded before it had answered. Ask again.")
    record.shown_characters = len(generated.text)
    record.ends(Outcome.ANSWERED)
    answered = {"model": engine.info.name, "used": feature.used(params, referred[-1], context)}
    if params.keep:
        await _keep(feature, params, {"role": "assistant", "content": generated.text, **answered})
    return {
        "text": generated.text,
        "finish_reason": generated.finish_reason,
        "dropped_messages": dropped,
        "unknown": list(context.unknown),
        **answered,
    }


async def _keep(feature: ChatFeature, params: ChatParams, answer: KeptMessage) -> None:
    """Keep the conversation with its answer for the workspace. An error is told, and the answer is given all the same.

    Text of files that a reference names is not kept.
    """
    uri = place_uri(feature.session, params.text_document)
    workspace = feature.session.workspaces.of(uri).workspace
    if workspace is None:
        return
    asked = strict_converter().unstructure(params.messages)
    try:
        await asyncio.to_thread(feature.conversations.keep, workspace.root, asked, answer)
    except SettingsError as error:
        feature.server.warn(str(error))


async def _files_around(
    feature: ChatFeature, engine: Engine, params: ChatParams, referred: Sequence[Referred], record: Record
) -> tuple[ContextFile, ...]:
    """Return what of the repository around the document that the user looks at stands before the conversation.

    Only where the model completes too: it has read these files then, and for another one they would be so much more to
    read.
    """
    if params.text_document is None or not feature.completes:
        return ()
    paths = frozenset(used.path for one in referred for used, _ in one.parts)
    return await feature.files(engine, params.text_document.uri, paths, record)


def _teller(server: MidspanServer, token: str | int | None, progress: AnswerProgress) -> Callable[[str], None]:
    def tell(text: str) -> None:
        progress.end()
        if token is not None:
            server.protocol.notify(types.PROGRESS, types.ProgressParams(token, {"text": text}))

    return tell
