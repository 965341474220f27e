"""The places of snippets in the prompts of one session, which stay from one prompt to the next.

The prefix cache keeps the tokens that two prompts have in common from the first one on. So a placed snippet stays where
it is while it is still true, and new snippets are appended. When the room is full, many are evicted at once and the
rest is laid out again with some room to grow: to evict one at a time would move the whole prompt each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from context.documents.difference import find_change
from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.prompt.choose import Cut, choose
from context.prompt.pack import Pack
from context.prompt.snippet import Snippet, in_reading_order
from context.syntax.imports import Import, find_imports

_LINES = 8  # the cursor moves farther than this before snippets are collected again
_FILL = 0.8  # the part of the room that is filled when all snippets are laid out anew
_IMPORT_CHARACTERS = 4000  # no import is longer
_MIN_NEW_SCORE = 0.5  # of the best snippet's score: a lower one is not worth moving the current file


@dataclass(frozen=True)
class _Anchor:
    path: str
    line: int
    imports: Sequence[Import]
    buffers: frozenset[tuple[str, int, int]]
    revision: int


class Placement:
    """Remembers the candidates and the layout of the last prompt. For one thread at a time."""

    def __init__(self) -> None:
        self.candidates: tuple[Snippet, ...] = ()  # as they were collected last
        self.snippets: tuple[Snippet, ...] = ()  # those that the last prompt shows
        self._anchor: _Anchor | None = None
        self._arranged: Sequence[Snippet] = ()
        self._last_parts: Sequence[object] = ()
        self._importing: tuple[Document, Sequence[Import]] | None = None  # the last document, with its imports

    def is_due(self, snapshot: Snapshot, revision: int) -> bool:
        """Return whether to collect again: the cursor is elsewhere, or the buffers or the `revision` have changed."""
        if self._anchor is None or revision != self._anchor.revision or snapshot.document.path != self._anchor.path:
            return True
        if _buffers_of(snapshot) != self._anchor.buffers:
            return True
        lines_away = abs(_line_of(snapshot) - self._anchor.line)
        return lines_away > _LINES or (lines_away > 0 and self._imports_of(snapshot.document) != self._anchor.imports)

    def remember(self, candidates: tuple[Snippet, ...], snapshot: Snapshot, revision: int) -> None:
        """Remember the snippets that were collected at this place."""
        self.candidates = candidates
        place = (snapshot.document.path, _line_of(snapshot))
        imports = self._imports_of(snapshot.document)
        self._anchor = _Anchor(*place, imports, _buffers_of(snapshot), revision)

    def arrange(self, candidates: Sequence[Snippet], room_tokens: int, cut: Cut) -> tuple[Snippet, ...]:
        """Return the snippets to show, in their order.

        A placed snippet that is no longer among the candidates goes at once: it is out of date, or forbidden.
        """
        fitting = [cut(placed, room_tokens) for placed in self.snippets]
        used = sum(fit[1] if fit is not None else room_tokens + 1 for fit in fitting)
        if candidates is not self._arranged or used > room_tokens:
            self.snippets = tuple(self._arrange_again(candidates, room_tokens, cut))
            self._arranged = candidates
        return self.snippets

    def mark_moves(self, packed: Pack) -> Pack:
        """Return the pack with its first segments marked as unmoved: those that the pack before begins with too."""
        if not packed.segments:
            return packed
        parts = _parts_of(packed)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(parts, self._last_parts, strict=False))
        unmoved = sum(1 for _ in same)
        self._last_parts = parts
        segments = tuple(replace(segment, moved=number >= unmoved) for number, segment in enumerate(packed.segments))
        return replace(packed, segments=segments)

    def _imports_of(self, document: Document) -> Sequence[Import]:
        if self._importing is None or _may_differ_in_imports(self._importing[0], document):
            imports: Sequence[Import] = find_imports(document.language, document.text)
        else:
            imports = self._importing[1]
        self._importing = document, imports
        return imports

    def _arrange_again(self, candidates: Sequence[Snippet], room_tokens: int, cut: Cut) -> list[Snippet]:
        kept, used = [], 0
        for placed in self.snippets:
            holder = next((candidate for candidate in candidates if candidate.holds(placed)), None)
            fitting = cut(placed, room_tokens)
            if holder is not None and fitting is not None:
                kept.append(replace(placed, score=holder.score, source=holder.source))
                used += fitting[1]
        fresh = choose(candidates, int(room_tokens * _FILL), cut)
        new = [
            (snippet, tokens)
            for snippet, tokens in fresh
            if not any(placed.holds(snippet) or snippet.holds(placed) for placed in kept)
        ]
        if used + sum(tokens for _, tokens in new) > room_tokens:
            return in_reading_order(snippet for snippet, _ in fresh)
        best = max((snippet.score for snippet, _ in fresh), default=0.0)
        if any(snippet.score >= _MIN_NEW_SCORE * best for snippet, _ in new):
            return kept + in_reading_order(snippet for snippet, _ in new)
        return kept


def _parts_of(packed: Pack) -> list[object]:
    """Return for each segment the value by which two packs are compared.

    The current file grows at its end: as long as its window begins at the same line, it stays where it is.
    """
    texts = [segment.text for segment in packed.segments if segment.kind == "snippet"]
    current_file = packed.segments[len(texts)]
    return [*texts, (current_file.path, current_file.first_line), (packed.prefix, packed.suffix)]


def _line_of(snapshot: Snapshot) -> int:
    return snapshot.document.position_at(snapshot.cursor)[0]


def _may_differ_in_imports(old: Document, new: Document) -> bool:
    """Return whether the lines around the change between two states of a document have other imports now."""
    if old.path != new.path or old.language != new.language:
        return True
    change = find_change(old.text, new.text)
    start = old.text.rfind("\n", 0, max(change.start - _IMPORT_CHARACTERS, 0)) + 1
    before, after = (
        find_imports(new.language, text[start : end + _IMPORT_CHARACTERS])
        for text, end in ((old.text, change.old_end), (new.text, change.new_end))
    )
    return before != after


def _buffers_of(snapshot: Snapshot) -> frozenset[tuple[str, int, int]]:
    # With the number of the opening: an editor that reads a file again may count its versions from 0 again.
    return frozenset((document.path, document.opening, document.version) for document in snapshot.open_documents)
