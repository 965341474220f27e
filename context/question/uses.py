"""Finds the places that use a definition: its callers and its tests."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from context.index.view import Definition, View
from context.question.asked import Asked
from context.question.parts import FoundDefinition, Part, PartKind, with_comment, worth_of_path
from context.related.counterpart import is_test

_MOST_CHUNKS = 200
_MOST_CALLERS, _MOST_TESTS = 3, 2  # of one definition
_CALLER, _TEST = 0.5, 0.4  # of the score of the definition that is used
_MENTION = 0.4  # of the worth of a call
_COMMENT = 0.3
_BY_RANK = 0.3
_WHOLE_LINES = 24  # a longer user is shown around the use
_LINES_AROUND = 6
_IMPORT = re.compile(r"^\s*(?:from\s|import\s|use\s|#include|export\s*[{*]|(?:var|let|const)\b.*\brequire\()")
_PROSE = frozenset({"markdown", "restructuredtext", "rst", "plaintext", "html", "xml"})
_COMMENT_LINE = re.compile(r"^\s*(?://|#|\*|/\*|--)")


@dataclass(frozen=True)
class Use:
    """A line that names something, and how much it is worth to an answer."""

    path: str
    line: int
    worth: float


def find_uses(found: Sequence[FoundDefinition], asked: Asked) -> Iterator[Part]:
    """Yield the callers and the tests of definitions."""
    for one in found:
        name = one.definition.symbol.name
        ranked = sorted(_uses(one.definition, asked), key=lambda use: (-use.worth, use.path, use.line))
        tests = (use for use in ranked if is_test(use.path))
        callers = (use for use in ranked if not is_test(use.path))
        yield from parts_of_uses("caller", f"uses {name}", _CALLER * one.score, callers, _MOST_CALLERS, asked.view)
        yield from parts_of_uses("test", f"tests {name}", _TEST * one.score, tests, _MOST_TESTS, asked.view)


def parts_of_uses(kind: PartKind, why: str, score: float, uses: Iterable[Use], most: int, view: View) -> Iterator[Part]:
    """Yield the first uses, one of each definition that uses."""
    seen: set[tuple[str, range]] = set()
    for use in uses:
        around, spans = _around(use, view)
        if (use.path, around) in seen:
            continue
        yield Part(kind, use.path, spans, why, score * use.worth / (1 + _BY_RANK * len(seen)))
        seen.add((use.path, around))
        if len(seen) == most:
            return


def _uses(definition: Definition, asked: Asked) -> Iterator[Use]:
    """Yield the lines that name a definition, without its own, other definitions of the name, and imports."""
    symbol = definition.symbol
    name = rf"(?<!\w){re.escape(symbol.name)}(?!\w)"
    named, called = re.compile(name), re.compile(rf"{name}\s*[(<\[{{]|@\S*{name}")
    defined = {(path, line) for path, line in _places(symbol.name, asked)}
    for path, first_line, text in asked.chunks(symbol.name, _MOST_CHUNKS):
        if symbol.name not in text or asked.view.language_of(path) in _PROSE:
            continue
        of_file = 1.0 if is_test(path) else worth_of_path(path)
        of_file *= 1.0 if asked.view.definitions_in(path) else _COMMENT
        for number, line in enumerate(text.split("\n"), first_line):
            is_own = path == definition.path and symbol.first_line <= number <= symbol.last_line
            if is_own or not named.search(line) or _IMPORT.match(line) or (path, number) in defined:
                continue
            worth = (1.0 if called.search(line) else _MENTION) * (_COMMENT if _COMMENT_LINE.match(line) else 1.0)
            yield Use(path, number, worth * of_file)


def innermost(path: str, line: int, view: View) -> Definition | None:
    """Return the innermost definition around a line."""
    around = [one for one in view.definitions_in(path) if one.symbol.first_line <= line <= one.symbol.last_line]
    return min(around, key=lambda one: one.symbol.last_line - one.symbol.first_line, default=None)


def _places(name: str, asked: Asked) -> Iterator[tuple[str, int]]:
    """Yield the first lines of all definitions of a name."""
    for definition in asked.view.definitions([name], _MOST_CHUNKS).get(name, ()):
        for line in range(definition.symbol.first_line, definition.symbol.first_line + 3):  # decorators stand above
            yield definition.path, line


def _around(use: Use, view: View) -> tuple[range, tuple[range, ...]]:
    """Return the lines of the innermost definition around a use, and those of them that show the use."""
    user = innermost(use.path, use.line, view)
    near = range(max(0, use.line - _LINES_AROUND), use.line + _LINES_AROUND + 1)
    if user is None:
        return near, (near,)
    whole = with_comment(user, view)
    if len(whole) <= _WHOLE_LINES:
        return whole, (whole,)
    head = user.symbol.first_line, user.symbol.first_line + user.symbol.signature.count("\n") + 1
    shown = range(max(near.start, whole.start), min(near.stop, whole.stop))
    return whole, (shown,) if shown.start <= head[1] else (range(*head), shown)
