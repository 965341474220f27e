"""Lines of the document that are like the cursor's but for their names, with the names of this place.

Above the cursor in `self.height =` stands `self.width = width`: with `height` put for `width` it ends as this line may.
Behind `self.hei` it ends with `ght = height` where the name `height` stands above. A line also counts whose line above
is like the one above the cursor.
"""

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from context.documents.snapshot import Snapshot

_MOST_TEXTS = 3
_LINES_AROUND = 400  # on either side of the cursor
_MOST_CHARACTERS = 40_000  # on either side of the cursor
_LONGEST_LINE = 200  # characters
_MOST_NAMES, _LINES_OF_NAMES = 2, 40  # for a begun one, the nearest above the cursor
_FEWEST_CHARACTERS = 6  # of a beginning, and of a line above: less than that is like too much
_WORD = re.compile(r"[^\W\d]\w*|\d+|[ \t]+|[^\w\s]")
# Words of languages, for which no name is put; most of those of C and its heirs are among Python's.
_FIXED = frozenset(
    re.findall(
        r"\w+",
        """self cls super this true false null nil undefined void new const let var function func fn pub impl struct
        enum interface type use mut public private protected static extends export default switch case do throw catch
        typeof int str bool float dict list tuple set len string number boolean isinstance""",
    )
).union(keyword.kwlist)

Words = tuple[str, ...]


@dataclass(frozen=True)
class _Likeness:
    """The names of this place by those of another one, and the grade: the higher, the more alike are the two."""

    names: Mapping[str, str]
    grade: int


def renamed_lines(snapshot: Snapshot) -> tuple[str, ...]:
    """Return texts that may stand between the cursor and the end of its line, the likeliest first.

    That is by how much is alike, by how many lines say so, and by how near they are.
    """
    text, cursor = snapshot.document.text, snapshot.cursor
    *above, begun = text[max(0, cursor - _MOST_CHARACTERS) : cursor].split("\n")[-_LINES_AROUND:]
    below = text[cursor : cursor + _MOST_CHARACTERS].split("\n", _LINES_AROUND)[1:_LINES_AROUND]
    begun = begun.lstrip()
    above = [line.strip() for line in above]
    before = next((line for line in reversed(above) if line), "")
    if max(len(begun), len(before)) > _LONGEST_LINE:
        return ()
    found: dict[str, tuple[int, int, int]] = {}
    ends = ["", *_ends_of_name(begun, above)]
    for away, before_other, other in _lines(above, below):
        for rest, likeness in _rests(begun, ends, before, before_other, other):
            grade, times, nearest = found.get(rest, (likeness.grade, 0, -away))
            found[rest] = max(grade, likeness.grade), times + 1, max(nearest, -away)
    return tuple(sorted(found, key=lambda rest: found[rest], reverse=True)[:_MOST_TEXTS])


def _lines(above: Sequence[str], below: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield each line: how far away it is, the line above it and its own text, without indentation or line end."""
    for lines, first in ((above, -len(above)), (below, 1)):
        before = ""
        for number, line in enumerate(lines, start=first):
            stripped = line.strip()
            if stripped and len(stripped) <= _LONGEST_LINE:
                yield abs(number), before, stripped
                before = stripped


def _ends_of_name(begun: str, above: Sequence[str]) -> Iterator[str]:
    """Yield the ends of the nearest names above that begin as the word before the cursor does."""
    last = _words(begun)[-1] if begun else ""
    if not last or not _is_name(last):
        return
    lines = [line for line in reversed(above[-_LINES_OF_NAMES:]) if len(line) <= _LONGEST_LINE]
    near = (word for line in lines for word in reversed(_words(line)))
    names = dict.fromkeys(word for word in near if word.startswith(last) and word != last)
    yield from (name[len(last) :] for name in islice(names, _MOST_NAMES))


def _rests(
    begun: str, ends: Sequence[str], before: str, before_other: str, other: str
) -> Iterator[tuple[str, _Likeness]]:
    """Yield how another line goes on behind what is begun, with the names of this place."""
    words, there = _words(other), _words(before_other)
    for end in ends if len(begun) >= _FEWEST_CHARACTERS else ():
        here = _words(begun + end)
        likeness = _compare(here, words)
        rest = end + _rest(here, words, likeness.names) if likeness is not None else ""
        if likeness is not None and rest:
            yield rest, likeness
    here = _words(before)
    if min(len(before), len(before_other)) >= _FEWEST_CHARACTERS and len(here) == len(there):
        likeness = _compare(here, there)
        whole = _rename(words, likeness.names) if likeness is not None else ""
        if likeness is not None and whole.startswith(begun) and len(whole) > len(begun):
            yield whole[len(begun) :], likeness


def _rest(begun: Words, other: Words, names: Mapping[str, str]) -> str:
    """Return the renamed words of a line behind those that it shares with the beginning, whose last may be begun."""
    last, there = begun[-1], other[len(begun) - 1]
    finished = there[len(last) :] if there != last and there not in names else ""
    return finished + _rename(other[len(begun) :], names)


def _compare(here: Words, there: Words) -> _Likeness | None:
    """Compare words with as many of another line, of which the last may only be begun here.

    None: they differ by more than names, or not at all.
    """
    if len(there) < len(here):
        return None
    names: dict[str, str] = {}
    same = renamed = 0
    for place, (word, other) in enumerate(zip(here, there, strict=False)):
        if word == other or (word.isspace() and other.isspace()):
            same += 1
        elif place == len(here) - 1 and _is_word(word) and other.startswith(word):
            continue
        elif _is_name(word) and _is_name(other):
            renamed += 1
        else:
            return None
        if names.setdefault(other, word) != word:
            return None
    return _Likeness(names, same - 2 * renamed) if renamed else None


@lru_cache(maxsize=4096)
def _words(line: str) -> Words:
    return tuple(_WORD.findall(line))


def _rename(words: Words, names: Mapping[str, str]) -> str:
    return "".join(names.get(word, word) for word in words)


def _is_word(word: str) -> bool:
    return word[0].isalpha() or word[0] == "_"


def _is_name(word: str) -> bool:
    return _is_word(word) and word not in _FIXED
