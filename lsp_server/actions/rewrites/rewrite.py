"""Some lines of a document, as the chat model writes them anew."""

import asyncio
import re
from dataclasses import dataclass, replace

from context.documents.document import Document
from context.documents.indentation import indentation_of
from context.prompt.pack import Pack
from context.syntax.tree import breaks_syntax
from inference.api import Message
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.protocol.workspace_edit import Change
from lsp_server.actions.rewrites.ask_chat import Answered, ask_chat
from lsp_server.actions.rewrites.chat_prompts import fenced, insert_messages, rewrite_messages
from lsp_server.actions.rewrites.code_draft import CodeDraft
from lsp_server.actions.rewrites.fenced_code import code_of_answer
from lsp_server.actions.rewrites.line_diff import line_changes
from lsp_server.actions.rewrites.part import trimmed
from midspan import ModelError

# What a model writes in place of code that it should have repeated.
_ELISION = re.compile(
    r"^\s*(?:#|//|--|/\*|<!--)\s*(?:\.\.\.|…)"
    r"|\b(?:rest of (?:the|your)|existing|remaining|other) (?:code|methods|functions)\b",
    re.IGNORECASE | re.MULTILINE,
)
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Rewrite:
    """`new_text` is that of the range; `doubt` says what speaks against it."""

    start: int
    end: int
    new_text: str
    changes: tuple[Change, ...]
    doubt: str


async def rewrite_lines(
    asked: ActionContext, first: int, last: int, instruction: str, without_line: int | None = None
) -> Rewrite:
    """Whole lines, the last one included. The one to be left out is not shown to the model, and goes.

    Raises MidspanError, also when nothing comes of it.
    """
    document = asked.document
    first, last = trimmed(document, first, last)
    lines = [document.lines[line] for line in range(first, last + 1) if line != without_line]
    selected = "".join(lines).replace("\r\n", "\n").strip("\n")
    start, end = document.line_starts[first], document.line_end(last)
    return await _rewrite(asked, start, end, selected, indentation_of(selected), instruction)


async def rewrite_within_line(asked: ActionContext, start: int, end: int, instruction: str) -> Rewrite:
    """A piece of one line."""
    return await _rewrite(asked, start, end, asked.document.text[start:end], "", instruction)


async def write_in_place_of(asked: ActionContext, line: int, instruction: str) -> Rewrite:
    """New code where a comment line stands."""
    document = asked.document
    marker = document.lines[line]

    def messages(packed: Pack) -> list[Message]:
        return insert_messages(packed, marker, document.language, instruction)

    start, end = document.line_starts[line], document.line_end(line)
    coming = CodeDraft(asked.on_text, document.language)
    code = code_in(await ask_chat(asked, start, end, messages, coming.add, coming.is_whole), indentation_of(marker))
    return await _judged(document, start, end, code, (Change(start, end, code),))


async def _rewrite(asked: ActionContext, start: int, end: int, selected: str, indent: str, instruction: str) -> Rewrite:
    document = asked.document

    def messages(packed: Pack) -> list[Message]:
        return rewrite_messages(packed, selected, document.language, instruction)

    draft = fenced(selected, document.language)
    coming = CodeDraft(asked.on_text, document.language, selected)
    code = code_in(await ask_chat(asked, start, end, messages, coming.add, coming.is_whole, draft), indent)
    if code == selected:
        raise ModelError("Nothing is changed: the model writes the same again.")
    if "\r\n" in document.text:
        code = code.replace("\n", "\r\n")
    changes = line_changes(start, document.text[start:end], code)
    return await _judged(document, start, end, code, tuple(changes))


def code_in(answered: Answered, indent: str) -> str:
    """Raises ModelError when the answer holds none, or not all of it."""
    if answered.why_cut:
        raise ModelError(f"Nothing is changed: {answered.why_cut}. Select less, or say more exactly what to do.")
    code = code_of_answer(answered.text, indent)
    if code is None:
        said = " ".join(answered.text.split())[:_SHOWN_CHARACTERS]
        raise ModelError(f"Nothing is changed: the model wrote no code, but: {said or 'nothing'}")
    return code


async def _judged(document: Document, start: int, end: int, code: str, changes: tuple[Change, ...]) -> Rewrite:
    doubts = []
    old = document.text[start:end]
    if _ELISION.search(code) and not _ELISION.search(old):
        doubts.append("it leaves code out")
    changed = replace(document, text=document.text[:start] + code + document.text[end:])
    if await asyncio.to_thread(breaks_syntax, document, changed):
        doubts.append("it does not parse")
    return Rewrite(start, end, code, changes, ", ".join(doubts))
