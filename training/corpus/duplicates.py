"""Near-duplicates and copies of evaluation texts, found by shingles of three lines.

A file is a near-duplicate when more than `MAX_SEEN_SHARE` of its shingles are in files that were
kept before it. Lines are stripped and blank lines skipped, so moved and re-indented code matches.
"""

import hashlib
import zlib
from collections.abc import Iterable

SHINGLE_LINES = 3
MAX_SEEN_SHARE = 0.5
# Shorter runs of lines ("else:", ")", "return None") are everywhere and prove nothing.
MIN_COPY_CHARS = 60


def shingle(text: str, min_chars: int = 0) -> set[int]:
    """CRC-32 of every run of three non-blank lines that has at least `min_chars` characters."""
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    runs = ("\n".join(lines[i : i + SHINGLE_LINES]) for i in range(len(lines) - SHINGLE_LINES + 1))
    return {zlib.crc32(run.encode()) for run in runs if len(run) >= min_chars}


def digest_of(text: str) -> str:
    """The SHA-256 of a text, which names it in the manifest's list of copies."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_mostly_in(found: set[int], seen: set[int]) -> bool:
    """Return whether a text with these shingles is a near-duplicate of the texts with those."""
    return len(found & seen) > MAX_SEEN_SHARE * len(found)


class SeenText:
    """Shingles of all texts kept so far, and of texts that must never be trained on."""

    def __init__(self, evaluation_texts: Iterable[str] = ()) -> None:
        self.seen: set[int] = set()
        self.forbidden: set[int] = set()
        for text in evaluation_texts:
            self.forbidden |= shingle(text, MIN_COPY_CHARS)

    def copies_evaluation(self, text: str) -> bool:
        """Return whether the text has three lines in a row of an evaluation text."""
        return not self.forbidden.isdisjoint(shingle(text, MIN_COPY_CHARS))

    def add_if_new(self, text: str) -> bool:
        """Keep the text and say True, or say False when it is a near-duplicate."""
        found = shingle(text)
        if not found or is_mostly_in(found, self.seen):
            return False
        self.seen |= found
        return True
