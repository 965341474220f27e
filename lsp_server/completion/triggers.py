"""The decision whether the engine is asked at a cursor, and for how many lines."""

import re
from dataclasses import dataclass

from context.documents.languages import line_comment
from context.documents.snapshot import Snapshot
from lsp_server.completion.block_start import is_block_start
from lsp_server.completion.confidence.confidence_table import UNCALIBRATED, ConfidenceTable
from lsp_server.completion.postprocess.lexing import lex
from lsp_server.telemetry.outcome import Outcome

BLOCK_LINES = 8

# What may stand after the cursor: closers, and one separator or block opener after them.
# No part gives back what it has taken: a line of 2,000 spaces would take for ever.
_ONLY_CLOSERS = re.compile(r"""\s*+[)\]}>"'`]*+\s*+[:{;,]?+\s*+""")
# Statements of one word, and the beginnings of those that end with a colon.
_WHOLE = {"pass", "break", "continue", "..."}
_HEADER = re.compile(r"(?:async |class|def|if|elif|while|for|with|match|case|except|assert|lambda)\b")


@dataclass(frozen=True)
class Trigger:
    """The engine is asked, for at most so many lines."""

    max_lines: int


@dataclass(frozen=True)
class Skip:
    """The engine is not asked; the outcome says why."""

    outcome: Outcome
    detail: str = ""


def decide(
    snapshot: Snapshot, explicit: bool, accepted: str | None = None, table: ConfidenceTable = UNCALIBRATED
) -> Trigger | Skip:
    """Decide what to ask for at the cursor. A key (`explicit`) always asks, for several lines.

    `accepted` is the text of the document up to the end of the completion that the user accepted a moment ago. A user
    who stands there, or begins a new line behind it, lets the model lead and is given several lines. The model's table
    knows the languages that it has learned.
    """
    if explicit:
        return Trigger(BLOCK_LINES)
    if not table.writes(snapshot.document.language):
        return Skip(Outcome.UNLEARNED_LANGUAGE, snapshot.document.language)
    before, after = line_around(snapshot)
    if not _ONLY_CLOSERS.fullmatch(after):
        # A completion would push aside the text behind the cursor.
        return Skip(Outcome.MID_LINE)
    written = "" if accepted is None else snapshot.document.text[: snapshot.cursor].replace("\r\n", "\n")
    if written == accepted:
        return Trigger(BLOCK_LINES)
    if not after.strip() and is_statement_over(before, snapshot.document.language):
        return Skip(Outcome.STATEMENT_OVER)
    if before.strip() or after.strip():
        return Trigger(1)
    goes_on = accepted is not None and written.rstrip() == accepted.rstrip()
    return Trigger(BLOCK_LINES if goes_on or is_block_start(snapshot) else 1)


def is_statement_over(before: str, language: str) -> bool:
    """Return whether the line up to the cursor is a whole statement, behind which nobody waits for more of it.

    A call in Python may be the beginning of a longer expression, but most are none.
    """
    line = before.strip()
    if line.endswith(";"):
        return line_comment(language) != ";"
    if language != "python" or _HEADER.match(line):
        return False
    if not line.endswith((")", "}")):
        return line in _WHOLE
    lexed = lex(line, language)
    return not lexed.opened and not lexed.closed and not lexed.open_string


def line_around(snapshot: Snapshot) -> tuple[str, str]:
    """Return the cursor's line before and after the cursor, without its line end."""
    line, column = snapshot.document.position_at(snapshot.cursor)
    text = snapshot.document.lines[line].rstrip("\r\n")
    return text[:column], text[column:]
