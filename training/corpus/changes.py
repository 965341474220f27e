"""The changes between two releases of a package: the hunks of its files, and which of them change code."""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path

from training.corpus.files import SourceFile
from training.corpus.folders import corpus_folder

# A longer hunk is nothing that a completion writes.
MOST_TARGET_LINES = 8
_PYTHON_PROSE = re.compile(
    r"(?P<prose>(?P<quotes>\"\"\"|''')(?:[^\\]|\\.)*?(?P=quotes)|#[^\n]*)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
    re.DOTALL,
)
_SLASHED_PROSE = re.compile(
    r"(?P<prose>//[^\n]*|/\*.*?\*/)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`", re.DOTALL
)
# Brackets, commas and quotes say how a line is laid out: a formatter changes them.
_WORD = re.compile(r"\w+|[^\w\s,()\"'`;]")
_NUMBER = re.compile(r"\b\d[\w.]*")


@dataclass(frozen=True)
class Hunk:
    """Lines `start` up to `end` of the old file became the text `new`. `is_code` says that words of code changed."""

    start: int
    end: int
    new: str
    is_code: bool

    @property
    def new_lines(self) -> list[str]:
        """The new text, line by line."""
        return split_lines(self.new)

    @property
    def grown(self) -> int:
        """The lines that the file has more."""
        return self.new.count("\n") - (self.end - self.start)

    @property
    def is_target(self) -> bool:
        """True where a document may ask for the new text."""
        return self.is_code and self.new.count("\n") <= MOST_TARGET_LINES


@dataclass(frozen=True)
class ChangedFile:
    """A file of the older release and its hunks, in the order of their lines; a new file has one hunk and no text.

    `imports` are indices into the package's list of files.
    """

    path: str
    old: str
    imports: tuple[int, ...]
    hunks: tuple[Hunk, ...]

    def lines_with(self, made: Collection[int], start: int = 0, stop: int | None = None) -> list[str]:
        """Lines `start` up to `stop` of the old file with the hunks of these indices made, and no others.

        Both places are outside of every hunk, or at the start or end of one.
        """
        old = split_lines(self.old)
        stop = len(old) if stop is None else stop
        lines: list[str] = []
        done = start
        for index, hunk in enumerate(self.hunks):
            if index in made and start <= hunk.start and hunk.end <= stop:
                lines += old[done : hunk.start] + hunk.new_lines
                done = hunk.end
        return lines + old[done:stop]

    @property
    def new(self) -> str:
        """The file of the newer release."""
        return "".join(self.lines_with(range(len(self.hunks))))


def split_lines(text: str) -> list[str]:
    """Lines with their ends; only a newline ends one."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def find_hunks(path: str, old: str, new: str) -> tuple[Hunk, ...]:
    """The hunks between two texts of a file. At least one line with a letter or a digit parts two hunks."""
    old_lines, new_lines = split_lines(old), split_lines(new)
    old_code, new_code = (split_lines(_blank_prose(path, text)) for text in (old, new))
    hunks = []
    for start, end, new_start, new_end in _changed_lines(old_lines, new_lines):
        text = "".join(new_lines[new_start:new_end])
        was, now = _words(old_code[start:end]), _words(new_code[new_start:new_end])
        is_code = was != now and any(word[0].isalpha() for word in now)
        hunks.append(Hunk(start, end, text, is_code))
    return tuple(hunks)


def _changed_lines(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int, int]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    places: list[tuple[int, int, int, int]] = []
    for tag, i, j, p, q in matcher.get_opcodes():
        if tag == "equal":
            continue
        if places and not any(char.isalnum() for char in "".join(old[places[-1][1] : i])):
            places[-1] = (places[-1][0], j, places[-1][2], q)
        else:
            places.append((i, j, p, q))
    return places


def _blank_prose(path: str, text: str) -> str:
    """The text without comments and docstrings, on as many lines."""

    def without(found: re.Match[str]) -> str:
        return "\n" * found.group().count("\n") if found.group("prose") else found.group()

    return (_PYTHON_PROSE if path.endswith(".py") else _SLASHED_PROSE).sub(without, text)


def _words(lines: Iterable[str]) -> list[str]:
    """The words of code. All numbers are one word, so that another version is no change."""
    return _WORD.findall(_NUMBER.sub("0", "".join(lines)))


def changes_folder(part: str) -> Path:
    """The folder of the changes to train on (`train`) or of those that are held out (`held_out`)."""
    return corpus_folder() / "releases" / part


def write_changes(path: Path, files: Sequence[ChangedFile]) -> None:
    """Write the changes of one package."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(file) for file in files]), encoding="utf-8")


def load_changes(part: str) -> list[list[ChangedFile]]:
    """The changed packages of `train` or `held_out`; none where the corpus has no such rows."""
    return [
        [
            ChangedFile(item["path"], item["old"], tuple(item["imports"]), tuple(Hunk(**one) for one in item["hunks"]))
            for item in json.loads(path.read_text(encoding="utf-8"))
        ]
        for path in sorted(changes_folder(part).glob("*.json"))
    ]


def as_source(file: ChangedFile, *, is_new: bool) -> SourceFile:
    """The file of the newer release or of the older one, as other files are shown."""
    return SourceFile(file.path, file.new if is_new else file.old, file.imports)
