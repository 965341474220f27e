"""A question of an action to the chat model."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from context.documents.snapshot import Snapshot
from context.prompt.pack import Budget, Pack, pack
from context.related.collect import require_included
from context.secrets.masking import count_masked
from inference.api import Engine, Message
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.protocol.draft_progress import OnText
from lsp_server.chat.chat_request import build_chat_request
from lsp_server.completion.postprocess.repetition import without_repeated_lines
from midspan import ModelError

_AROUND_TOKENS = 1024  # of the document around the place; the engine prefills them for each new place
_AFTER_TOKENS = 256
_NUMBER = re.compile(r"\d+")
_MOST_PERIOD_LINES = 4
_SAME_SHAPES = 12  # so many equal periods in a row are a loop


@dataclass(frozen=True)
class ChatAnswer:
    """The model's answer. `cut_reason` says why it has no end; "" for a whole answer."""

    text: str
    cut_reason: str = ""


async def ask_chat(
    action: ActionContext,
    start: int,
    end: int,
    make_messages: Callable[[Pack], list[Message]],
    on_text: OnText,
    is_whole: Callable[[], bool] = lambda: False,
    draft_text: str = "",
) -> ChatAnswer:
    """Ask the chat model about `start` to `end`, offsets in the document. Raises MidspanError.

    `make_messages` gets the text around the place. `is_whole` tells, after each line, whether the rest of the answer
    may be dropped. `draft_text` is a text that the answer probably repeats.
    """
    chat, record = action.features.chat, action.record
    engine = await chat.ready_engine()
    record.mark("load")
    record.model = engine.info.name
    record.packed = packed = await _pack_around(action, engine, start, end)
    files = await chat.files(engine, action.uri, frozenset({action.document.path}), record)
    messages = make_messages(packed)
    record.masks(count_masked([message.content for message in messages], action.masked.rules))
    request, _ = await asyncio.to_thread(build_chat_request, engine, messages, chat.max_tokens, files)
    if draft_text:
        request = replace(request, drafts=(await asyncio.to_thread(engine.draft, "edit", draft_text),))
    record.mark("pack")
    cut_reason, is_ended = "", False

    def is_enough(text: str) -> bool:
        nonlocal cut_reason, is_ended
        if not is_ended and text.endswith("\n"):
            is_ended = is_whole()
            if not is_ended and (without_repeated_lines(text, "") != text or (not draft_text and _only_counts(text))):
                cut_reason, is_ended = "the model only repeats itself", True
        return is_ended

    generated = await chat.answer(request, record, on_text, is_enough)
    if generated.finish_reason == "length" and not is_ended:
        cut_reason = "the answer was cut at chat.max_tokens"
    elif generated.finish_reason == "cancelled" and not is_ended:
        raise ModelError("The model was unloaded before it had answered. Ask again.")
    return ChatAnswer(generated.text, cut_reason)


def _only_counts(text: str) -> bool:
    """Return whether the last lines repeat except for their numbers, as when a small model writes tests for ever."""
    shapes = [_NUMBER.sub("0", line) for line in text.rstrip("\n").split("\n")[-_MOST_PERIOD_LINES * _SAME_SHAPES :]]
    for period in range(1, _MOST_PERIOD_LINES + 1):
        last = shapes[-period * _SAME_SHAPES :]
        if len(last) == period * _SAME_SHAPES and last[period:] == last[:-period]:
            return True
    return False


async def _pack_around(action: ActionContext, engine: Engine, start: int, end: int) -> Pack:
    """Pack the text before and after the place. Raises ExcludedError for a document that a rule excludes."""
    session, document = action.session, action.document
    workspace = session.workspaces.of(action.uri).workspace
    room = min(_AROUND_TOKENS, engine.info.context_tokens // 4)

    def lay_out() -> Pack:
        require_included(document, workspace)
        around = replace(document, text=document.text[:start] + document.text[end:])
        budget = Budget(room, min(_AFTER_TOKENS, room // 4))
        return pack(Snapshot(around, start), (), budget, engine.count_tokens)

    return await asyncio.to_thread(lay_out)
