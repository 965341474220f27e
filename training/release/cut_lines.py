"""Lines of held-out packages in the state in which their ends are not written yet: in their files, and in functions
that stand alone.
"""

import ast
import random
from collections.abc import Iterator

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from evaluation.held_out_packages import HeldOutPackage

LEAST_CHARACTERS, LINES_AROUND = 8, 25
_LEAST_LINES = 3  # of a function, behind its signature and docstring


def cut_lines(package: HeldOutPackage, count: int, dice: random.Random) -> Iterator[tuple[Snapshot, str]]:
    """Draw lines; each comes with the snapshot in which the rest of the line is not written yet."""
    paths = sorted(path for path, text in package.files.items() if text.count("\n") > 2 * LINES_AROUND)
    while count:
        path = dice.choice(paths)
        lines = package.files[path].split("\n")
        number = dice.randrange(LINES_AROUND, len(lines) - 5)
        if _is_code(lines[number]):
            yield _cut(path, lines, number, dice)
            count -= 1


def cut_functions(package: HeldOutPackage, count: int, dice: random.Random) -> Iterator[tuple[Snapshot, str]]:
    """Draw functions, and of each a line behind its docstring; the function is all that its file has.

    One without a line that is long enough is left out.
    """
    functions = [function for path in sorted(package.files) for function in _functions_in(package.files[path])]
    dice.shuffle(functions)
    for lines, first in functions[:count]:
        if numbers := [number for number in range(first, len(lines)) if _is_code(lines[number])]:
            yield _cut("code.py", [*lines, ""], dice.choice(numbers), dice)


def _functions_in(text: str) -> Iterator[tuple[list[str], int]]:
    """Yield the lines of each function without their common indentation, and the first line behind the docstring."""
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) else node.body
        begin, end = node.lineno - 1, node.end_lineno or node.lineno
        if body and end - (body[0].lineno - 1) >= _LEAST_LINES:
            indent = len(lines[begin]) - len(lines[begin].lstrip())
            outdented = [line if line[:indent].strip() else line[indent:] for line in lines[begin:end]]
            yield outdented, body[0].lineno - 1 - begin


def _is_code(line: str) -> bool:
    return len(line.strip()) >= LEAST_CHARACTERS and not line.lstrip().startswith("#")


def _cut(path: str, lines: list[str], number: int, dice: random.Random) -> tuple[Snapshot, str]:
    """Cut the line at its beginning or before its middle."""
    body = lines[number].lstrip()
    begun = 0 if dice.random() < 0.5 else dice.randrange(1, max(2, len(body) // 2))
    cut = len(lines[number]) - len(body) + begun
    before = "\n".join([*lines[:number], lines[number][:cut]])
    text = "\n".join([before, *lines[number + 1 :]])
    return Snapshot(Document(path, text, "python", 1), len(before)), lines[number][cut:]
