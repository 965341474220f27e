"""Lines that commits of a repository added, each typed in the state before its commit, with that state's index.

A hunk counts that only adds lines: what was changed in a line was not typed as a whole line. A passage with a line that
the same commit removes somewhere is left out, because it was moved.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from evaluation.typist.passages import Passage, draw, passages_of
from evaluation.typist.repositories import HELD_OUT, Repository, is_wanted
from evaluation.typist.workplace import Workplace
from midspan import SettingsError

_SUFFIXES = tuple(dict.fromkeys(archive.suffix for archive in HELD_OUT))
_ADDED = re.compile(r"^@@ -(\d+),0 \+(\d+)(?:,(\d+))? @@", re.M)
_REMOVED = re.compile(r"^-(?!--)(.*)$", re.M)
_SHORTEST_LINE = 8  # a shorter one is removed here and added there by chance


@dataclass(frozen=True)
class Commits:
    """So many commits, which a seed draws, of the repository with this root."""

    root: Path
    count: int


def workplaces_of(commits: Commits, most_lines: int, seed: int, clone: Path) -> list[Workplace]:
    """Draw commits that add code, and of each so many lines (0: all); return them as history has them.

    The files come into the folder `clone`, which is replaced. Raises SettingsError when git or the code is not there.
    """
    shutil.rmtree(clone, ignore_errors=True)
    clone.parent.mkdir(parents=True, exist_ok=True)
    _git(commits.root, "clone", "--quiet", "--shared", "--no-checkout", str(commits.root), str(clone))
    history = _git(clone, "log", "--no-merges", "--min-parents=1", "--reverse", "--format=%H").split()
    order = list(range(len(history)))
    Random(seed).shuffle(order)
    found: dict[int, list[Workplace]] = {}
    while order and len(found) < commits.count:
        number = order.pop()
        if places := list(_workplaces(clone, commits.root.name, history[number], most_lines, seed)):
            found[number] = places
    if not found:
        raise SettingsError(f"No commit of {commits.root} adds lines in files that end with {', '.join(_SUFFIXES)}.")
    return [place for number in sorted(found) for place in found[number]]


def _workplaces(clone: Path, name: str, commit: str, most_lines: int, seed: int) -> Iterator[Workplace]:
    """Yield a workplace for each language in which the commit adds lines."""
    passages = list(passages_of_commit(clone, commit))
    enter = partial(_git, clone, "checkout", "--quiet", "--force", "--detach", f"{commit}~")
    for suffix in _SUFFIXES:
        drawn = draw([each for each in passages if each.path.endswith(suffix)], most_lines, f"{seed} {commit}")
        if drawn:
            yield Workplace(f"{name}, {suffix}", clone, drawn, enter)


def passages_of_commit(root: Path, commit: str) -> Iterator[Passage]:
    """Yield the passages that a commit adds; above each stands what the commit says, below it what stood there before.

    Raises SettingsError.
    """
    paths = _git(root, "diff", "--name-only", "--no-renames", "-z", f"{commit}~", commit).split("\0")
    changes = {path: _git(root, *_DIFF, f"{commit}~", commit, "--", path) for path in paths if path.endswith(_SUFFIXES)}
    removed = {line.strip() for change in changes.values() for line in _REMOVED.findall(change)}
    moved = {line for line in removed if len(line) >= _SHORTEST_LINE}
    for path, change in changes.items():
        hunks = [tuple(int(number or 1) for number in found) for found in _ADDED.findall(change)]
        new = _show(root, commit, path) if hunks else ""
        if not any(is_wanted(path, len(new.encode()), suffix) for suffix in _SUFFIXES):
            continue
        old, lines = _show(root, f"{commit}~", path).split("\n"), new.split("\n")
        for above, first, count in hunks:
            before = "".join(f"{line}\n" for line in lines[: first - 1])
            added, after = "\n".join(lines[first - 1 : first - 1 + count]), "\n".join(old[above:])
            for each in passages_of(Repository(commit, root, {path: added})):
                if not moved.intersection(line.strip() for line in each.typed.split("\n")):
                    start, end = len(before) + each.start, len(before) + each.end
                    yield Passage(commit, path, f"{before}{added[: each.end]}\n{after}", start, end)


_DIFF = ("--literal-pathspecs", "diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames")


def _show(root: Path, commit: str, path: str) -> str:
    """Return the file's text in a commit, "" where it is not there."""
    if not _git(root, "--literal-pathspecs", "ls-tree", "--name-only", commit, "--", path):
        return ""
    return _git(root, "show", f"{commit}:{path}")


def _git(root: Path, *words: str) -> str:
    """Run git in the repository and return what it prints. Raises SettingsError."""
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
    except OSError as error:
        raise SettingsError(f"git cannot be run ({error.strerror}). Install it, or leave --commits out.") from error
    if done.returncode:
        reason = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        raise SettingsError(f"git {words[0]} failed in {root} ({reason}). --commits needs a repository of git.")
    return done.stdout.decode(errors="replace")
