"""Parts a text into definitions and chunks: by its syntax where there is a grammar, else by its blank lines."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tree_sitter import Node, Parser, QueryCursor

from context.syntax.grammars import grammar

_MAX_SIGNATURE_CHARACTERS = 600
_MIN_CHUNK_LINES = 12
_MAX_CHUNK_LINES = 60
# The kinds of definitions that methods and fields are in.
_CONTAINERS = frozenset({"class", "struct", "interface", "enum", "implementation", "module", "type"})
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Symbol:
    """A definition. `container` is the class (or the like) around it, "" at the top."""

    name: str
    kind: str
    container: str
    signature: str  # the lines up to the body, as the file has them
    first_line: int
    last_line: int


@dataclass(frozen=True)
class Chunk:
    """The lines from `first_line` to before `end_line`. The chunks of a text are all of its lines."""

    first_line: int
    end_line: int


def parse(language: str, text: str, lines: Sequence[str]) -> tuple[list[Symbol], list[Chunk]]:
    """Return the definitions, in the order of the text, and the chunks."""
    symbols = _definitions(language, text, lines)
    starts = [symbol.first_line for symbol in symbols] if symbols else _paragraphs(lines)
    return symbols, _chunks(len(lines), sorted(set(starts)))


def _definitions(language: str, text: str, lines: Sequence[str]) -> list[Symbol]:
    found = grammar(language)
    if found is None:
        return []
    tables, query = found
    data = text.encode("utf-8", "replace")
    # A file with CR alone would be one line to tree-sitter, and the places would disagree.
    if "\r" in text and "\r" in text.replace("\r\n", "\n"):
        return []
    root = Parser(tables).parse(data).root_node
    placed = []
    for _, captures in QueryCursor(query).matches(root):
        name = captures["name"][0]
        for kind, nodes in captures.items():
            if kind != "name":
                node = nodes[0]
                symbol = _symbol(kind, node, name, data, lines)
                placed.append((node.start_byte, -node.end_byte, name.start_byte, symbol))
    placed.sort(key=lambda place: place[:3])
    return _with_containers(placed)


def _symbol(kind: str, node: Node, name: Node, data: bytes, lines: Sequence[str]) -> Symbol:
    whole = node
    while (parent := whole.parent) is not None and parent.type in (
        "decorated_definition",
        "export_statement",
        "template_declaration",
    ):
        whole = parent
    first, last = whole.start_point[0], whole.end_point[0]
    if whole.end_point[1] == 0 and last > first:
        last -= 1
    body = node.child_by_field_name("body")
    signature_first = node.start_point[0]
    signature_end = last + 1
    if body is not None and kind not in ("enum", "type"):
        signature_end = body.start_point[0] + 1
        on_own_line = not lines[body.start_point[0]][: body.start_point[1]].strip()
        if on_own_line and body.start_point[0] > signature_first:
            signature_end -= 1
    signature = "".join(lines[signature_first:signature_end])[:_MAX_SIGNATURE_CHARACTERS]
    text = data[name.start_byte : name.end_byte].decode("utf-8", "replace")
    return Symbol(_SPACE.sub(" ", text.split("::")[-1]), kind, "", signature.rstrip(), first, last)


def _with_containers(placed: Iterable[tuple[int, int, int, Symbol]]) -> list[Symbol]:
    """Return each definition once, with its container. Local functions and variables are left out."""
    result: list[Symbol] = []
    around: list[tuple[int, Symbol]] = []  # the end of each definition that is not over yet
    seen = set()
    for start, negative_end, name_start, symbol in placed:
        while around and around[-1][0] <= start:
            around.pop()
        inside = around[-1][1] if around else None
        if name_start in seen or (inside is not None and inside.kind not in _CONTAINERS):
            continue
        seen.add(name_start)
        if inside is not None:
            kind = symbol.kind
            if inside.kind != "module":
                kind = {"function": "method", "variable": "field"}.get(kind, kind)
            symbol = replace(symbol, kind=kind, container=inside.name)
        result.append(symbol)
        around.append((-negative_end, symbol))
    return result


def _paragraphs(lines: Sequence[str]) -> list[int]:
    """Return the lines at which a text without syntax may be parted: unindented lines after a blank one."""
    return [
        number
        for number in range(1, len(lines))
        if lines[number].strip() and not lines[number - 1].strip() and not lines[number][0].isspace()
    ]


def _chunks(line_count: int, starts: Sequence[int]) -> list[Chunk]:
    """Part the lines at definitions into chunks that are neither too small to tell anything nor too large to show."""
    chunks: list[Chunk] = []
    first = 0
    for start in (*starts, line_count):
        while start - first > _MAX_CHUNK_LINES:
            chunks.append(Chunk(first, first + _MAX_CHUNK_LINES))
            first += _MAX_CHUNK_LINES
        if start - first >= _MIN_CHUNK_LINES:
            chunks.append(Chunk(first, start))
            first = start
    if first < line_count:
        if chunks and line_count - first < _MIN_CHUNK_LINES:
            first = chunks.pop().first_line
        chunks.append(Chunk(first, line_count))
    return chunks
