"""The ring of context chunks that llama.vim sends with each request, by the rules of its version a1c8e6e."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

CHUNK_LINES = 64
_CHUNKS, _QUEUED = 16, 16
_LEAST_LINES = 3
_SAME, _NEAR = 0.9, 0.5
_WORDS = re.compile(r"\W+")


@dataclass(frozen=True)
class Chunk:
    """Lines of a file."""

    lines: tuple[str, ...]
    filename: str

    def as_json(self) -> dict[str, str]:
        """Return the entry of `input_extra`."""
        return {"text": "\n".join(self.lines) + "\n", "filename": self.filename}


class Ring:
    """Chunks wait in a queue until the client is idle, and then move to the ring one by one."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._chunks: list[Chunk] = []
        self._queued: list[Chunk] = []

    def pick(self, lines: Sequence[str], filename: str, *, evict: bool = True) -> None:
        """Queue a piece of the lines; without `evict` not when a chunk much like it is there."""
        if len(lines) < _LEAST_LINES:
            return
        chunk = Chunk(self._piece(lines), filename)
        known = [*self._chunks, *self._queued]
        if any(other.lines == chunk.lines for other in known):
            return
        for chunks in (self._queued, self._chunks):
            like = [other for other in chunks if similarity(other.lines, chunk.lines) > _SAME]
            if like and not evict:
                return
            for other in like:
                chunks.remove(other)
        if len(self._queued) == _QUEUED:
            del self._queued[0]
        self._queued.append(chunk)

    def evict_near(self, lines: Sequence[str]) -> None:
        """Drop the chunks that are like the text at the cursor: the model would repeat them."""
        near = self._piece(lines, always=True)
        self._chunks = [chunk for chunk in self._chunks if similarity(chunk.lines, near) <= _NEAR]

    def promote(self) -> bool:
        """Move the oldest queued chunk to the ring; False when none is queued."""
        if not self._queued:
            return False
        if len(self._chunks) == _CHUNKS:
            del self._chunks[0]
        self._chunks.append(self._queued.pop(0))
        return True

    def extra(self) -> list[dict[str, str]]:
        """Return `input_extra` of a request."""
        return [chunk.as_json() for chunk in self._chunks]

    def _piece(self, lines: Sequence[str], *, always: bool = False) -> tuple[str, ...]:
        if not always and len(lines) + 1 < CHUNK_LINES:
            return tuple(lines)
        first = self._random.randint(0, max(0, len(lines) - CHUNK_LINES // 2))
        return tuple(lines[first : min(first + CHUNK_LINES // 2, len(lines)) + 1])


def similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """Return twice the words of `other` that `one` has too, as a share of all words."""
    words, others = (_WORDS.split("\n".join(lines)) for lines in (one, other))
    known = set(words)
    total = len(words) + len(others)
    return 2.0 * sum(word in known for word in others) / total if total else 1.0
