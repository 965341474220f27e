"""The settings of one connection, which change when their files do or the editor says so."""

import time
from collections.abc import Sequence
from pathlib import Path

from lsp_server.settings.sources import load_settings, settings_files
from lsp_server.settings.values import Settings
from midspan import SettingsError

# Each keystroke asks; a disk far away is looked at less often.
_LOOK_EVERY_S = 2.0


class LiveSettings:
    """Lives on the event loop alone."""

    def __init__(self, folder: Path, flags: object) -> None:
        """`flags` are those of the command line, by name; `folder` is what their paths are relative to."""
        self.options: object = None  # initializationOptions
        self.changed_options: object = None  # what the editor has said since
        self._folder = folder
        self._flags = flags
        self._stamps: list[tuple[int, int, int] | None] = []
        self._looked_at = time.monotonic()

    def load(self, roots: Sequence[Path]) -> tuple[Settings, list[SettingsError]]:
        """The settings as they are written now."""
        self._stamps = _stamps(roots)
        self._looked_at = time.monotonic()
        return load_settings(roots, self._folder, (self.options, self.changed_options, self._flags))

    def have_changed(self, roots: Sequence[Path]) -> bool:
        """Whether a file is another than at the last `load`, as far as was looked."""
        if time.monotonic() < self._looked_at + _LOOK_EVERY_S:
            return False
        self._looked_at = time.monotonic()
        return _stamps(roots) != self._stamps


def _stamps(roots: Sequence[Path]) -> list[tuple[int, int, int] | None]:
    stamps: list[tuple[int, int, int] | None] = []
    for file in settings_files(roots):
        try:
            state = file.stat()
        except (OSError, ValueError):  # ValueError: no name of a file, such as one with a zero byte
            stamps.append(None)
        else:
            stamps.append((state.st_mtime_ns, state.st_size, state.st_ino))
    return stamps
