"""The settings that a command of the command line runs with."""

from pathlib import Path
from typing import Any

from lsp_server.settings.model_setting import recognize_models
from lsp_server.settings.source import Source
from lsp_server.settings.sources import check_flags, load_settings
from lsp_server.settings.values import Settings
from midspan import SettingsError


def read_settings(flags: dict[str, Any], root: Path, folder: Path) -> tuple[Settings, list[SettingsError]]:
    """Return the settings in this root with the command's flags, and every error in the files.

    Paths in the flags are relative to `folder`. Raises SettingsError for a wrong flag.
    """
    check_flags(flags, folder)
    given = [(flags, Source(folder))]
    settings, errors = load_settings([root], given)
    if recognize_models(errors):
        settings, errors = load_settings([root], given)
    return settings, errors
