"""Lays out a prompt within a budget: other files, then the current file up to the cursor, then what follows.

The least volatile text comes first, because the prefix cache keeps what the prompt has in common with the one before:
other files change rarely, the current file at each keystroke and only at its end. For the same reason the room is
divided in coarse steps, and never by the content of the current line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Literal

from context.documents.document import path_comment
from context.documents.snapshot import Snapshot
from context.prompt.choose import Arrange, arrange_afresh
from context.prompt.snippet import Snippet
from context.prompt.snippet_text import count_snippet, cut, encodable, lines_of, shown_text
from context.prompt.window import CountTokens, measure_prefix, prefix_window, suffix_window

_REST_OF_LINE_TOKENS = 64
# With 64 tokens a small model does not see the end of every tenth function of HumanEval, and fills in fewer lines
# rightly; with 128 the model sees every end.
_SUFFIX_TOKENS = (64, 128)
_SUFFIX_PART = 16
_ROOM_STEPS = 16  # the prefix's room is a multiple of such a part of the budget
# The current file's share when other files want all the room: half, and of a small room more, up to so many tokens.
# At 900 tokens in all, other files helped the built-in model with this share; with half, they made its lines worse.
_PREFIX_SHARE = 0.5
_SMALL_PREFIX_SHARE, _SMALL_PREFIX_TOKENS = 0.7, 640


@dataclass(frozen=True)
class Budget:
    """`total_tokens` is never exceeded. `suffix_tokens` is for the lines after the cursor; by default a share."""

    total_tokens: int
    suffix_tokens: int | None = None

    @property
    def after_tokens(self) -> int:
        """The tokens after the cursor, by default a 16th of all: "psm" reads them again at every keystroke."""
        if self.suffix_tokens is not None:
            return self.suffix_tokens
        least, most = _SUFFIX_TOKENS
        return max(least, min(most, self.total_tokens // _SUFFIX_PART))


@dataclass(frozen=True)
class Segment:
    """A part of a pack. `first_line` counts from 0.

    `moved`: the segment is new, or stands elsewhere than in the pack before, so that its tokens must be computed again.
    Segments at the cursor are compared by the lines that they begin at.
    """

    kind: Literal["snippet", "prefix", "suffix"]
    path: str
    why: str
    text: str
    tokens: int
    first_line: int
    score: float | None = None
    moved: bool = True


@dataclass(frozen=True)
class PackedFile:
    """The shown text of another file, and the comment with the file's path."""

    path: str
    text: str
    title: str


@dataclass(frozen=True)
class Pack:
    """`context + prefix` reads as one document: files joined under comments with their paths.

    `files`, and `prefix` after its `title`, are the same text without those comments. `masked` counts the secrets for
    which placeholders stand in the text, by the rules that found them.
    """

    context: str
    prefix: str
    suffix: str
    segments: tuple[Segment, ...]
    tokens: int
    files: tuple[PackedFile, ...]
    title: str  # the start of `prefix`: the comment with the current file's path, or ""
    masked: Mapping[str, int] = field(default_factory=dict)


def pack(
    snapshot: Snapshot,
    snippets: Sequence[Snippet],
    budget: Budget,
    count_tokens: CountTokens,
    arrange: Arrange = arrange_afresh,
) -> Pack:
    """Return the text of the prompt at the cursor. Its parts, counted as whole strings, stay within the budget."""
    count = cache(count_tokens)  # the same lines are counted twice: to divide the room, and to fill it
    room, shortage = budget.total_tokens, 1
    while room > 0:
        packed = _lay_out(snapshot, snippets, budget, room, count, arrange)
        if packed.tokens <= budget.total_tokens:
            return packed
        # Happens only with a tokenizer whose counts of lines do not add up to the count of the text.
        shortage = max(2 * shortage, packed.tokens - budget.total_tokens)
        room -= shortage
    return Pack("", "", "", (), 0, (), "")


def _lay_out(
    snapshot: Snapshot,
    snippets: Sequence[Snippet],
    budget: Budget,
    room: int,
    count: CountTokens,
    arrange: Arrange,
) -> Pack:
    document, cursor = snapshot.document, snapshot.cursor
    suffix_tokens = min(budget.after_tokens, room // 4)
    rest_tokens = min(max(_REST_OF_LINE_TOKENS, suffix_tokens), room // 4)
    suffix = encodable(suffix_window(document, cursor, suffix_tokens, rest_tokens, count))

    title = encodable(path_comment(document.language, document.path))
    title_tokens = count(title)
    available = room - max(suffix_tokens, rest_tokens)
    if title_tokens > available // 4:
        title, title_tokens = "", 0
    available -= title_tokens
    prefix_tokens = _prefix_room(snapshot, snippets, available, count)
    placed = arrange(snippets, available - prefix_tokens, lambda snippet, tokens: cut(snippet, tokens, count))
    segments = _segments(placed, count)
    context = "".join(segment.text for segment in segments)
    first_line, window = prefix_window(document, cursor, prefix_tokens, count)
    prefix = title + encodable(window)

    prefix_count, suffix_count = count(prefix), count(suffix)
    segments.append(Segment("prefix", document.path, "before the cursor", prefix, prefix_count, first_line))
    if suffix:
        line, _ = document.position_at(cursor)
        segments.append(Segment("suffix", document.path, "after the cursor", suffix, suffix_count, line))
    tokens = (count(context) if context else 0) + prefix_count + suffix_count
    return Pack(context, prefix, suffix, tuple(segments), tokens, files_of(placed), title)


def _prefix_room(
    snapshot: Snapshot,
    snippets: Sequence[Snippet],
    available: int,
    count: CountTokens,
) -> int:
    """Return the tokens for the current file: its share, and what other files leave. They get the rest."""
    if available <= 0:
        return 0
    wanted_by_snippets = 0
    for snippet in snippets:
        if wanted_by_snippets >= available:
            break
        wanted_by_snippets += count_snippet(snippet, available - wanted_by_snippets, count)
    if wanted_by_snippets == 0:
        return available
    step = max(1, available // _ROOM_STEPS)
    need = measure_prefix(snapshot.document, snapshot.cursor, available, count)
    wanted = -(-(need.tokens + need.reserve_tokens) // step) * step
    left = available - -(-wanted_by_snippets // step) * step
    kept = max(int(available * _PREFIX_SHARE), min(int(available * _SMALL_PREFIX_SHARE), _SMALL_PREFIX_TOKENS))
    return min(wanted, max(kept, left), available)


def _segments(placed: Sequence[Snippet], count: CountTokens) -> list[Segment]:
    segments: list[Segment] = []
    before: Snippet | None = None
    for snippet in placed:
        text = shown_text(snippet, before)
        where = (snippet.path, snippet.source, text, count(text), snippet.first_line)
        segments.append(Segment("snippet", *where, snippet.score))
        before = snippet
    return segments


def files_of(placed: Sequence[Snippet]) -> tuple[PackedFile, ...]:
    """Return the snippets of a prompt file by file: parts of one file that stand together are one."""
    files = []
    for path, together in groupby(placed, key=lambda snippet: snippet.path):
        snippets = list(together)
        text = "".join(line for snippet in snippets for line in lines_of(snippet))
        files.append(PackedFile(path, text, path_comment(snippets[0].language, path)))
    return tuple(files)
