"""Answers in words, as files that the editor opens: in a folder of the user's alone, while the session lasts."""

import os
import shutil
import tempfile
from pathlib import Path

_KEPT = 50


class Answers:
    """Numbers them, and forgets the oldest."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._files: dict[int, Path] = {}
        self._last = 0

    def add(self, name: str, text: str) -> int:
        """The number of a new answer. Raises OSError when it cannot be written."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="midspan-answers-"))  # 0700
        self._last += 1
        file = self._folder / f"{name}-{self._last}.md"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        self._files[self._last] = file
        if oldest := self._files.pop(self._last - _KEPT, None):
            oldest.unlink(missing_ok=True)
        return self._last

    def file(self, number: int) -> Path | None:
        """None for one that is not known (any more)."""
        return self._files.get(number)

    def remove(self) -> None:
        """Deletes them all. May be called twice."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None
        self._files.clear()
