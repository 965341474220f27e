"""The completion at the end of setup, made as `midspan complete` makes one."""

import os
from pathlib import Path

import platformdirs

from lsp_server.cli.completion_at_place import find_completion
from lsp_server.cli.input.command_settings import settings_for
from lsp_server.cli.output.ghost_text_view import show_ghost_text
from midspan import SettingsError

_TEXT = "def area(width, height):\n    return \n"
_LINE, _COLUMN = 2, 12


def try_completion(*, in_grey: bool) -> str:
    """Return a function around the cursor with its ghost text, and what the text cost. Raises MidspanError."""
    folder = platformdirs.user_cache_path("midspan") / "trial"  # one place, whose index is made once
    file = folder / "area.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(_TEXT, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file} cannot be written ({error.strerror}).") from error
    settings = settings_for({}, Path(os.fspath(folder))).completion
    snapshot, completion = find_completion(f"{file}:{_LINE}:{_COLUMN}", settings, {}, is_asked=True)
    if not completion.texts:
        raise SettingsError(f"{completion.model} wrote nothing: {completion.why_none}. `midspan doctor` says more.")
    return f"{show_ghost_text(snapshot, completion.texts[0], in_grey=in_grey)}\n{completion.model}: {completion.costs}"
