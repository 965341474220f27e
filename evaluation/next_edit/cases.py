"""The cases of two successive releases: a state on the way from one to the other, and the hunks that may come next.

The way goes file by file, a file after those that it imports. In a file the hunk with the first definition that is
renamed or gets another signature comes first, the others follow downwards, and those above it come last. A state is
what stands there after one of the hunks; the files before are as in the new release, those behind as in the old one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import PurePosixPath
from random import Random

from context.syntax.imports import find_imports
from evaluation.next_edit.causes import Cause, MadeHunk, cause_of
from evaluation.next_edit.hunks import FileDiff, Hunk
from evaluation.next_edit.pieces import pieces_of

SEED = 17
HISTORY_HUNKS = 8
_MOST_HUNKS = 60  # in a file; more is a format
_MOST_HUNK_LINES = 40  # more is new code
_MOST_LINES = 5000
_CALL_LINES = 4


@dataclass(frozen=True)
class Target:
    """Lines of a hunk that may come next: from `start` up to `end`, counted in the old file."""

    path: str
    hunk: int
    start: int
    end: int


@dataclass(frozen=True)
class Case:
    """A state of a release: the files `done`, and in the file at `path` the hunks `made`, the last one last.

    `targets` are the lines that have a cause, any of which may come next: releases do not tell in which order their
    authors worked, and a hunk may change more than these lines. The first are the next ones of the same file. A quiet
    case has no targets: all files are done.
    """

    release: str
    path: str
    made: tuple[int, ...]
    done: frozenset[str]
    before: str  # the file that was edited before, or ""
    targets: tuple[Target, ...]
    cause: Cause

    @property
    def is_quiet(self) -> bool:
        return not self.targets


def diff_files(old: Mapping[str, str], new: Mapping[str, str], language: str) -> dict[str, FileDiff]:
    """Return the changed files that both releases have, each after those that it imports."""
    diffs = {
        path: FileDiff(path, language, old[path], new[path])
        for path in sorted(old.keys() & new.keys())
        if old[path] != new[path] and max(old[path].count("\n"), new[path].count("\n")) <= _MOST_LINES
    }
    usable = {path: diff for path, diff in diffs.items() if len(diff.hunks) <= _MOST_HUNKS}
    return {path: usable[path] for path in _imported_first(usable)}


def order_hunks(diff: FileDiff) -> tuple[MadeHunk, ...]:
    """Return the hunks in the order in which they are made."""
    hunks = tuple(MadeHunk(diff, index) for index in range(len(diff.hunks)))
    first = next((hunk.index for hunk in hunks if hunk.mentions), 0)
    return hunks[first:] + hunks[:first]


def all_cases(release: str, diffs: Mapping[str, FileDiff]) -> Iterator[Case]:
    """Yield a case for each state after which a hunk follows whose code changes, in the order of the way."""
    paths = list(diffs)
    earlier: tuple[MadeHunk, ...] = ()
    for number, path in enumerate(paths):
        order = order_hunks(diffs[path])
        before = paths[number - 1] if number else ""
        later = [diffs[other] for other in paths[number + 1 :]]
        for count in range(1, len(order) + 1):
            if not _is_thought(order[count - 1].hunk):
                continue
            made = earlier + order[max(0, count - HISTORY_HUNKS) : count]
            targets, cause = _targets(order[count:], made, later)
            if targets:
                indexes = tuple(hunk.index for hunk in order[:count])
                yield Case(release, path, indexes, frozenset(paths[:number]), before, targets, cause)
        earlier = order[-HISTORY_HUNKS:]


def quiet_cases(release: str, diffs: Mapping[str, FileDiff]) -> Iterator[Case]:
    """Yield for each file the state at the end of the way when that file was the last one."""
    for path, diff in diffs.items():
        order = order_hunks(diff)
        if order and _is_thought(order[-1].hunk):
            indexes = tuple(hunk.index for hunk in order)
            yield Case(release, path, indexes, frozenset(diffs) - {path}, "", (), Cause.NONE)


def draw(cases: Sequence[Case], count: int, most_of_release: int) -> list[Case]:
    """Draw as many cases with a cause as without one, the causes and the releases in turn."""
    random = Random(SEED)
    rename, signature, repeated, none = (
        _in_turn([case for case in cases if case.cause is cause], random) for cause in Cause
    )
    drawn: list[Case] = []
    taken: Counter[str] = Counter()
    is_running = True
    while is_running:
        is_running = False
        for pile in (rename, none, signature, none, repeated, none):
            case = next((case for case in pile if taken[case.release] < most_of_release), None)
            if case is not None and len(drawn) < count:
                is_running = True
                drawn.append(case)
                taken[case.release] += 1
    return drawn


def _targets(
    left: Sequence[MadeHunk], made: Sequence[MadeHunk], later: Sequence[FileDiff]
) -> tuple[tuple[Target, ...], Cause]:
    """Return the lines that have a cause, and the cause of the first; if none has one, the next hunk of the file."""
    caused = [found for hunk in left for found in _caused(hunk.diff, hunk.index, made)]
    names = {name for hunk in made for name in hunk.mentions}
    for other in later if names else []:
        for index, hunk in enumerate(other.hunks):
            if any(name in _text_of(other, hunk) for name in names):
                # A repeated change is looked for in open files only.
                caused += [found for found in _caused(other, index, made) if found[1] is not Cause.REPEATED]
    if caused:
        return tuple(target for target, _ in caused), caused[0][1]
    if left and _is_thought(left[0].hunk):
        hunk = left[0].hunk
        return (Target(left[0].diff.path, left[0].index, hunk.start, hunk.end),), Cause.NONE
    return (), Cause.NONE


def _caused(diff: FileDiff, index: int, made: Sequence[MadeHunk]) -> Iterator[tuple[Target, Cause]]:
    """Yield the lines of a hunk that have a cause, each with it."""
    for piece in pieces_of(diff, diff.hunks[index]):
        cause = cause_of(diff, piece.changes, made)
        if cause is not Cause.NONE:
            yield Target(diff.path, index, piece.start, piece.end), cause


def _text_of(diff: FileDiff, hunk: Hunk) -> str:
    """Return both texts of a hunk, with the lines above in which a call may begin."""
    above = diff.old_lines[max(0, hunk.start - _CALL_LINES) : hunk.start]
    return "".join((*above, *diff.old_lines[hunk.start : hunk.end], *diff.new_lines[hunk.new_start : hunk.new_end]))


def _is_thought(hunk: Hunk) -> bool:
    """Return whether the code changes in so few lines that it is one thought of an author."""
    return hunk.is_definite and max(hunk.end - hunk.start, hunk.new_end - hunk.new_start) <= _MOST_HUNK_LINES


def _imported_first(diffs: Mapping[str, FileDiff]) -> list[str]:
    """Return the paths so that a file stands behind those that it imports; by name where they import each other."""
    by_module: dict[str, list[str]] = {}
    for path in diffs:
        stem = PurePosixPath(path).with_suffix("")
        module = stem.parent.name if stem.name in ("__init__", "index") else stem.name
        by_module.setdefault(module, []).append(path)
    imported = {
        path: {
            other
            for module, names in find_imports(diff.language, diff.old)
            for name in (module.replace("/", ".").removesuffix(".js").split(".")[-1], *names)
            for other in by_module.get(name, [])
            if other != path
        }
        for path, diff in diffs.items()
    }
    ordered: list[str] = []
    while len(ordered) < len(diffs):
        waiting = [path for path in diffs if path not in ordered]
        free = [path for path in waiting if not imported[path].intersection(waiting)]
        ordered += free or [min(waiting, key=lambda path: len(imported[path].intersection(waiting)))]
    return ordered


def _in_turn(cases: Sequence[Case], random: Random) -> Iterator[Case]:
    """Yield the cases of each release in an order of chance, one of each release in turn."""
    piles: dict[str, list[Case]] = {}
    for case in cases:
        piles.setdefault(case.release, []).append(case)
    for pile in piles.values():
        random.shuffle(pile)
    for row in zip_longest(*piles.values()):
        yield from (case for case in row if case is not None)
