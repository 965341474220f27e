"""The settings that a command runs with."""

import sys
from pathlib import Path

from lsp_server.settings.model_setting import recognize_models
from lsp_server.settings.source import Source
from lsp_server.settings.sources import check_flags, load_settings
from lsp_server.settings.values import Settings
from midspan import SettingsError
from midspan.visible_text import visible_line


def read_settings(flags: dict[str, str], root: Path) -> tuple[Settings, list[SettingsError]]:
    """The settings in this root with the command's flags, and every error in the files.

    Raises SettingsError for a wrong flag.
    """
    check_flags(flags, Path.cwd())
    given = [(flags, Source(Path.cwd()))]
    settings, errors = load_settings([root], given)
    if recognize_models(errors):
        settings, errors = load_settings([root], given)
    return settings, errors


def settings_for(flags: dict[str, str], root: Path) -> Settings:
    """The same settings; the errors in the files go to stderr. Raises SettingsError for a wrong flag."""
    settings, errors = read_settings(flags, root)
    for error in errors:
        print(f"midspan: {visible_line(str(error))}", file=sys.stderr)
    return settings
