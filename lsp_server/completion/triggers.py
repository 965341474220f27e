"""Whether to ask at all, and for one line or for several."""

import re
from dataclasses import dataclass

from context.documents.languages import line_comment
from context.documents.snapshot import Snapshot
from lsp_server.completion.block_start import is_block_start

BLOCK_LINES = 8

# What may stand after the cursor: closers, and one separator or block opener after them.
_ONLY_CLOSERS = re.compile(r"""\s*[)\]}>"'`]*\s*[:{;,]?\s*""")


@dataclass(frozen=True)
class Trigger:
    """What the engine is asked for."""

    max_lines: int


@dataclass(frozen=True)
class Skip:
    """Nothing is asked, and why."""

    reason: str


def decide(snapshot: Snapshot, explicit: bool, accepted: str | None = None) -> Trigger | Skip:
    """What is asked for at the cursor, asked by a key (`explicit`) or not.

    `accepted` is the text of the document up to the end of what was accepted a moment ago: whoever stands there, or
    goes on from there with a new line, lets the model lead, and is given several lines.
    """
    if explicit:
        return Trigger(BLOCK_LINES)
    before, after = line_around(snapshot)
    if not _ONLY_CLOSERS.fullmatch(after):
        # It would push aside what the user has there.
        return Skip("the cursor is in the middle of a line")
    written = snapshot.document.text[: snapshot.cursor].replace("\r\n", "\n")
    if written == accepted:
        return Trigger(BLOCK_LINES)
    if before.rstrip().endswith(";") and not after.strip() and line_comment(snapshot.document.language) != ";":
        return Skip("the statement is over")
    if before.strip() or after.strip():
        return Trigger(1)
    goes_on = accepted is not None and written.rstrip() == accepted.rstrip()
    return Trigger(BLOCK_LINES if goes_on or is_block_start(snapshot) else 1)


def line_around(snapshot: Snapshot) -> tuple[str, str]:
    """The cursor's line, before and after the cursor, without its end."""
    line, column = snapshot.document.position_at(snapshot.cursor)
    text = snapshot.document.lines[line].rstrip("\r\n")
    return text[:column], text[column:]
