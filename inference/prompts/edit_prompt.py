"""Builds the prompts of models that were trained for next edits, from ids, and reads their outputs."""

import difflib
import re
from collections.abc import Iterator, Mapping

from inference.edit_window import EditPrompt, EditWindow, TextChange
from inference.prompts.edit_forms import PLAIN, EditForm, edit_form_of
from inference.prompts.edit_markers import MARKER, mark_blocks, read_blocks
from inference.prompts.families import Control, Pieces
from inference.prompts.prompt import TokenPrompt, encode_pieces
from inference.prompts.tokenizer import Tokenizer

_FEWER_LINES, _MORE_LINES = 2, 6  # that plain text may have than the window
_CURSOR = "<|cursor|>"
_NAME = re.compile(r"\{(\w+)\}")


def edit_window_lines(tokenizer: Tokenizer, name: str) -> tuple[int, int] | None:
    """Return how many lines above and below the cursor a model of this name writes; None: it is not trained for it."""
    form = edit_form_of(name, tokenizer.family)
    return (form.lines_above, form.lines_below) if form is not None else None


def build_edit_prompt(tokenizer: Tokenizer, name: str, window: EditWindow) -> EditPrompt:
    """Build the prompt of a model of this name, in its own form or as plain text."""
    form = edit_form_of(name, tokenizer.family) or PLAIN
    tokens = (() if tokenizer.sentinels.bos is None else (tokenizer.sentinels.bos,)) + tuple(
        encode_pieces(tokenizer, list(_pieces(form, window)))
    )
    is_over = (lambda text, _begin: _is_over(window, text)) if form.output == "text" else None
    return EditPrompt(TokenPrompt(tokens, tokenizer.path), lambda output: _read(form, window, output), is_over)


def _pieces(form: EditForm, window: EditWindow) -> Iterator[str | Control]:
    around = {"file": window.above + window.before + window.below, "around": window.above + window.below}
    opening = {name: _whole_lines(text) for name, text in around.items()}
    yield from _filled(form.opening, opening | {"path": window.path, "below": window.below or "\n"})
    for file in window.files:
        yield from _filled(form.file, {"path": file.path, "text": _whole_lines(file.text)})
    changes = window.changes[-form.most_changes :]
    if changes:
        yield from form.changes_opening
        for change in changes:
            yield from _filled(form.change, _change_values(form, change))
        yield from form.changes_closing
    values = {
        "path": window.path,
        "first_line": str(window.first_line),
        "last_line": str(window.last_line),
        "before": window.before,
        "current": window.current,
        "current_with_cursor": window.current[: window.cursor] + _CURSOR + window.current[window.cursor :],
        "above": window.above,
        "marked": mark_blocks(window.current, window.cursor) if form.output == "markers" else "",
    }
    yield from _filled(form.window, values)


def _change_values(form: EditForm, change: TextChange) -> dict[str, str]:
    before, after = _whole_lines(change.before), _whole_lines(change.after)
    if form.change_style == "blocks":
        first, last = change.first_line, change.first_line + max(1, after.count("\n")) - 1
        lines = {"first_line": str(first), "last_line": str(last)}
        return {"path": change.path, "before": before, "after": after, **lines}
    diff = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return {"path": change.path, "diff": "".join(list(diff)[2:])}


def _whole_lines(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _filled(pieces: Pieces, values: Mapping[str, str]) -> Iterator[str | Control]:
    for piece in pieces:
        yield piece if isinstance(piece, Control) else _NAME.sub(lambda match: values[match[1]], piece)


def _is_over(window: EditWindow, text: str) -> bool:
    """Return whether the window's last line has come, or what the model writes is no window of this length."""
    last = window.current.splitlines()[-1]
    is_whole = text.endswith("\n") and text.count("\n") >= window.current.count("\n") - _FEWER_LINES
    return (is_whole and text.splitlines()[-1] == last) or text.count("\n") > window.current.count("\n") + _MORE_LINES


def _read_text(window: EditWindow, output: str) -> str | None:
    """Return the output when the first and the last line of the window are in it as they were, else None."""
    old, new = (text.removesuffix("\n").split("\n") for text in (window.current, output))
    is_kept = len(new) > 1 and (new[0], new[-1]) == (old[0], old[-1])
    return _whole_lines("\n".join(new)) if is_kept else None


def _read(form: EditForm, window: EditWindow, output: str) -> str | None:
    if form.output == "markers":
        return None if MARKER.search(window.current) else read_blocks(output, window.current)
    if form.output == "text":
        return _read_text(window, output)
    return _whole_lines(output.replace(_CURSOR, "")) or None
