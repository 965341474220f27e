"""Lays out a prompt within a budget: other files first, then the current one up to the cursor,
then what follows.

The least volatile comes first, because a cache keeps what the prompt has in common with the one
before: the files in hand change rarely, the current file at each keystroke and only at its end.
For the same reason the room is divided in coarse steps, and never by what the current line holds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from context.collect import Snippet
from context.document import path_comment
from context.snapshot import Snapshot
from context.window import (
    CountTokens,
    count_within,
    measure_prefix,
    prefix_window,
    suffix_window,
)

_REST_OF_LINE_TOKENS = 64
_MIN_SNIPPET_TOKENS = 32  # less of a file than this says nothing
_ROOM_STEPS = 16  # room is handed out in such parts of the budget
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON may hold one; no tokenizer takes it


@dataclass(frozen=True)
class Budget:
    """`total_tokens` is never exceeded. `suffix_tokens` is for the lines after the cursor's, which
    are read again at every keystroke. `prefix_share` is what the current file keeps when other
    files want all the room.
    """

    total_tokens: int
    suffix_tokens: int = 64
    prefix_share: float = 0.5


@dataclass(frozen=True)
class Segment:
    """One part of a pack. `first_line` counts from 0, and is None where the part is not from one
    place.
    """

    kind: Literal["snippet", "prefix", "suffix"]
    path: str
    why: str
    tokens: int
    score: float | None = None
    first_line: int | None = None


@dataclass(frozen=True)
class Pack:
    """`context + prefix` reads as one document: files joined under comments with their paths."""

    context: str
    prefix: str
    suffix: str
    segments: tuple[Segment, ...]
    tokens: int


def pack(snapshot: Snapshot, snippets: Sequence[Snippet], budget: Budget, count_tokens: CountTokens) -> Pack:
    """The prompt's text at the cursor. Its parts, counted as whole strings, stay within the
    budget.
    """
    room, shortage = budget.total_tokens, 1
    while room > 0:
        packed = _lay_out(snapshot, snippets, budget, room, count_tokens)
        if packed.tokens <= budget.total_tokens:
            return packed
        # Only with a tokenizer whose counts of lines do not add up to the count of the text.
        shortage = max(2 * shortage, packed.tokens - budget.total_tokens)
        room -= shortage
    return Pack("", "", "", (), 0)


def _lay_out(
    snapshot: Snapshot,
    snippets: Sequence[Snippet],
    budget: Budget,
    room: int,
    count: CountTokens,
) -> Pack:
    document, cursor = snapshot.document, snapshot.cursor
    suffix_tokens = min(budget.suffix_tokens, room // 4)
    rest_tokens = min(max(_REST_OF_LINE_TOKENS, suffix_tokens), room // 4)
    suffix = _encodable(suffix_window(document, cursor, suffix_tokens, rest_tokens, count))

    title = _encodable(path_comment(document.language, document.path))
    title_tokens = count(title)
    available = room - max(suffix_tokens, rest_tokens)
    if title_tokens > available // 4:
        title, title_tokens = "", 0
    available -= title_tokens
    prefix_tokens = _prefix_room(snapshot, snippets, budget, available, count)
    chosen = _choose(snippets, available - prefix_tokens, count)
    first_line, window = prefix_window(document, cursor, prefix_tokens, count)
    context = "".join(text for _, text, _ in chosen)
    prefix = title + _encodable(window)

    segments = [
        Segment("snippet", snippet.path, snippet.source, tokens, snippet.score) for snippet, _, tokens in chosen
    ]
    prefix_count, suffix_count = count(prefix), count(suffix)
    segments.append(Segment("prefix", document.path, "before the cursor", prefix_count, first_line=first_line))
    if suffix:
        line, _ = document.position_at(cursor)
        segments.append(Segment("suffix", document.path, "after the cursor", suffix_count, first_line=line))
    tokens = (count(context) if context else 0) + prefix_count + suffix_count
    return Pack(context, prefix, suffix, tuple(segments), tokens)


def _prefix_room(
    snapshot: Snapshot,
    snippets: Sequence[Snippet],
    budget: Budget,
    available: int,
    count: CountTokens,
) -> int:
    """The current file gets its share, and what the others leave; the others get what it leaves."""
    if available <= 0:
        return 0
    wanted_by_snippets = 0
    for snippet in snippets:
        if wanted_by_snippets >= available:
            break
        wanted_by_snippets += _count_snippet(snippet, available - wanted_by_snippets, count)
    if wanted_by_snippets == 0:
        return available
    step = max(1, available // _ROOM_STEPS)
    need = measure_prefix(snapshot.document, snapshot.cursor, available, count)
    wanted = -(-(need.tokens + need.reserve_tokens) // step) * step
    left = available - -(-wanted_by_snippets // step) * step
    return min(wanted, max(int(available * budget.prefix_share), left), available)


def _choose(snippets: Sequence[Snippet], room: int, count: CountTokens) -> list[tuple[Snippet, str, int]]:
    """The best snippets that fit, as text with their path comments, the best one last: next to the
    current file.
    """
    chosen = []
    for snippet in sorted(snippets, key=lambda snippet: -snippet.score):
        if room < _MIN_SNIPPET_TOKENS:
            break
        text, tokens = _head_of_snippet(snippet, room, count)
        if text:
            chosen.append((snippet, text, tokens))
            room -= tokens
    return chosen[::-1]


def _head_of_snippet(snippet: Snippet, room: int, count: CountTokens) -> tuple[str, int]:
    """Whole lines from the snippet's beginning, under its path comment; "" when too little of it
    fits.
    """
    title = path_comment(snippet.language, snippet.path)
    pieces, tokens = [title], count(title)
    lines = _lines_of(snippet)
    for line in lines:
        line_tokens = count_within(line, room - tokens, count)
        if tokens + line_tokens > room:
            break
        pieces.append(line)
        tokens += line_tokens
    cut = len(pieces) <= len(lines)
    if len(pieces) == 1 or (cut and tokens < _MIN_SNIPPET_TOKENS):
        return "", 0
    return "".join(pieces), tokens


def _count_snippet(snippet: Snippet, limit_tokens: int, count: CountTokens) -> int:
    """The tokens of a snippet and its path comment, as far as the limit."""
    tokens = count(path_comment(snippet.language, snippet.path))
    for line in _lines_of(snippet):
        if tokens >= limit_tokens:
            return limit_tokens
        tokens += count_within(line, limit_tokens - tokens, count)
    return min(tokens, limit_tokens)


def _lines_of(snippet: Snippet) -> list[str]:
    text = _encodable(snippet.text)
    return [line + "\n" for line in text.removesuffix("\n").split("\n")]


def _encodable(text: str) -> str:
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)
