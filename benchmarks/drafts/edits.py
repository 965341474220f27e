"""Edits of the functions of a file, each with the function as its draft."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.prompt.pack import Budget, pack
from inference.api import Request
from inference.local_engine import LocalEngine
from lsp_server.actions.rewrites.chat_prompts import code_block, rewrite_messages
from lsp_server.actions.rewrites.code_draft import CodeDraft

Edit = Literal["rename", "argument", "docstring"]

_LINES = range(12, 61)
_ROOM = Budget(1024, 256)  # of the document around the function, as an action asks
_ASKED: dict[Edit, str] = {
    "rename": "Rename the variable `{name}` to `renamed_{name}`.",
    "argument": "Add the argument `verbose=False` at the end of the parameters, and change nothing else.",
    "docstring": "Add a docstring of one line, and change nothing else.",
}


@dataclass(frozen=True)
class Function:
    """The whole lines `first` to `last` of a file, with one of their variables that occurs more than once."""

    document: Document
    first: int
    last: int
    variable: str


def functions(file: Path) -> Iterator[Function]:
    """Yield each function of a fitting size."""
    document = Document(file.name, file.read_text(), "python", version=1)
    for node in ast.walk(ast.parse(document.text)):
        if not isinstance(node, ast.FunctionDef) or (node.end_lineno or 0) - node.lineno not in _LINES:
            continue
        names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        if names:
            yield Function(document, node.lineno - 1, (node.end_lineno or 0) - 1, max(names, key=names.count))


def edit_request(engine: LocalEngine, edit: Edit, function: Function, tokens: int) -> Request:
    """Ask a model that chats for an edit of a function, as an action does. The request ends with the block of code."""
    document = function.document
    start, end = document.line_starts[function.first], document.line_end(function.last)
    selected = document.text[start:end]
    around = replace(document, text=document.text[:start] + document.text[end:])
    packed = pack(Snapshot(around, start), (), _ROOM, engine.count_tokens)
    messages = rewrite_messages(packed, selected, "python", _ASKED[edit].format(name=function.variable))
    draft = engine.draft("edit", code_block(selected, "python"))
    return Request(engine.chat_prompt(messages), tokens, is_over=_ends_with_the_code, drafts=(draft,))


def _ends_with_the_code(text: str, begins_at: int) -> bool:
    code = CodeDraft(lambda _: None, "python")
    code.add(text)
    return text.endswith("\n") and code.is_whole()


def echo_request(engine: LocalEngine, function: Function, tokens: int) -> Request:
    """Ask any model to go on with a function; the draft is its own output, to be set by `with_echo`."""
    head = "".join(function.document.lines[function.first : function.first + 6])
    return Request(engine.fim_prompt("", head, ""), tokens)


def with_echo(engine: LocalEngine, request: Request, output: str, changed_line: int) -> Request:
    """Give the request its own output as the draft, in which one line of `changed_line` is changed."""
    lines = output.splitlines(keepends=True)
    for index in range(changed_line - 1, len(lines), changed_line):
        lines[index] = lines[index].replace("e", "o")
    return replace(request, drafts=(engine.draft("edit", "".join(lines)),))
