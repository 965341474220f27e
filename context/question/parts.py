"""The parts of files that an answer may need."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from context.index.view import Definition, View
from context.related.counterpart import is_test

PartKind = Literal[
    "reference", "selection", "document", "definition", "caller", "test", "similar", "edit", "folder", "overview"
]

# The kinds of definitions that hold others.
CONTAINERS = frozenset({"class", "struct", "interface", "enum", "implementation", "module", "type"})

_RECEIVER = re.compile(r"func\s*\(\s*\w*\s*\*?(\w+)")  # of a method in Go
_COMMENT_MARKS = ("//", "#", "*", "/*", "--", ";;", "@", "///")
_MOST_COMMENT_LINES = 8  # the nearest: a longer comment would take the room of the code
_MOST_HEADS = 80


@dataclass(frozen=True)
class Part:
    """Lines of a file, in spans from the first to before the last, and what they are to the question.

    The higher the `score`, the more they matter. `why` is for the user.
    """

    kind: PartKind
    path: str
    spans: tuple[range, ...]
    why: str
    score: float


@dataclass(frozen=True)
class FoundDefinition:
    """A definition that the question may mean, and how likely, between 0 and 1."""

    definition: Definition
    score: float
    why: str
    is_sure: bool = False  # its name stands in the question as code
    is_mentioned: bool = False  # after "@"

    @property
    def place(self) -> tuple[str, int]:
        """The place where it stands: no other definition stands there."""
        return self.definition.path, self.definition.symbol.first_line


def with_comment(definition: Definition, view: View) -> range:
    """Return the lines of a definition, with those of the comment that stands right above it."""
    symbol = definition.symbol
    above = view.lines(definition.path, max(0, symbol.first_line - _MOST_COMMENT_LINES), symbol.first_line)
    first = symbol.first_line
    for line in reversed(above.split("\n")[:-1]):
        if not line.strip().startswith(_COMMENT_MARKS):
            break
        first -= 1
    return range(first, symbol.last_line + 1)


def members_of(definition: Definition, view: View) -> list[Definition]:
    """Return the definitions that belong to a definition: those in it and, in Go, its methods in the same file."""
    name = definition.symbol.name
    if definition.symbol.kind not in CONTAINERS:
        return []
    return [
        other
        for other in view.definitions_in(definition.path)
        if owner_of(other) == name and (other.symbol.container == "" or is_in(other, definition))
    ]


def owner_of(definition: Definition) -> str:
    """Return the name of the class, or the like, that a definition belongs to; "" for none."""
    symbol = definition.symbol
    if symbol.container or symbol.kind != "method":
        return symbol.container
    receiver = _RECEIVER.match(symbol.signature.strip())
    return receiver[1] if receiver else ""


def is_in(definition: Definition, other: Definition) -> bool:
    """Return whether a definition stands in another one."""
    return definition.path == other.path and (
        other.symbol.first_line <= definition.symbol.first_line <= definition.symbol.last_line <= other.symbol.last_line
    )


def outline_of_definition(
    definition: Definition, members: Sequence[Definition], view: View, most_lines: int
) -> tuple[range, ...]:
    """Return the first lines of a definition and of its members, as many as there is room for."""
    whole = with_comment(definition, view)
    head_lines = definition.symbol.signature.count("\n") + 1 + definition.symbol.first_line - whole.start
    first_member = min((member.symbol.first_line for member in members), default=whole.stop)
    head_end = min(first_member, whole.start + max(head_lines, most_lines // 2), whole.stop)
    spans, left = [range(whole.start, head_end)], most_lines - (head_end - whole.start)
    for member in members:
        lines = member.symbol.signature.count("\n") + 1
        if lines > left:
            break
        spans.append(range(member.symbol.first_line, member.symbol.first_line + lines))
        left -= lines
    return tuple(joined(spans))


def heads_of(definitions: Sequence[Definition]) -> tuple[range, ...]:
    """Return the first lines of definitions, which say what they are."""
    symbols = [definition.symbol for definition in definitions]
    return tuple(
        joined([range(one.first_line, one.first_line + one.signature.count("\n") + 1) for one in symbols[:_MOST_HEADS]])
    )


def joined(spans: Sequence[range]) -> list[range]:
    """Return the spans in the order of their lines, those that meet as one."""
    ordered: list[range] = []
    for span in sorted(spans, key=lambda span: span.start):
        if ordered and span.start <= ordered[-1].stop:
            ordered[-1] = range(ordered[-1].start, max(ordered[-1].stop, span.stop))
        elif span:
            ordered.append(span)
    return ordered


def worth_of_path(path: str) -> float:
    """Return how much a file matters by its path: what a project is made of matters more than tests and examples."""
    if is_test(path):
        return 0.45
    folders = set(path.lower().split("/")[:-1])
    return 0.6 if folders & {"examples", "example", "docs", "doc", "vendor", "third_party", "benchmarks"} else 1.0
