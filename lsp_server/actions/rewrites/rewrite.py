"""Rewrites: the chat model writes some lines of a document anew."""

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
from lsp_server.actions.rewrites.ask_chat import ChatAnswer, ask_chat
from lsp_server.actions.rewrites.chat_prompts import code_block, insert_messages, rewrite_messages
from lsp_server.actions.rewrites.code_draft import CodeDraft
from lsp_server.actions.rewrites.fenced_code import common_indentation, extract_code
from lsp_server.actions.rewrites.kept_secrets import secrets_within, warn_of_lost_secrets
from lsp_server.actions.rewrites.line_diff import diff_lines
from lsp_server.actions.rewrites.selection import strip_blank_lines
from midspan import ModelError

# Placeholders that a model writes for code that it should have repeated.
_ELISION = re.compile(
    r"^\s*(?:#|//|--|/\*|<!--)\s*(?:\.\.\.|…)"
    r"|\b(?:rest of (?:the|your)|existing|remaining|other) (?:code|methods|functions)\b",
    re.IGNORECASE | re.MULTILINE,
)
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Rewrite:
    """The new text from `start` to `end`, as line changes, and a warning against it; "" for none."""

    start: int
    end: int
    new_text: str
    changes: tuple[Change, ...]
    warning: str


async def rewrite_lines(
    action: ActionContext, first: int, last: int, instruction: str, without_line: int | None = None
) -> Rewrite:
    """Rewrite whole lines, `last` included. Raises MidspanError, also for an answer without usable code.

    `without_line` is a line that the model does not see and that the rewrite deletes.
    """
    document = action.document
    first, last = strip_blank_lines(document, first, last)
    lines = [document.lines[line] for line in range(first, last + 1) if line != without_line]
    selected = "".join(lines).replace("\r\n", "\n").strip("\n")
    start, end = document.line_starts[first], document.line_end(last)
    indent = common_indentation(selected.split("\n")) if selected.strip() else indentation_of(selected)
    return await _rewrite(action, start, end, selected, indent, instruction)


async def rewrite_within_line(action: ActionContext, start: int, end: int, instruction: str) -> Rewrite:
    """Rewrite a piece of one line. Raises MidspanError."""
    return await _rewrite(action, start, end, action.document.text[start:end], "", instruction)


async def write_code_at_line(action: ActionContext, line: int, instruction: str) -> Rewrite:
    """Write new code in place of a comment line or a blank one. Raises MidspanError."""
    document = action.document
    marker = document.lines[line]

    def messages(packed: Pack) -> list[Message]:
        return insert_messages(packed, marker, document.language, instruction)

    start, end = document.line_starts[line], document.line_end(line)
    code_draft = CodeDraft(action.on_text, document.language)
    answer = await ask_chat(action, start, end, messages, code_draft.add, code_draft.is_whole)
    code = require_code(answer, indentation_of(marker))
    return await _check(document, start, end, code, (Change(start, end, code),))


async def _rewrite(
    action: ActionContext, start: int, end: int, selected: str, indent: str, instruction: str
) -> Rewrite:
    document, secrets = action.document, secrets_within(action, start, end)

    def messages(packed: Pack) -> list[Message]:
        return rewrite_messages(packed, selected, document.language, instruction)

    draft_text = code_block(selected, document.language)
    code_draft = CodeDraft(action.on_text, document.language, selected)
    answer = await ask_chat(action, start, end, messages, code_draft.add, code_draft.is_whole, draft_text)
    code = require_code(answer, indent)
    if code == selected:
        raise ModelError("Nothing is changed: the model wrote the same code again.")
    warning = warn_of_lost_secrets(selected, code, secrets)
    if "\r\n" in document.text:
        code = code.replace("\n", "\r\n")
    changes = diff_lines(start, document.text[start:end], code)
    return await _check(document, start, end, code, tuple(changes), warning)


def require_code(answer: ChatAnswer, indent: str) -> str:
    """Return the code of an answer. Raises ModelError when the answer holds no code or was cut."""
    if answer.cut_reason:
        raise ModelError(f"Nothing is changed: {answer.cut_reason}. Select less, or say more exactly what to do.")
    code = extract_code(answer.text, indent)
    if code is None:
        prose = " ".join(answer.text.split())[:_SHOWN_CHARACTERS]
        raise ModelError(f"Nothing is changed: the model answered without code: {prose or '(nothing)'}")
    return code


def leaves_code_out(code: str, old: str) -> bool:
    """Return whether a placeholder stands for code that the model should have written; `old` is what it replaces."""
    return _ELISION.search(code) is not None and _ELISION.search(old) is None


async def _check(
    document: Document, start: int, end: int, code: str, changes: tuple[Change, ...], warning: str = ""
) -> Rewrite:
    warnings = [warning] if warning else []
    old = document.text[start:end]
    if leaves_code_out(code, old):
        warnings.append("it leaves code out")
    changed = replace(document, text=document.text[:start] + code + document.text[end:])
    if await asyncio.to_thread(breaks_syntax, document, changed):
        warnings.append("it does not parse")
    return Rewrite(start, end, code, changes, ", ".join(warnings))
