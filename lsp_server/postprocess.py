"""From what the model wrote to what is shown. When in doubt the text is kept: losing code is the worse mistake."""

import re
from dataclasses import dataclass

from context.snapshot import Snapshot
from lsp_server.triggers import line_around

_OPENERS = "([{"
_CLOSERS = ")]}"
_QUOTES = "\"'`"
_SEPARATORS = ",;:"
# A shorter line may well stand twice: "}", "pass", "],".
_TELLING_CHARACTERS = 5
# A few characters over and over until the limit: a small model that has lost its way.
_STUTTER = re.compile(r"(.{1,8}?)\1{5,}.{0,8}$")


def postprocess(text: str, snapshot: Snapshot, finished: bool) -> str:
    """The text to insert, or "" when nothing is worth showing.

    `finished` is False when the model was stopped at its token limit, in the middle of what it wanted to write.
    """
    before, after = line_around(snapshot)
    text = text.replace("\r\n", "\n")
    if not finished and _STUTTER.search(text):
        return ""
    if not finished and "\n" in text:
        text = text[: text.rindex("\n")]  # half a line is worse than none
    text = _without_repeated_lines(text, before)
    text = _without_following_lines(text, before, snapshot)
    text = _without_rest_of_line(text, before, after)
    if not text.strip():
        return ""
    return text.rstrip("\n") if after.strip() else text.rstrip()


def why_nothing(written: str) -> str:
    """Why `postprocess` left nothing of what the model wrote."""
    if not written.strip():
        return "the model writes nothing"
    return "the model only repeats what is there"


def _without_repeated_lines(text: str, before: str) -> str:
    """Ends after the first of three lines that are the same and say something, the cursor's line among them."""
    lines = (before + text).split("\n")
    for first, line in enumerate(lines[:-2]):
        if len(line.strip()) >= _TELLING_CHARACTERS and line == lines[first + 1] == lines[first + 2]:
            return "\n".join(lines[: first + 1])[len(before) :]
    return text


def _without_following_lines(text: str, before: str, snapshot: Snapshot) -> str:
    """Cuts an end that is, line for line, what follows the cursor's line."""
    lines = (before + text).split("\n")
    following = _following_lines(snapshot, len(lines))
    for first in range(len(lines)):
        tail = [line.rstrip() for line in lines[first:]]
        if tail and not tail[-1]:
            tail.pop()
        if tail and tail == following[: len(tail)] and _is_repetition(tail, text):
            kept = "\n".join(lines[:first])
            return kept[len(before) :] if first else ""
    return text


def _following_lines(snapshot: Snapshot, count: int) -> list[str]:
    """The next lines after the cursor's that are not blank, and `count` lines from there."""
    line, _ = snapshot.document.position_at(snapshot.cursor)
    lines = snapshot.document.lines[line + 1 :]
    start = next((index for index, text in enumerate(lines) if text.strip()), len(lines))
    return [text.rstrip() for text in lines[start : start + count]]


def _is_repetition(tail: list[str], text: str) -> bool:
    """A line that says something, or closers that close what the text did not open."""
    return any(len(line.strip()) >= _TELLING_CHARACTERS for line in tail) or _balance(text).depth < 0


def _without_rest_of_line(text: str, before: str, after: str) -> str:
    """Cuts an end that is the rest of the cursor's line, unless the text needs it for itself."""
    rest = after.strip()
    written = text.rstrip()
    if not rest or not written.endswith(rest):
        return text
    cut = written[: -len(rest)]
    if all(character in _SEPARATORS for character in rest) or not _only_closers(rest):
        return cut
    closed_before = min(0, _balance(before + after).depth)
    line, line_if_cut = _balance(before + text + after), _balance(before + cut + after)
    closes_too_much = line.depth < closed_before
    opens_a_string = line.in_string and not line_if_cut.in_string
    return cut if closes_too_much or opens_a_string else text


def _only_closers(rest: str) -> bool:
    return all(c in _CLOSERS or c in _QUOTES or c in _SEPARATORS or c.isspace() for c in rest)


@dataclass(frozen=True)
class _Balance:
    """`depth` is brackets opened less brackets closed, not counting those in strings."""

    depth: int
    in_string: bool


def _balance(text: str) -> _Balance:
    depth, quote, escaped = 0, "", False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif quote:
            quote = "" if character in (quote, "\n") else quote
        elif character in _QUOTES:
            quote = character
        elif character in _OPENERS:
            depth += 1
        elif character in _CLOSERS:
            depth -= 1
    return _Balance(depth, bool(quote))
