"""Lines and blocks of Flask and Django, cut out of their files as if not yet written."""

import ast
import io
import random
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from evaluation.held_out_packages import HeldOutPackage, Pin, load_packages
from lsp_server.completion.triggers import BLOCK_LINES

SEED = 15
PINS = (
    Pin("Flask", "3.1.3", "BSD-3-Clause", "f4bcbefc124291925f1a26446da31a5178f9483862233b23c0c96a20701f670c"),
    Pin("Django", "5.2.19", "BSD-3-Clause", "5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00"),
)
_LEAST_LINES_BEFORE = 10  # at the top of a file there is nothing to go by
_LEAST_CHARACTERS = 8
_MOST_CHARACTERS = 100
_BLOCK_LINES = range(3, BLOCK_LINES + 1)
# After these, people stop typing and look for ghost text.
_PAUSE = re.compile(r"[.(\[{,=:] ?|\b(?:return|in|not|if|and|or|raise|await) ")


@dataclass(frozen=True)
class Hole:
    """A hole is `text[start:end]` of a package's file."""

    kind: Literal["line", "block"]
    package: HeldOutPackage
    path: str
    text: str
    start: int
    end: int

    @property
    def wanted(self) -> str:
        """The text that was cut out."""
        return self.text[self.start : self.end]

    @property
    def max_lines(self) -> int:
        """The lines that a completion is given there."""
        return 1 if self.kind == "line" else BLOCK_LINES

    @property
    def snapshot(self) -> Snapshot:
        """The file without the hole, and the cursor in its place."""
        text = self.text[: self.start] + self.text[self.end :]
        return Snapshot(Document(self.path, text, "python", version=1), self.start)


def draw_holes(count: int) -> list[Hole]:
    """Draw as many lines as blocks of each package, in turn; a smaller set is the beginning of a larger one."""
    turns = [_draw(package, kind) for package in load_packages(None, PINS) for kind in ("line", "block")]
    return [hole for round_of_holes in zip(*turns, strict=False) for hole in round_of_holes][:count]


def _draw(package: HeldOutPackage, kind: Literal["line", "block"]) -> list[Hole]:
    find = _lines if kind == "line" else _blocks
    rng = random.Random(f"{SEED} {package.name} {kind}")
    paths = [path for path in package.files if "/locale/" not in path and not path.endswith("__init__.py")]
    found = [
        Hole(kind, package, path, text, start, end)
        for path in paths
        if (text := package.files[path])
        for start, end in find(text, rng)
    ]
    rng.shuffle(found)
    return found


def _lines(text: str, rng: random.Random) -> Iterator[tuple[int, int]]:
    """Yield the rest of each line of code, from its first word or from a pause of typing in it."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for number in sorted(_code_lines(text)):
        end = text.find("\n", starts[number])
        line = text[starts[number] : end]
        code_at = len(line) - len(line.lstrip())
        pauses = [code_at, *(match.end() for match in _PAUSE.finditer(line, code_at))]
        pauses = [pause for pause in pauses if _LEAST_CHARACTERS <= len(line) - pause <= _MOST_CHARACTERS]
        if number >= _LEAST_LINES_BEFORE and pauses:
            yield starts[number] + rng.choice(pauses), end


def _code_lines(text: str) -> set[int]:
    """Return the numbers of lines that begin within code and are no imports, counted from 0."""
    inside: set[int] = set()
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        inside.update(range(token.start[0], token.end[0]))  # but for the first: all lines that begin within the token
        if token.type == tokenize.NAME and token.line.lstrip()[:7] not in ("import ", "from . "):
            code.add(token.start[0] - 1)
    lines = text.split("\n")
    return {n for n in code - inside if not lines[n].lstrip().startswith(("import ", "from ", '"', "'", "#"))}


def _blocks(text: str, rng: random.Random) -> Iterator[tuple[int, int]]:
    """Yield the insides of functions, branches and loops, without docstring and without their first indentation."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.With | ast.Try):
            continue
        body = node.body[1:] if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) else node.body
        if not body or (body[-1].end_lineno or 0) - body[0].lineno + 1 not in _BLOCK_LINES:
            continue
        start = starts[body[0].lineno - 1] + body[0].col_offset
        if text.rfind("\n", 0, start) + 1 + body[0].col_offset == start:
            yield start, text.find("\n", starts[(body[-1].end_lineno or 1) - 1])
