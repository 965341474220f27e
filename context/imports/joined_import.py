"""Joins a name to an import of the same module that a Python file has, in the form and order of the file."""

import re
import textwrap
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from posixpath import dirname

from context.documents.difference import find_change
from context.documents.document import Document
from context.imports.import_text import ImportText, is_in_text
from context.index.view import View

_STATEMENT = re.compile(
    r"^from[ \t]+(?P<module>[.\w]+)[ \t]+import[ \t]+(?:\((?P<bracket>[\w\s,]*?\w),?\s*\)|(?P<line>[\w \t,]*\w))"
    r"(?=[ \t]*\r?$)",
    re.MULTILINE,
)
_NAME = re.compile(r"\w[\w ]*")
_TELLING_NAMES = 3  # in imports of more than one, whose order is then no chance
_LINE_CHARACTERS = (79, 88, 95, 100, 120)  # limits of formatters
_MAX_NEIGHBOURS = 20  # files that are asked for their form of imports


@dataclass(frozen=True)
class _Statement:
    """`from module import names` at the left margin. The list of the names is from `start` up to `end`."""

    module: str
    names: tuple[str, ...]
    name_starts: tuple[int, ...]
    start: int
    end: int
    text: str
    text_start: int


# Writes an import of names in one form; the number is the limit of a line.
_Form = Callable[[str, Sequence[str], int], str]


def join_import(document: Document, module: str, name: str, view: View | None) -> ImportText | None:
    """Return the change; None where no import of the module can take the name, or where each name has its own line."""
    text = document.text
    statements = [_statement(match) for match in _STATEMENT.finditer(text) if not is_in_text(document, match.start())]
    own = [one for one in statements if one.module == module]
    if not own or _has_line_each([(one.module, len(one.names)) for one in statements], document, view):
        return None
    in_brackets = [one for one in own if text[one.start - 1] == "(" or "\n" in one.text]
    statement = (in_brackets or own)[-1]
    place = _place(name, statement, statements)
    limit = _limit_of(document)
    names = [*statement.names[:place], name, *statement.names[place:]]
    for form in (_on_one_line, *_BRACKETED):
        for longest in _LINE_CHARACTERS:
            if form(module, statement.names, longest) != statement.text:
                continue
            written = form(module, names, longest)
            if form is _on_one_line and len(written) > limit:
                written = _bracket_form(statements)(module, names, limit)
            change = find_change(statement.text, written)
            start, end = statement.text_start + change.start, statement.text_start + change.old_end
            return ImportText(start, end, written[change.start : change.new_end])
    return _insert(text, statement, name, place)


def _statement(match: re.Match[str]) -> _Statement:
    group = "line" if match["bracket"] is None else "bracket"
    found = list(_NAME.finditer(match[group]))
    starts = tuple(match.start(group) + one.start() for one in found)
    names = tuple(one[0].rstrip() for one in found)
    return _Statement(match["module"], names, starts, *match.span(group), match[0], match.start())


def _has_line_each(counts: Sequence[tuple[str, int]], document: Document, view: View | None) -> bool:
    """Return whether each name has an import of its own: in the file or, where it does not say, in those beside it."""
    found = _is_one_by_one(counts)
    if found is not None or view is None:
        return bool(found)
    suffix = document.path.rpartition(".")[2]
    beside = [path for path in view.in_folder(dirname(document.path)) if path.endswith(f".{suffix}")]
    votes = Counter(
        _is_one_by_one([(module, len(names)) for module, names in view.imports(path) if names])
        for path in beside[:_MAX_NEIGHBOURS]
    )
    return votes[True] > votes[False]


def _is_one_by_one(counts: Sequence[tuple[str, int]]) -> bool | None:
    """Return whether no import takes several names though a module has several imports; None: neither is there."""
    if any(count > 1 for _, count in counts):
        return False
    return True if len({module for module, _ in counts}) < len(counts) else None


def _place(name: str, statement: _Statement, statements: Sequence[_Statement]) -> int:
    """Return the place of a new name among those of a statement: in their order, if the file's imports have one."""
    lists = [one.names for one in statements if len(one.names) > 1]
    if sum(map(len, lists)) >= _TELLING_NAMES:
        for key in (_by_kind, str.lower, str):
            if all(list(names) == sorted(names, key=key) for names in lists):
                return bisect(statement.names, key(name), key=key)
    return len(statement.names)


def _by_kind(name: str) -> tuple[int, str]:
    """Return isort's key: constants come first, then classes, then functions."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower()


def _limit_of(document: Document) -> int:
    """Return the least limit of formatters that the lines of the file keep."""
    longest = max((len(line.rstrip()) for line in document.lines), default=0)
    return next((limit for limit in _LINE_CHARACTERS if longest <= limit), _LINE_CHARACTERS[1])


def _on_one_line(module: str, names: Sequence[str], _limit: int) -> str:
    return f"from {module} import {', '.join(names)}"


def _line_each(module: str, names: Sequence[str], _limit: int) -> str:
    return "".join((f"from {module} import (\n", *(f"    {name},\n" for name in names), ")"))


def _on_full_lines(module: str, names: Sequence[str], limit: int) -> str:
    return f"from {module} import (\n{_fill(names, limit, '    ', '    ')},\n)"


def _below_the_bracket(module: str, names: Sequence[str], limit: int) -> str:
    begin = f"from {module} import ("
    return _fill(names, limit - 1, begin, " " * len(begin)) + ")"


_BRACKETED: tuple[_Form, ...] = (_line_each, _on_full_lines, _below_the_bracket)


def _fill(names: Sequence[str], limit: int, first_indent: str, indent: str) -> str:
    kept = ", ".join(name.replace(" ", "\0") for name in names)
    filled = textwrap.fill(
        kept,
        limit,
        initial_indent=first_indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace("\0", " ")


def _bracket_form(statements: Sequence[_Statement]) -> _Form:
    """Return the form of the file's imports in brackets, a line for each name where there is none."""
    for one in statements:
        for form in _BRACKETED:
            if len(one.names) > 1 and any(form(one.module, one.names, n) == one.text for n in _LINE_CHARACTERS):
                return form
    return _line_each


def _insert(text: str, statement: _Statement, name: str, place: int) -> ImportText:
    """Write the name beside the others of a statement in a form of its own."""
    lines = text[statement.start : statement.end].split("\n")
    between = ",\n" + lines[-1][: len(lines[-1]) - len(lines[-1].lstrip())] if len(lines) > 1 else ", "
    if place == len(statement.names):
        return ImportText(statement.end, statement.end, between + name)
    start = statement.name_starts[place]
    return ImportText(start, start, name + between)
