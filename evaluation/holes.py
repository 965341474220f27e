"""Holes in files of the held-out packages: lines and blocks with a name that another file of the package defines.

The name stands nowhere else in the current file, so it can only come from the other file. The set of holes does not
depend on the training of the built-in model, and stays the same when that changes.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from context.syntax.imports import find_imports
from evaluation.held_out_packages import HeldOutPackage

SEED = 11
Kind = Literal["line", "block"]
# A function, a class, or a variable of the module.
DEFINITION = re.compile(
    r"^(?:[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(?=[A-Za-z])|(?=[A-Za-z]\w*[ \t]*(?::[^=\n]+)?=[^=]))(\w{5,})", re.M
)
# After these, people stop typing and look for ghost text.
_PAUSE = re.compile(r"[.(\[{,=:]|(?:=|,|:|->|[-+*/<>]) |\b(?:return|in|not|if|and|or|raise|await) ")
_LONGEST_LINE = 80
_BLOCK_LINES = range(2, 9)


@dataclass(frozen=True)
class Hole:
    """A hole is `text[start:end]` of the file at `path` and holds `name`, which the file `other` defines."""

    kind: Kind
    package: str
    path: str
    text: str
    start: int
    end: int
    name: str
    other_path: str
    other: str

    @property
    def wanted(self) -> str:
        """The text that was cut out."""
        return self.text[self.start : self.end]

    @property
    def title(self) -> str:
        """The name of the case in the kept results."""
        return f"{self.path}:{self.start}:{self.end}:{self.name}"


def draw_holes(packages: list[HeldOutPackage], count: int) -> list[Hole]:
    """Draw as many lines as blocks, in turn; a smaller set is the beginning of a larger set."""
    found: dict[Kind, list[Hole]] = {"line": [], "block": []}
    for package in packages:
        for path, text in package.files.items():
            if path.endswith("__init__.py"):  # mostly lists of names
                continue
            for other_path in _imported_files(path, text, package.files):
                for hole in _holes_between(package, path, other_path):
                    found[hole.kind].append(hole)
    for holes in found.values():
        Random(SEED).shuffle(holes)
    in_turn = [hole for pair in zip(found["line"], found["block"], strict=False) for hole in pair]
    return in_turn[:count]


def _imported_files(path: str, text: str, files: dict[str, str]) -> list[str]:
    """The package's files that a file imports, in the order of its text."""
    folder = path.split("/")[:-1]
    found: dict[str, None] = {}
    for module, names in find_imports("python", text):
        dots = len(module) - len(module.lstrip("."))
        above = folder[: len(folder) - dots + 1] if dots else []
        base = [*above, *[part for part in module.split(".") if part]]
        for target in (base, *([*base, name] for name in names)):
            for candidate in ("/".join(target) + ".py", "/".join([*target, "__init__.py"])):
                if candidate in files and candidate != path:
                    found[candidate] = None
    return list(found)


def _holes_between(package: HeldOutPackage, path: str, other_path: str) -> Iterator[Hole]:
    text, other = package.files[path], package.files[other_path]
    blocks = _blocks(text)
    for name in sorted(set(DEFINITION.findall(other))):
        uses = [match.start() for match in re.finditer(rf"\b{name}\b", text)]
        if not uses:
            continue
        if len(uses) == 1 and (line := _rest_of_line(text, uses[0])):
            yield Hole("line", package.name, path, text, *line, name, other_path, other)
        around = [(start, end) for start, end in blocks if start <= uses[0] and uses[-1] < end]
        if around:
            smallest = min(around, key=lambda span: span[1] - span[0])
            yield Hole("block", package.name, path, text, *smallest, name, other_path, other)


def _rest_of_line(text: str, use: int) -> tuple[int, int] | None:
    """The text from the last pause of typing before the name to the line end; None within prose or imports."""
    line_start, line_end = text.rfind("\n", 0, use) + 1, text.find("\n", use)
    line = text[line_start : use + 1]
    is_code = not re.match(r"\s*(?:from|import|def|class|#|@)", line) and "#" not in line
    if line_end < 0 or not is_code or any(text.count(q, 0, use) % 2 for q in ('"""', "'''")):
        return None
    code_start = line_start + len(line) - len(line.lstrip())
    pauses = [line_start + match.end() for match in _PAUSE.finditer(line) if line_start + match.end() <= use]
    start = max([code_start, *pauses])
    return (start, line_end) if start < line_end and line_end - start <= _LONGEST_LINE else None


def _blocks(text: str) -> list[tuple[int, int]]:
    """The insides of functions, branches and loops, of a few lines each, without their first indentation.

    Docstrings are left out: nobody wants them guessed.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    spans = []
    for node in ast.walk(ast.parse(text)):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if not isinstance(body, list) or not isinstance(node, ast.stmt) or isinstance(node, ast.ClassDef):
                continue
            if body and field == "body" and _is_docstring(body[0]):
                body = body[1:]
            if not body or (body[-1].end_lineno or 0) - body[0].lineno + 1 not in _BLOCK_LINES:
                continue
            line_start = starts[body[0].lineno - 1]
            line = text[line_start : text.find("\n", line_start)]
            end = text.find("\n", starts[(body[-1].end_lineno or 1) - 1])
            if line.strip() and end >= 0 and not _hangs_on(text, line_start):
                spans.append((line_start + len(line) - len(line.lstrip()), end))
    return spans


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _hangs_on(text: str, line_start: int) -> bool:
    """Return whether the first line is the rest of an `else` (an `elif`), a decorator or an import."""
    return bool(re.match(r"[ \t]*(?:elif\b|@|from\b|import\b)", text[line_start:]))
