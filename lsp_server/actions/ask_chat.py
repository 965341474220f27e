"""One question of an action to the chat model."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from context.collect import collect, judge
from context.pack import Budget, Pack, pack
from inference.prompt import Message
from lsp_server.actions.asked import Asked
from lsp_server.actions.draft_progress import OnText
from lsp_server.chat import ready_engine
from lsp_server.chat_request import answer, build_chat_request
from lsp_server.generate import Generated
from lsp_server.positions import position_of
from midspan import DocumentError, ModelError

if TYPE_CHECKING:  # the engine's module is loaded after `initialize` is answered
    from inference.any_engine import AnyEngine

_AROUND_TOKENS = 1536  # what is told of the file and of others; a question reads it whole, once
_AFTER_TOKENS = 256


async def ask_chat(
    asked: Asked,
    start: int,
    end: int,
    make_messages: Callable[[Pack], list[Message]],
    on_text: OnText,
    draft: str = "",
) -> Generated:
    """`make_messages` is given what stands around the place; `draft` is what the answer probably repeats.

    Raises MidspanError.
    """
    session, record = asked.session, asked.record
    engine = await ready_engine(asked.server)
    record.mark("load")
    record.model = engine.info.name
    record.packed = packed = await _pack_around(asked, engine, start, end)
    messages = make_messages(packed)
    request, _ = await asyncio.to_thread(build_chat_request, engine, messages, session.settings.chat.max_tokens)
    if draft:
        request = replace(request, draft_tokens=await asyncio.to_thread(engine.draft, draft))
    record.mark("pack")
    generated = await answer(session.start_chat_engine(), request, on_text)
    record.mark("engine")
    record.trace = generated.trace
    if generated.trace is None or generated.finish_reason == "cancelled":
        raise ModelError("The model was unloaded before it had answered. Ask again.")
    return generated


async def _pack_around(asked: Asked, engine: "AnyEngine", start: int, end: int) -> Pack:
    """What stands before and after the place, and what of other files matters there. Raises DocumentError."""
    session, document = asked.session, asked.document
    workspace = session.workspaces.of(asked.uri).workspace
    seen = session.snapshot(asked.uri, position_of(document, start, session.encoding))
    edits = session.edits.recent()
    room = min(_AROUND_TOKENS, engine.info.context_tokens // 3)

    def lay_out() -> Pack:
        verdict = judge(document, workspace)
        if not verdict.included:
            raise DocumentError(f"{document.path} is in no prompt: {verdict.why}.")
        snippets = collect(replace(seen, document=document, cursor=start), workspace, edits)
        around = replace(document, text=document.text[:start] + document.text[end:])
        budget = Budget(room, min(_AFTER_TOKENS, room // 4))
        return pack(replace(seen, document=around, cursor=start), snippets, budget, engine.count_tokens)

    return await asyncio.to_thread(lay_out)
