"""The rewrites of the actions that a chat model does: by instruction, and for a diagnostic."""

from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.rewrites.chat_prompts import diagnostics_text
from lsp_server.actions.rewrites.instruction import instruction_at
from lsp_server.actions.rewrites.part import lines_of_range, part_around
from lsp_server.actions.rewrites.rewrite import Rewrite, rewrite_lines, rewrite_within_line, write_in_place_of
from midspan import DocumentError


async def edit_by_comment(asked: ActionContext) -> Rewrite:
    """By the instruction that a comment gives. Raises MidspanError."""
    found = instruction_at(asked.document, asked.start, asked.end)
    if found is None:
        raise DocumentError(f"Nothing is changed: there is no instruction in {asked.document.path}. Ask again.")
    if found.asks_for_new_code:
        return await write_in_place_of(asked, found.line, found.said)
    first = min(found.line, found.first)
    return await rewrite_lines(asked, first, found.last, found.said, without_line=found.line)


async def edit_by_instruction(asked: ActionContext, instruction: str) -> Rewrite:
    """What is selected: exactly that within a line, else whole lines; at a cursor, the part around it."""
    document = asked.document
    first, last = lines_of_range(document, asked.start, asked.end)
    if asked.start == asked.end:
        if not document.lines[first].strip():
            return await write_in_place_of(asked, first, instruction)
        first, last = part_around(document, first, last)
    elif first == last and document.text[asked.start : asked.end].strip() != document.lines[first].strip():
        return await rewrite_within_line(asked, asked.start, asked.end, instruction)
    return await rewrite_lines(asked, first, last, instruction)


async def fix(asked: ActionContext, messages: list[tuple[int, str]]) -> Rewrite:
    """What diagnostics say of lines of the document. Raises MidspanError."""
    document = asked.document
    first, last = part_around(document, *lines_of_range(document, asked.start, asked.end))
    told = diagnostics_text([(document.lines[line], message) for line, message in messages])
    return await rewrite_lines(asked, first, last, f"Fix only this problem, with as little change as possible:\n{told}")
