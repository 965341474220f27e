"""The settings of one connection change when a file of settings changes or the editor sends others."""

import time
from collections.abc import Sequence
from pathlib import Path

from lsp_server.settings.model_content import AllowedModel, stamp_of
from lsp_server.settings.model_setting import UntrustedModelError
from lsp_server.settings.source import Source, Voice
from lsp_server.settings.sources import load_settings, settings_files
from lsp_server.settings.trusted_models import trusted_models
from lsp_server.settings.values import Settings
from midspan import SettingsError

_Stamp = tuple[int, int, int] | str | None


class LiveSettings:
    """The settings of one connection. Used on the event loop only."""

    def __init__(self, folder: Path, flags: object, pause_s: float) -> None:
        """`flags` are the settings of the command line, by name; their paths are relative to `folder`.

        `pause_s` is the time between two looks at the disk.
        """
        self._pause_s = pause_s
        self.is_vouched = False  # True: the client says that no folder sets models and `stats` in `options`
        self._options: object = None  # initializationOptions, or the latest midspan/userSettings
        self._changed_options: object = None  # from didChangeConfiguration
        self._folder = folder
        self._flags = flags
        self._models: list[Path] = []  # those of workspaces, trusted or not
        self._stamps: list[_Stamp] = []
        self._looked_at = time.monotonic()

    def take_options(self, options: object) -> None:
        """Let these be all that the editor has said."""
        self._options, self._changed_options = options, None

    def take_changed_options(self, options: object) -> None:
        """Let these hold over the other settings of the editor. A client cannot vouch for them."""
        self._changed_options = options

    def load(self, roots: Sequence[Path]) -> tuple[Settings, list[SettingsError]]:
        """Read the settings as they are written now, and the errors in them."""
        before = _stamps(roots)  # a file that is written while it is read is to be read again
        user, editor = Source(self._folder), Source(self._folder, voice=Voice.EDITOR)
        options = (self._options, user if self.is_vouched else editor)
        settings, errors = load_settings(roots, [options, (self._changed_options, editor), (self._flags, user)])
        untrusted = [error.folder for error in errors if isinstance(error, UntrustedModelError)]
        models = (settings.completion.model, settings.chat.model, settings.next_edit.model)
        self._models = untrusted + [model.folder for model in models if isinstance(model, AllowedModel)]
        self._looked_at = time.monotonic()
        self._stamps = [*before, *self._model_stamps()]
        return settings, errors

    def have_changed(self, roots: Sequence[Path]) -> bool:
        """Return whether a file has changed since the last `load`; between two looks at the disk, False."""
        if time.monotonic() < self._looked_at + self._pause_s:
            return False
        return self._look(roots) != self._stamps

    def _look(self, roots: Sequence[Path]) -> list[_Stamp]:
        self._looked_at = time.monotonic()
        return [*_stamps(roots), *self._model_stamps()]

    def _model_stamps(self) -> list[str]:
        """A model of a workspace that changes is another one, which the user has not allowed."""
        return [stamp_of(model) for model in self._models]


def _stamps(roots: Sequence[Path]) -> list[_Stamp]:
    stamps: list[_Stamp] = []
    for file in (trusted_models().file, *settings_files(roots)):
        try:
            state = file.stat()
        except (OSError, ValueError):  # ValueError: no legal path, such as one with a zero byte
            stamps.append(None)
        else:
            stamps.append((state.st_mtime_ns, state.st_size, state.st_ino))
    return stamps
