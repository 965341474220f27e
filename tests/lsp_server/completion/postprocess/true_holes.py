"""Holes cut at random out of real files, whose right answer is the text that stood there."""

import io
import random
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from context.documents.document import Document
from context.documents.languages import language_of
from context.documents.snapshot import Snapshot

Kind = Literal["rest of a line", "within a line", "whole lines", "from a line on", "between brackets"]
KINDS: tuple[Kind, ...] = ("rest of a line", "within a line", "whole lines", "from a line on", "between brackets")
_MOST_LINES = 8
_CLOSER_OF = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'"}


@dataclass(frozen=True)
class Hole:
    """A hole in a file: `middle` stood between `before` and `after`."""

    path: str
    before: str
    middle: str
    after: str

    @property
    def snapshot(self) -> Snapshot:
        text = self.before + self.after
        return Snapshot(Document(self.path, text, language_of(self.path), 1), len(self.before))


def library_files(count: int, rng: random.Random) -> list[Path]:
    """Return files of the standard library, without those that are no Python on purpose."""
    folder = Path(random.__file__).parent
    files = [
        path
        for path in sorted(folder.rglob("*.py"))
        if not {"site-packages", "lib2to3"} & set(path.parts) and 500 < path.stat().st_size < 100_000
    ]
    return rng.sample([path for path in files if _is_utf8(path)], count)


def _is_utf8(path: Path) -> bool:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return not path.name.startswith("bad")  # the tokenizer's own tests


def holes_of(name: str, text: str, kind: Kind, count: int, rng: random.Random) -> Iterator[Hole]:
    """Yield at most `count` holes: a hole of white space alone is left out."""
    for _ in range(count):
        cut = _cut(text, kind, rng)
        if cut is not None:
            start, end = cut
            if text[start:end].strip():
                yield Hole(name, text[:start], text[start:end], text[end:])


def _cut(text: str, kind: Kind, rng: random.Random) -> tuple[int, int] | None:
    if kind == "between brackets":
        start = rng.randrange(len(text))
        opener = next((at for at in range(start, len(text)) if text[at] in _CLOSER_OF), None)
        if opener is None:
            return None
        closer = text.find(_CLOSER_OF[text[opener]], opener + 1)
        return (opener + 1, closer) if closer >= 0 and text.count("\n", opener, closer) < _MOST_LINES else None
    start = rng.randrange(len(text))
    line_end = _line_end(text, start)
    if kind == "rest of a line":
        return start, line_end
    if kind == "within a line":
        return (start, rng.randrange(start, line_end + 1))
    if kind == "whole lines":
        start = text.rfind("\n", 0, start) + 1
        start += len(text[start:line_end]) - len(text[start:line_end].lstrip(" \t"))
    for _ in range(rng.randrange(_MOST_LINES)):
        line_end = _line_end(text, min(line_end + 1, len(text)))
    return start, line_end


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


Noise = Literal["the lines below", "the closing bracket", "the closing bracket and the rest of the line"]


def noises_of(name: str, text: str, noise: Noise, count: int, rng: random.Random) -> Iterator[tuple[Hole, str]]:
    """Yield holes, and the text of a model that writes the right answer and more."""
    if noise == "the lines below":
        for hole in holes_of(name, text, "whole lines", count, rng):
            lines = hole.after.split("\n")[1:]
            first = next((index for index, line in enumerate(lines) if len(line.strip()) > 4), None)
            if first is not None:
                yield hole, "\n".join([hole.middle, *lines[: first + 1]])
        return
    for opener, closer in rng.sample(pairs := list(_pairs_on_a_line(text)), min(count, len(pairs))):
        hole = Hole(name, text[: opener + 1], text[opener + 1 : closer], text[closer:])
        end = closer + 1 if noise == "the closing bracket" else _line_end(text, closer)
        if hole.middle.strip():
            yield hole, text[opener + 1 : end]


def _pairs_on_a_line(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of an opening bracket and its partner on the same line, by Python's own tokenizer."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    stack: list[tuple[int, int]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.OP and token.string in "([{":
            stack.append(token.start)
        elif token.type == tokenize.OP and token.string in ")]}":
            row, column = stack.pop()
            if row == token.start[0]:
                yield starts[row - 1] + column, starts[row - 1] + token.start[1]
