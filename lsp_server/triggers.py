"""Whether to ask at all, and for one line or for several."""

import re
from dataclasses import dataclass

from context.snapshot import Snapshot

BLOCK_LINES = 8

# What may stand after the cursor: closers, and one separator or block opener after them.
_ONLY_CLOSERS = re.compile(r"""\s*[)\]}>"'`]*\s*[:{;,]?\s*""")
_OPENS_BLOCK = re.compile(r"([:{(\[]|=>|->|\b(?:do|then|else|begin))\s*$")


@dataclass(frozen=True)
class Ask:
    """What the engine is asked for."""

    max_lines: int


@dataclass(frozen=True)
class Refrain:
    """Nothing is asked, and why."""

    reason: str


def decide(snapshot: Snapshot, explicit: bool) -> Ask | Refrain:
    """Several lines where a block begins or the user asked by a key; one line elsewhere.

    Unasked, nothing is written into the middle of a line: it would push aside what the user has there.
    """
    if explicit:
        return Ask(BLOCK_LINES)
    before, after = line_around(snapshot)
    if not _ONLY_CLOSERS.fullmatch(after):
        return Refrain("the cursor is in the middle of a line")
    if not before.strip() and not after.strip() and _opens_block(snapshot):
        return Ask(BLOCK_LINES)
    return Ask(1)


def line_around(snapshot: Snapshot) -> tuple[str, str]:
    """The cursor's line, before and after the cursor, without its end."""
    line, column = snapshot.document.position_at(snapshot.cursor)
    text = snapshot.document.lines[line].rstrip("\r\n")
    return text[:column], text[column:]


def _opens_block(snapshot: Snapshot) -> bool:
    """Whether the nearest line above with something in it opens a block."""
    line, _ = snapshot.document.position_at(snapshot.cursor)
    for above in reversed(snapshot.document.lines[:line]):
        if above.strip():
            return _OPENS_BLOCK.search(above) is not None
    return False
