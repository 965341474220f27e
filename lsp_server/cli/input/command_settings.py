"""The settings that a command runs with, and what is wrong in their files."""

import sys
from pathlib import Path

from lsp_server.settings.command_settings import read_settings
from lsp_server.settings.values import Settings
from midspan.visible_text import visible_line


def settings_for(flags: dict[str, str], root: Path) -> Settings:
    """The settings in this root with the command's flags; the errors in the files go to stderr.

    Raises SettingsError for a wrong flag.
    """
    settings, errors = read_settings(flags, root, Path.cwd())
    for error in errors:
        print(f"midspan: {visible_line(str(error))}", file=sys.stderr)
    return settings
