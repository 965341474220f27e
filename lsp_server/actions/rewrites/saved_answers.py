"""Answers to explain and review, saved as files that the editor opens: the user alone may read them."""

import os
import shutil
import tempfile
from pathlib import Path

_MAX_FILES = 50


class SavedAnswers:
    """The answers of one connection, each with a number. The oldest is deleted when there are too many."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._files: dict[int, Path] = {}
        self._last_number = 0

    def save(self, name: str, text: str) -> int:
        """Write an answer to a file and return its number. Raises OSError when the file cannot be written."""
        if self._folder is None or not self._folder.is_dir():  # systems clean their temporary folder of old files
            self._folder = Path(tempfile.mkdtemp(prefix="midspan-answers-"))  # 0700
        self._last_number += 1
        file = self._folder / f"{name}-{self._last_number}.md"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        self._files[self._last_number] = file
        if oldest := self._files.pop(self._last_number - _MAX_FILES, None):
            oldest.unlink(missing_ok=True)
        return self._last_number

    def file(self, number: int) -> Path | None:
        """Return the file of an answer; None when it has been deleted or never existed."""
        file = self._files.get(number)
        return file if file is not None and file.is_file() else None

    def delete_all(self) -> None:
        """Delete all answers. A second call does nothing."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None
        self._files.clear()
