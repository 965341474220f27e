"""One question of an action to the chat model."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from context.documents.snapshot import Snapshot
from context.prompt.pack import Budget, Pack, pack
from context.related.collect import judge
from inference.api import Engine, Message
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.protocol.draft_progress import OnText
from lsp_server.chat.chat import ready_engine
from lsp_server.chat.chat_request import answer, build_chat_request
from lsp_server.completion.postprocess.repetition import without_rounds
from midspan import DocumentError, ModelError

_AROUND_TOKENS = 1024  # of the document itself; a question reads them all
_AFTER_TOKENS = 256
_NUMBER = re.compile(r"\d+")
_MOST_PERIOD_LINES = 4
_SAME_SHAPES = 12


@dataclass(frozen=True)
class Answered:
    """`why_cut` says why the text has no end; "" when it has."""

    text: str
    why_cut: str = ""


async def ask_chat(
    asked: ActionContext,
    start: int,
    end: int,
    make_messages: Callable[[Pack], list[Message]],
    on_text: OnText,
    is_whole: Callable[[], bool] = lambda: False,
    draft: str = "",
) -> Answered:
    """`make_messages` is given what stands around the place. What comes after `is_whole` is not waited for.

    `draft` is what the answer probably repeats. Raises MidspanError.
    """
    session, record = asked.session, asked.record
    engine = await ready_engine(asked.server)
    record.mark("load")
    record.model = engine.info.name
    record.packed = packed = await _pack_around(asked, engine, start, end)
    files = await session.chat_files(engine, asked.uri, frozenset({asked.document.path}))
    messages = make_messages(packed)
    max_tokens = session.settings.chat.max_tokens
    request, _ = await asyncio.to_thread(build_chat_request, engine, messages, max_tokens, files)
    if draft:
        request = replace(request, draft_tokens=await asyncio.to_thread(engine.draft, draft))
    record.mark("pack")
    why_cut, is_ended = "", False

    def is_enough(text: str) -> bool:
        nonlocal why_cut, is_ended
        if not is_ended and text.endswith("\n"):
            is_ended = is_whole()
            if not is_ended and (without_rounds(text, "") != text or (not draft and _counts_on(text))):
                why_cut, is_ended = "the model only repeats itself", True
        return is_ended

    generated = await answer(session.start_chat_engine(), request, on_text, is_enough)
    record.mark("engine")
    record.trace = generated.trace
    if generated.trace is not None:
        session.chat_budget.learn(generated.trace)
    if generated.finish_reason == "length" and not is_ended:
        why_cut = "the answer was cut at chat.max_tokens"
    elif generated.trace is None or (generated.finish_reason == "cancelled" and not is_ended):
        raise ModelError("The model was unloaded before it had answered. Ask again.")
    return Answered(generated.text, why_cut)


def _counts_on(text: str) -> bool:
    """Whether the text goes on with the same lines but for their numbers, as a small model writes tests for ever."""
    shapes = [_NUMBER.sub("0", line) for line in text.rstrip("\n").split("\n")[-_MOST_PERIOD_LINES * _SAME_SHAPES :]]
    for period in range(1, _MOST_PERIOD_LINES + 1):
        last = shapes[-period * _SAME_SHAPES :]
        if len(last) == period * _SAME_SHAPES and last[period:] == last[:-period]:
            return True
    return False


async def _pack_around(asked: ActionContext, engine: Engine, start: int, end: int) -> Pack:
    """What stands before and after the place in its document. Raises DocumentError for one that is in no prompt."""
    session, document = asked.session, asked.document
    workspace = session.workspaces.of(asked.uri).workspace
    room = min(_AROUND_TOKENS, engine.info.context_tokens // 4)

    def lay_out() -> Pack:
        verdict = judge(document, workspace)
        if not verdict.included:
            raise DocumentError(f"{document.path} is in no prompt: {verdict.why}.")
        around = replace(document, text=document.text[:start] + document.text[end:])
        budget = Budget(room, min(_AFTER_TOKENS, room // 4))
        return pack(Snapshot(around, start), (), budget, engine.count_tokens)

    return await asyncio.to_thread(lay_out)
