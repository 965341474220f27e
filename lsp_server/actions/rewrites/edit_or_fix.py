"""Edit and fix: the chat model rewrites lines by an instruction, or for a diagnostic."""

from context.secrets.masking import mask_text
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.rewrites.chat_prompts import diagnostics_text
from lsp_server.actions.rewrites.instruction import find_instruction
from lsp_server.actions.rewrites.rewrite import Rewrite, rewrite_lines, rewrite_within_line, write_code_at_line
from lsp_server.actions.rewrites.selection import expand_selection, selected_lines
from midspan import DocumentError


async def edit_by_comment(action: ActionContext) -> Rewrite:
    """Rewrite code by the instruction in a comment. Raises MidspanError."""
    found = find_instruction(action.document, action.start, action.end)
    if found is None:
        raise DocumentError(
            f"Nothing is changed: {action.document.path} has no `midspan: …` comment here. Write one and try again."
        )
    if found.asks_for_new_code:
        return await write_code_at_line(action, found.line, found.text)
    first = min(found.line, found.first)
    return await rewrite_lines(action, first, found.last, found.text, without_line=found.line)


async def edit_by_instruction(action: ActionContext, instruction: str) -> Rewrite:
    """Rewrite the selection, or the code around the cursor. Raises MidspanError.

    A selection within a line is rewritten exactly, a longer one as whole lines.
    """
    document = action.document
    first, last = selected_lines(document, action.start, action.end)
    if action.start == action.end:
        if not document.lines[first].strip():
            return await write_code_at_line(action, first, instruction)
        first, last = expand_selection(document, first, last)
    elif first == last and document.text[action.start : action.end].strip() != document.lines[first].strip():
        return await rewrite_within_line(action, action.start, action.end, instruction)
    return await rewrite_lines(action, first, last, instruction)


async def fix_diagnostics(action: ActionContext, messages: list[tuple[int, str]]) -> Rewrite:
    """Rewrite the code around a diagnostic; `messages` are pairs of line and message. Raises MidspanError."""
    document = action.document
    first, last = expand_selection(document, *selected_lines(document, action.start, action.end))
    # A linter may quote the secret that it warns about.
    hidden = [(line, mask_text(action.masked.hide(message), "")[0]) for line, message in messages]
    problems = diagnostics_text([(document.lines[line], message) for line, message in hidden])
    instruction = f"Fix only this problem, with as little change as possible:\n{problems}"
    return await rewrite_lines(action, first, last, instruction)
