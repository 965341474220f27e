"""The hunks between two releases of a file, and the changes of words in each."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from context.documents.difference import find_change
from context.documents.document import split_lines
from evaluation.next_edit.scopes import Scope, definitions_in, scopes_in
from evaluation.next_edit.signatures import Function, functions_in
from evaluation.next_edit.words import Word, scan_words

_AROUND = 2
_Span = tuple[int, int, int, int]  # of the old words and of the new ones
HOLE_KINDS = {"name", "literal"}


@dataclass(frozen=True)
class WordChange:
    """Words that one release has in place of others, with the two words on each side, which did not change.

    `at` and `new_at` are the indexes of the first word in the words of the two files.
    """

    removed: tuple[Word, ...]
    added: tuple[Word, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    at: int
    new_at: int

    @cached_property
    def is_prose(self) -> bool:
        """True when all of it is in strings and comments."""
        return all(word.kind == "prose" for word in (*self.removed, *self.added))

    @cached_property
    def form(self) -> tuple[str, ...]:
        """The change with the kind of each name and value in its place. Changes of one shape have one form."""
        removed = [word.kind if word.kind in HOLE_KINDS else word.text for word in self.removed]
        added = [word.kind if word.kind in HOLE_KINDS else word.text for word in self.added]
        return (*removed, "->", *added)


@dataclass(frozen=True)
class Hunk:
    """Lines `start` up to `end` of the old file, and those that stand in their place in the new one."""

    start: int
    end: int
    new_start: int
    new_end: int
    changes: tuple[WordChange, ...]

    @property
    def is_definite(self) -> bool:
        """Return whether a word of the code changes: not just blanks, strings and comments."""
        return any(not change.is_prose for change in self.changes)


@dataclass(frozen=True)
class FileDiff:
    """A file in two successive releases."""

    path: str
    language: str
    old: str
    new: str

    @cached_property
    def old_lines(self) -> tuple[str, ...]:
        return split_lines(self.old)

    @cached_property
    def new_lines(self) -> tuple[str, ...]:
        return split_lines(self.new)

    @cached_property
    def old_words(self) -> tuple[Word, ...]:
        return scan_words(self.old, self.language)

    @cached_property
    def new_words(self) -> tuple[Word, ...]:
        return scan_words(self.new, self.language)

    @cached_property
    def old_functions(self) -> tuple[Function, ...]:
        return functions_in(self.old_words)

    @cached_property
    def new_functions(self) -> tuple[Function, ...]:
        return functions_in(self.new_words)

    @cached_property
    def old_scopes(self) -> tuple[tuple[int, int], ...]:
        return scopes_in(self.old_lines, self.old_functions)

    @cached_property
    def new_scopes(self) -> tuple[tuple[int, int], ...]:
        return scopes_in(self.new_lines, self.new_functions)

    @cached_property
    def old_definitions(self) -> frozenset[tuple[str, Scope]]:
        return definitions_in(self.old_words, self.old_scopes, self.old_functions)

    @cached_property
    def new_definitions(self) -> frozenset[tuple[str, Scope]]:
        return definitions_in(self.new_words, self.new_scopes, self.new_functions)

    @cached_property
    def hunks(self) -> tuple[Hunk, ...]:
        """The hunks in the order of their lines. At least one line with a letter or a digit parts two hunks."""
        return tuple(
            Hunk(start, end, new_start, new_end, self._word_changes(start, end, new_start, new_end))
            for start, end, new_start, new_end in changed_lines(self.old_lines, self.new_lines)
        )

    def text_with(self, applied: Collection[int]) -> str:
        """The file when the hunks with these indexes have been made, and no others."""
        parts: list[str] = []
        done = 0
        for index, hunk in enumerate(self.hunks):
            parts += self.old_lines[done : hunk.start]
            if index in applied:
                parts += self.new_lines[hunk.new_start : hunk.new_end]
            else:
                parts += self.old_lines[hunk.start : hunk.end]
            done = hunk.end
        return "".join([*parts, *self.old_lines[done:]])

    def first_line(self, index: int, applied: Collection[int]) -> int:
        """The line at which a hunk begins when the hunks with the indexes `applied` have been made."""
        earlier = [hunk for other, hunk in enumerate(self.hunks[:index]) if other in applied]
        grown = sum((hunk.new_end - hunk.new_start) - (hunk.end - hunk.start) for hunk in earlier)
        return self.hunks[index].start + grown

    def _word_changes(self, start: int, end: int, new_start: int, new_end: int) -> tuple[WordChange, ...]:
        first, last = _words_between(self.old_words, start, end)
        new_first, new_last = _words_between(self.new_words, new_start, new_end)
        changes = []
        for i, j, p, q in _changed_words(self.old_words[first:last], self.new_words[new_first:new_last]):
            at, old_end, new_at = first + i, first + j, new_first + p
            before = tuple(word.text for word in self.old_words[max(0, at - _AROUND) : at])
            after = tuple(word.text for word in self.old_words[old_end : old_end + _AROUND])
            added = self.new_words[new_at : new_first + q]
            changes.append(WordChange(self.old_words[at:old_end], added, before, after, at, new_at))
        return tuple(changes)


def changed_lines(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """The places where the lines differ: start and end in `old`, start and end in `new`.

    Places with nothing but blanks and brackets in between are one place.
    """
    whole = find_change(tuple(old), tuple(new))
    at = whole.start
    matcher = SequenceMatcher(None, old[at : whole.old_end], new[at : whole.new_end], autojunk=False)
    places: list[tuple[int, int, int, int]] = []
    for tag, i, j, p, q in matcher.get_opcodes():
        if tag == "equal":
            continue
        if places and not any(char.isalnum() for char in "".join(old[places[-1][1] : at + i])):
            places[-1] = (places[-1][0], at + j, places[-1][2], at + q)
        else:
            places.append((at + i, at + j, at + p, at + q))
    return places


def _words_between(words: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    first = bisect_left(words, start, key=lambda word: word.line)
    return first, bisect_left(words, end, lo=first, key=lambda word: word.line)


def _changed_words(old: Sequence[Word], new: Sequence[Word]) -> Iterator[_Span]:
    was, now = ([(word.text, word.kind == "prose") for word in words] for words in (old, new))
    for tag, i, j, p, q in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from _by_line(old, new, (i, j, p, q))


def _by_line(old: Sequence[Word], new: Sequence[Word], whole: _Span) -> Iterator[_Span]:
    """Part changed words where a line ends, if both sides have as many lines with words."""
    i, j, p, q = whole
    ends = [_line_ends(old, i, j), _line_ends(new, p, q)]
    if len(ends[0]) != len(ends[1]):
        yield whole
        return
    for end, new_end in zip(*ends, strict=True):
        yield i, end, p, new_end
        i, p = end, new_end


def _line_ends(words: Sequence[Word], first: int, end: int) -> list[int]:
    """Return the indexes behind the last word of each line among some words."""
    return [at for at in range(first + 1, end + 1) if at == end or words[at].line != words[at - 1].line]
