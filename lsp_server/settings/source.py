"""The places where settings are written, and how far the server believes each of them."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import platformdirs

FILE_NAME = "midspan.toml"


class Voice(Enum):
    """The author of a source, as far as the server can know."""

    USER = "user"  # the user's file, the command line, and a client that vouches for its settings
    # A client that does not vouch: eglot, lsp-mode, Zed and others also take settings from the folder that is open.
    EDITOR = "editor"
    WORKSPACE = "workspace"  # the authors of a repository


@dataclass(frozen=True)
class Source:
    """The place where settings are written: a file, an editor's settings or a command line."""

    folder: Path  # the paths of models in this source are relative to the folder
    file: Path | None = None  # None: an editor's settings or a command line
    voice: Voice = Voice.USER


def user_settings_file() -> Path:
    """Return the path of the user's file of settings. The file need not exist."""
    return platformdirs.user_config_path("midspan") / FILE_NAME


def user_settings_file_in_words() -> str:
    """Return the path of the user's file of settings as a message names it, with "~" for the home folder."""
    file, home = user_settings_file(), Path.home()
    return f"~/{file.relative_to(home).as_posix()}" if file.is_relative_to(home) else str(file)
