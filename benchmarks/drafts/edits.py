"""Edits of the functions of a file, each with the function as its draft."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from inference.api import Message, Request
from inference.local_engine import LocalEngine

Edit = Literal["rename", "argument", "docstring"]

_LINES = range(12, 61)
_ASKED: dict[Edit, str] = {
    "rename": "Rename the variable `{name}` to `renamed_{name}`.",
    "argument": "Add the argument `verbose=False` at the end of the parameters, and change nothing else.",
    "docstring": "Add a docstring of one line, and change nothing else.",
}


def functions(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the text of each function of a fitting size, with one of its variables that occurs more than once."""
    source = file.read_text()
    for node in ast.walk(ast.parse(source)):
        text = ast.get_source_segment(source, node) if isinstance(node, ast.FunctionDef) else None
        if text is None or text.count("\n") not in _LINES:
            continue
        names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        if names:
            yield text, max(names, key=names.count)


def edit_request(engine: LocalEngine, edit: Edit, text: str, name: str, tokens: int) -> Request:
    """Ask a model that chats for an edit of a function."""
    asked = f"{_ASKED[edit].format(name=name)} Answer with the whole function, in one code block."
    block = f"```python\n{text}\n```"
    prompt = engine.chat_prompt([Message("user", f"{block}\n{asked}")])
    return Request(prompt, tokens, drafts=(engine.draft("edit", block),))


def echo_request(engine: LocalEngine, text: str, tokens: int) -> Request:
    """Ask any model to go on with a function; the draft is its own output, to be set by `with_echo`."""
    head = "".join(text.splitlines(keepends=True)[:6])
    return Request(engine.fim_prompt("", head, ""), tokens)


def with_echo(engine: LocalEngine, request: Request, output: str, changed_line: int) -> Request:
    """Give the request its own output as the draft, in which one line of `changed_line` is changed."""
    lines = output.splitlines(keepends=True)
    for index in range(changed_line - 1, len(lines), changed_line):
        lines[index] = lines[index].replace("e", "o")
    return replace(request, drafts=(engine.draft("edit", "".join(lines)),))
