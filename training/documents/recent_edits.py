"""Holes at the moment when a programmer makes the next of several changes, cut from two releases of a package.

The current file has some of its changes and not yet the others. Before it stand pieces of other files, and nearest to
it, as the engine shows them, the places of other files that were changed last.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random

from training.corpus.changes import ChangedFile, Hunk, as_source, split_lines
from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.documents.fim import SUFFIX_CHARS_PER_TOKEN, Budget, FimText
from training.documents.holes import pause_in
from training.documents.related import choose_context, choose_places, identifiers, title_of

# Of one package, so that a large one does not fill all rows.
_MOST_TARGETS = 1500
# Targets with a name that a change of another file brings too, for each target without.
_LINKED_TO_OTHERS = 2
# A name that more files get at once says nothing.
_MOST_FILES_OF_NAME = 40
_MOST_LINKS = 12
_LINES_AROUND = 3
_MOST_SHOWN_LINES = 30
_MOST_OTHER_EDITS = 4
_NEIGHBOURS = 8
_CHARS_PER_TOKEN = 3.0
_WHOLE_LINES_SHARE = 0.35
_FILE_ORDER_SHARE = 0.5
_ORDINARY_SHARE = 0.6
# A shorter text may stand anywhere.
_LEAST_TELLING_CHARS = 8


@dataclass(frozen=True, order=True)
class Place:
    """A hunk of a package: the indices of its file and of the hunk in it."""

    file: int
    hunk: int


@dataclass(frozen=True)
class EditText:
    """A document with a hole, whose context ends with `edits`, the places that were changed last."""

    parts: FimText
    edits: str
    made: tuple[Place, ...]


@dataclass(frozen=True)
class _Hole:
    """`text` ends with the middle, which begins at `start`."""

    text: str
    start: int
    after: str


class RecentEdits:
    """The next changes that a row may ask for, in packages with two releases.

    `units` are the package, the file and the hunk of each; about two of three share a name with another file's change.
    """

    def __init__(self, packages: Sequence[list[ChangedFile]], encoder: TextEncoder) -> None:
        self._packages = packages
        self._encoder = encoder
        self._shown = [_shown_places(files) for files in packages]
        self._links = [_find_links(files, shown) for files, shown in zip(packages, self._shown, strict=True)]
        self.units = [(package, *unit) for package in range(len(packages)) for unit in self._targets(package)]

    def _targets(self, package: int) -> list[tuple[int, int]]:
        links, rng = self._links[package], Random(package)
        linked: list[tuple[int, int]] = []
        others: list[tuple[int, int]] = []
        for file, changed in enumerate(self._packages[package]):
            if not changed.old or not any(place.file != file for place in self._shown[package]):
                continue
            for index, hunk in enumerate(changed.hunks):
                if hunk.is_target:
                    (linked if links.get(Place(file, index)) else others).append((file, index))
        linked = rng.sample(linked, min(len(linked), _MOST_TARGETS * _LINKED_TO_OTHERS // (_LINKED_TO_OTHERS + 1)))
        others = rng.sample(others, min(len(others), max(1, len(linked) // _LINKED_TO_OTHERS)))
        return sorted(linked + others)

    def draw(self, unit: tuple[int, int, int], budget: Budget, is_whole_word: bool, rng: Random) -> EditText | None:
        """The document at the moment of this change, or None where the text behind the hole already has its middle."""
        package, target = unit[0], Place(*unit[1:])
        files = self._packages[package]
        changed, hunk = files[target.file], files[target.file].hunks[target.hunk]
        chars = int((budget.tokens - budget.suffix_tokens) * budget.context_share * _CHARS_PER_TOKEN)
        made, edits = _show_edits(files, self._draw_history(package, target, rng), chars, rng)
        shown_names = {name for place in made for name in identifiers(files[place.file].hunks[place.hunk].new)}
        hole = _cut_hole(changed, target.hunk, _brought_names(split_lines(changed.old), hunk) & shown_names, rng)
        text, start = hole.text, hole.start
        if is_whole_word:
            start = self._encoder.word_start(text, start)
        middle = text[start:]
        after = hole.after[: budget.suffix_tokens * SUFFIX_CHARS_PER_TOKEN]
        if len(middle.strip()) >= _LEAST_TELLING_CHARS and middle.strip() in after:
            return None
        context = ""
        if rng.random() < _ORDINARY_SHARE and chars > len(edits):
            window = text[max(0, start - 600) : start] + hole.after[:900]
            context = _show_others(files, target.file, {place.file for place in made}, window, chars - len(edits), rng)
        reach = int(budget.tokens * _CHARS_PER_TOKEN * 2)
        before = text[text.rfind("\n", 0, max(0, start - reach)) + 1 : start]
        parts = FimText(context + edits, title_of(changed.path), before, middle, after)
        return EditText(parts, edits, made)

    def file_of(self, unit: tuple[int, int, int]) -> SourceFile:
        """The file of a change, as the newer release has it."""
        return as_source(self._packages[unit[0]][unit[1]], is_new=True)

    def _draw_history(self, package: int, target: Place, rng: Random) -> list[Place]:
        """Changes that were made in other files before: those that share a name with this one come first."""
        links = self._links[package].get(target, ())
        made = list(rng.sample(links, min(len(links), rng.randint(1, 2))))
        others = [place for place in self._shown[package] if place.file != target.file]
        near = [place for place in others if abs(place.file - target.file) <= _NEIGHBOURS]
        for _ in range(rng.randint(0 if made else 1, _MOST_OTHER_EDITS)):
            made.append(rng.choice(near if near and rng.random() < 0.5 else others))
        return list(dict.fromkeys(made))


def _shown_places(files: Sequence[ChangedFile]) -> list[Place]:
    """The hunks that are shown as recent edits: those of code, with lines enough to fit."""
    return [
        Place(file, index)
        for file, changed in enumerate(files)
        for index, hunk in enumerate(changed.hunks)
        if changed.old and hunk.is_code and hunk.new.count("\n") <= _MOST_SHOWN_LINES
    ]


def _find_links(files: Sequence[ChangedFile], shown: Sequence[Place]) -> dict[Place, tuple[Place, ...]]:
    """For each target the changes of other files that bring a name which the target brings, the rarest names first."""
    brought: dict[Place, set[str]] = {}
    for file, places in groupby(shown, key=lambda place: place.file):
        old = split_lines(files[file].old)
        brought |= {place: _brought_names(old, files[file].hunks[place.hunk]) for place in places}
    places_of: dict[str, list[Place]] = defaultdict(list)
    for place, names in brought.items():
        for name in names:
            places_of[name].append(place)
    files_of = {name: len({place.file for place in places}) for name, places in places_of.items()}
    links = {}
    for place, names in brought.items():
        if files[place.file].hunks[place.hunk].is_target:
            telling = sorted((files_of[name], name) for name in names if 2 <= files_of[name] <= _MOST_FILES_OF_NAME)
            found = [one for _, name in telling for one in places_of[name] if one.file != place.file]
            if found:
                links[place] = tuple(dict.fromkeys(found))[:_MOST_LINKS]
    return links


def _brought_names(old_lines: Sequence[str], hunk: Hunk) -> set[str]:
    return identifiers(hunk.new) - identifiers("".join(old_lines[hunk.start : hunk.end]))


def _cut_hole(file: ChangedFile, index: int, names: set[str], rng: Random) -> _Hole:
    """The file as it is when hunk `index` is being made: what comes before, the rest of a line or all lines, the rest.

    The changes above have been made and those below have not, or any of both.
    """
    hunk = file.hunks[index]
    if rng.random() < _FILE_ORDER_SHARE:
        made = set(range(index))
    else:
        share = rng.random()
        made = {other for other in range(len(file.hunks)) if other != index and rng.random() < share}
    above = "".join(file.lines_with(made, 0, hunk.start))
    below = "".join(file.lines_with(made, hunk.end))
    lines = hunk.new_lines
    written = [number for number, line in enumerate(lines) if any(char.isalnum() for char in line)]
    if rng.random() < _WHOLE_LINES_SHARE:
        ends = 1 if rng.random() < 0.5 and hunk.new.endswith("\n") else 0
        return _Hole(above + hunk.new[: len(hunk.new) - ends], len(above), "\n" * ends + below)
    named = [
        number for number in written if names & (identifiers(lines[number]) - identifiers("".join(lines[:number])))
    ]
    at = named[0] if named and rng.random() < 0.7 else written[0] if rng.random() < 0.7 else rng.choice(written)
    old = file.lines_with((), hunk.start, hunk.end)
    replaced = old[at] if at < len(old) and len(old) == len(lines) else ""
    # One line is rewritten after the other, or all old lines went first.
    rest = "".join(old[at + 1 :]) if replaced and rng.random() < 0.5 else ""
    line = lines[at].removesuffix("\n")
    before = above + "".join(lines[:at])
    return _Hole(before + line, len(before) + _typing_starts(line, replaced, names, rng), "\n" + rest + below)


def _typing_starts(line: str, replaced: str, names: set[str], rng: Random) -> int:
    """The place in a changed line where the hole begins: the first difference, a name of an edit, the code, a pause."""
    code = len(line) - len(line.lstrip())
    chance = rng.random()
    if replaced and chance < 0.5:
        same = next((i for i, pair in enumerate(zip(line, replaced, strict=False)) if pair[0] != pair[1]), 0)
        if code < same < len(line.rstrip()):
            return same
    found = sorted(at for name in names if (at := line.find(name)) >= 0)
    if found and chance < 0.8:
        return found[0]
    return code if chance < 0.9 else pause_in(line, 0, len(line), rng)


def _show_edits(
    files: Sequence[ChangedFile], made: Sequence[Place], chars: int, rng: Random
) -> tuple[tuple[Place, ...], str]:
    """The changes that fit, the first of them first, and their places as they are now, those of a file together."""
    taken: list[Place] = []
    for place in made:
        chars -= len(_piece(files[place.file], [place.hunk]))
        if chars >= 0 or not taken:
            taken.append(place)
    of_file: dict[int, list[int]] = defaultdict(list)
    for place in rng.sample(taken, len(taken)):
        of_file[place.file].append(place.hunk)
    return tuple(taken), "".join(_piece(files[file], sorted(hunks)) for file, hunks in of_file.items())


def _piece(file: ChangedFile, hunks: Sequence[int]) -> str:
    """The new lines of the hunks with three lines around each, under the file's path."""
    lines = file.lines_with(range(len(file.hunks)))
    shown: dict[int, None] = {}
    for index in hunks:
        start = file.hunks[index].start + sum(hunk.grown for hunk in file.hunks[:index])
        end = start + file.hunks[index].new.count("\n")
        shown |= dict.fromkeys(range(max(0, start - _LINES_AROUND), min(len(lines), end + _LINES_AROUND)))
    return title_of(file.path) + "".join(lines[number] for number in sorted(shown))


def _show_others(
    files: Sequence[ChangedFile], current: int, finished: set[int], window: str, chars: int, rng: Random
) -> str:
    """Pieces of other files, as in every document; the files of the recent edits have all of their changes."""
    places = choose_places(files[current].imports, len(files), current, rng)
    sources = [as_source(files[place], is_new=place in finished) for place in places]
    return choose_context(sources, window, chars, rng)
