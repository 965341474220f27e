"""The recording: three original files in `files/` (`NAME.txt`), and beside each the keys that are typed into it.

A key is a line `[wait_ms, action, text]` of a `.keys.jsonl` file. `wait_ms` is the pause before it. Actions: "type"
inserts a character, or a line end with the indentation that an editor adds; "backspace" deletes a character; "paste"
inserts the clipboard; "jump" moves the cursor behind the first place of the text; "accept" inserts the rest of a line
at once, as the acceptance of ghost text does.

The files were written for this benchmark, so no model has them by heart. The edits were written by hand. The pauses
were drawn once, by a log-normal distribution for each kind of key: a median of 0.2 s within a word, 0.3 s at a sign or
a word, 1 s where a typist thinks (a line, each third word, a jump, a paste, an acceptance).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from midspan import DocumentError

Action = Literal["type", "backspace", "paste", "jump", "accept"]

FOLDER = Path(__file__).parent / "files"
_LANGUAGES = {"kiln_schedule.py": "python", "ferryDesk.ts": "typescript", "seedbank.go": "go"}


@dataclass(frozen=True)
class Key:
    """A key of the recording. `wait_ms` is the pause between the key before and this one."""

    wait_ms: int
    action: Action
    text: str


@dataclass(frozen=True)
class Change:
    """An edit: `text` takes the place of `before[start:end]`, in offsets of characters."""

    before: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Typed:
    """A key with the text and the cursor after it. `change` is None for a key that only moves the cursor."""

    key: Key
    change: Change | None
    text: str
    cursor: int


@dataclass(frozen=True)
class Recording:
    """The keys that are typed into one file."""

    name: str
    language: str
    text: str
    keys: tuple[Key, ...]

    def states(self) -> Iterator[Typed]:
        """Yield each key with the state of the document after it. Raises DocumentError for a key that does not fit."""
        text, cursor = self.text, 0
        for key in self.keys:
            if key.action == "jump":
                at = text.find(key.text)
                if at < 0:
                    raise DocumentError(f"{self.name} has no {key.text!r} to jump to")
                cursor = at + len(key.text)
                yield Typed(key, None, text, cursor)
                continue
            start = cursor - 1 if key.action == "backspace" else cursor
            change = Change(text, start, cursor, key.text)
            text = text[:start] + key.text + text[cursor:]
            cursor = start + len(key.text)
            yield Typed(key, change, text, cursor)


def read_recordings(most_keys: int | None = None) -> list[Recording]:
    """Read the recordings of all files; `most_keys` of each. Raises DocumentError for a line that is no key."""
    return [_read(name, language, most_keys) for name, language in _LANGUAGES.items()]


def _read(name: str, language: str, most_keys: int | None) -> Recording:
    lines = (FOLDER / f"{name}.keys.jsonl").read_text(encoding="utf-8").splitlines()
    keys = tuple(_key(name, line) for line in lines[:most_keys])
    return Recording(name, language, (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), keys)


def _key(name: str, line: str) -> Key:
    wait_ms, action, text = json.loads(line)
    if action not in get_args(Action):
        raise DocumentError(f"the recording of {name} has an unknown action {action!r}")
    return Key(wait_ms, action, text)
