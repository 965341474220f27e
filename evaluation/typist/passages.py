"""Passages of files: lines that are typed one after the other, with the file standing around them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from evaluation.typist.repositories import Repository

MOST_LINES = 8
_LONGEST_LINE = 120
# After these, people stop typing and look.
_PAUSE = re.compile(r"[.(\[{,=:]|(?:->|[-+*/<>&|?]) |\b(?:return|in|not|if|and|or|raise|await|func|def|const|let|new) ")
_OTHER_PAUSES = 12  # of the other places, every so many'th is a pause


@dataclass(frozen=True)
class Passage:
    """Lines of a file without a blank line between them: `text[start:end]`, the last line without its line end."""

    repository: str
    path: str
    text: str
    start: int
    end: int

    @property
    def typed(self) -> str:
        return self.text[self.start : self.end]

    @property
    def lines(self) -> int:
        return self.typed.count("\n") + 1

    @property
    def title(self) -> str:
        return f"{self.repository}:{self.path}:{self.start}"


def passages_of(repository: Repository) -> Iterator[Passage]:
    """Yield all passages of a repository: every line that is not blank is in one of them, but for very long ones."""
    for path, text in repository.files.items():
        start, at, lines = 0, 0, 0
        for line in [*text.splitlines(keepends=True), ""]:
            is_over = not line.strip() or len(line) > _LONGEST_LINE
            if lines and (is_over or lines == MOST_LINES):
                yield Passage(repository.name, path, text, start, len(text[:at].rstrip("\n")))
                lines = 0
            if not is_over:
                start = at if lines == 0 else start
                lines += 1
            at += len(line)


def draw_passages(repository: Repository, count_lines: int, seed: int) -> list[Passage]:
    """Draw passages of so many lines together, or of a few more; 0: all. A smaller set begins a larger one."""
    return draw(list(passages_of(repository)), count_lines, f"{seed} {repository.name}")


def draw(passages: list[Passage], count_lines: int, seed: str) -> list[Passage]:
    """Draw from the passages, in the same way."""
    if not count_lines:
        return passages
    passages = passages[:]
    Random(seed).shuffle(passages)
    drawn: list[Passage] = []
    while passages and sum(passage.lines for passage in drawn) < count_lines:
        drawn.append(passages.pop(0))
    return drawn


def pauses_in(passage: Passage, seed: int) -> Sequence[int]:
    """Return the offsets in `passage.typed` at which the typist pauses, in order.

    These are the beginning of each line behind its indentation, the places behind which people look, some others, and
    the end of each line.
    """
    typed, random = passage.typed, Random(f"{seed} {passage.title}")
    pauses, at = set(), 0
    for line in typed.split("\n"):
        code = len(line) - len(line.lstrip())
        pauses |= {at + code, at + len(line)}
        pauses |= {at + found.end() for found in _PAUSE.finditer(line, code)}
        pauses |= {at + i for i in range(code + 1, len(line)) if random.random() * _OTHER_PAUSES < 1}
        at += len(line) + 1
    return sorted(pauses)
