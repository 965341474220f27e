"""Lays out the parts for a question in the tokens that there are: the best first, and no line twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from context.documents.languages import path_comment
from context.index.view import View
from context.prompt.snippet_text import encodable
from context.question.parts import Part, joined

_LEAST_SCORE = 0.15
_LEAST_LINES = 3  # of a part that is cut
_MOST_SHARE = 0.4  # of the room for one part, half of it for one that matters less
_MAIN_SCORE, _ASKED_SCORE = 0.8, 2.0  # what the user names may take all of it
_GAP_TOKENS = 8
_GAP = "…\n"

CountTokens = Callable[[str], int]


@dataclass(frozen=True)
class ShownText:
    """The lines of one file that a prompt shows together, under a title with the path."""

    path: str
    title: str
    spans: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines, with a mark where lines are left out."""
        return _GAP.join(self.spans)


@dataclass(frozen=True)
class LaidOut:
    """The texts in the order of the prompt, the best last, and the parts that they show, the best first."""

    texts: tuple[ShownText, ...] = ()
    parts: tuple[Part, ...] = ()


def lay_out(
    parts: Sequence[Part], view: View, room_tokens: int, count: CountTokens, shown: Mapping[str, str]
) -> LaidOut:
    """Choose the best parts that fit together. `shown` is the text of each file that the prompt has already."""
    room = _Room(view, room_tokens, count, shown)
    taken: dict[tuple[str, int, str], Part] = {}
    for part in sorted(parts, key=lambda part: -part.score):
        if part.score < _LEAST_SCORE:
            break
        if fitting := room.take(part):
            place = (part.path, fitting.spans[0].start, part.why)
            known = taken.get(place, fitting)  # a part that found no room for all its lines may come again for the rest
            taken[place] = replace(known, spans=tuple(joined([*known.spans, *fitting.spans])))
    return LaidOut(tuple(room.texts(list(taken.values()))), tuple(taken.values()))


class _Room:
    """The lines that are taken so far, by their files, and the tokens that are left."""

    def __init__(self, view: View, room_tokens: int, count: CountTokens, shown: Mapping[str, str]) -> None:
        self._view = view
        self._left_tokens = room_tokens
        self._most_tokens = int(room_tokens * _MOST_SHARE)
        self._count = count
        self._shown = shown
        self._lines: dict[str, Sequence[str]] = {}
        self._taken: dict[str, set[int]] = {}

    def take(self, part: Part) -> Part | None:
        """Take the lines of a part that are not taken yet, from its beginning, as many as fit.

        Return the part with the lines that stand in the prompt; None when these are too few to tell anything.
        """
        lines, taken = self._lines_of(part.path), self._taken.get(part.path, set())
        wanted = [number for span in part.spans for number in range(span.start, min(span.stop, len(lines)))]
        if not wanted or self._is_shown(part, lines):
            return None
        most = self._most_tokens if part.score >= _MAIN_SCORE else self._most_tokens // 2
        most = self._left_tokens if part.score >= _ASKED_SCORE else most
        left = min(self._left_tokens, most) - (0 if taken else self._count(self._title(part.path)) + _GAP_TOKENS)
        fitting: list[int] = []
        before = left
        for number in wanted:
            tokens = 0 if number in taken else self._count(lines[number])
            follows = number - 1 in taken or (bool(fitting) and fitting[-1] == number - 1)
            tokens += 0 if number in taken or follows else self._count(_GAP)
            if tokens > left:
                break
            left -= tokens
            fitting.append(number)
        is_cut = len(fitting) < len(wanted)
        if not set(fitting) - taken or (is_cut and len(fitting) < _LEAST_LINES):
            return None
        self._left_tokens -= before - left + (0 if taken else self._count(self._title(part.path)) + _GAP_TOKENS)
        self._taken.setdefault(part.path, set()).update(fitting)
        return replace(part, spans=_spans(fitting))

    def texts(self, parts: Sequence[Part]) -> list[ShownText]:
        """Return the lines that were taken, file by file, the files with the best parts last."""
        best: dict[str, float] = {}
        for part in parts:
            best[part.path] = max(best.get(part.path, 0.0), part.score)
        return [
            ShownText(path, self._title(path), self._text(path)) for path in sorted(best, key=lambda path: best[path])
        ]

    def _lines_of(self, path: str) -> Sequence[str]:
        if path not in self._lines:
            self._lines[path] = encodable(self._view.whole_text(path)).split("\n")
            self._lines[path] = [f"{line}\n" for line in self._lines[path]]
        return self._lines[path]

    def _is_shown(self, part: Part, lines: Sequence[str]) -> bool:
        known = self._shown.get(part.path, "")
        return bool(known) and all("".join(lines[span.start : span.stop]) in known for span in part.spans)

    def _title(self, path: str) -> str:
        return path_comment(self._view.language_of(path), path)

    def _text(self, path: str) -> tuple[str, ...]:
        lines = self._lines_of(path)
        spans = _spans(sorted(self._taken[path]))
        texts = ("".join(lines[span.start : span.stop]).strip("\n") + "\n" for span in spans)
        return tuple(text for text in texts if text.strip())


def _spans(numbers: Sequence[int]) -> tuple[range, ...]:
    return tuple(joined([range(number, number + 1) for number in numbers]))
