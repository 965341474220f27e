"""The choice of the place in an init file where Midspan's lines run, by what the editor says when it loads the file."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace

from lsp_server.cli.setup.changed_file import FileChange, in_words
from lsp_server.cli.setup.text_block import TextBlock
from midspan import SettingsError

_PATIENCE_S = 60.0  # an init file may start much
_LONGEST_REASON = 300

# Takes the text of an init file; returns whether Midspan's lines in it ran, and the errors of loading it.
Load = Callable[[str], tuple[bool, str]]


def choose_place(change: FileChange, block: TextBlock, load: Load) -> FileChange | None:
    """Return the change at the file's end or, where a file ends early, the one on its top.

    None where the file loads Midspan without the block: the user has done it by hand. An error that the file has
    without Midspan counts for nothing. Raises SettingsError where neither place works.
    """
    before = (change.before or b"").decode()
    is_loaded_alone, alone = load(block.take_out(before)) if before.strip() else (False, "")
    if is_loaded_alone and block.take_out(before) == before:
        return None
    is_loaded, error = load(change.after)
    if is_loaded and (not error or _is_same(error, alone)):
        return change
    on_top = block.put_into(before, on_top=True)
    is_loaded_on_top, error_on_top = load(on_top)
    if is_loaded_on_top and (not error_on_top or _is_same(error_on_top, alone)):
        return replace(change, after=on_top)
    reason = f"nor without them: {alone}" if alone else error or error_on_top or "they do not run"
    raise SettingsError(
        f"{in_words(change.path)} does not load with Midspan's lines ({reason[:_LONGEST_REASON]}), so nothing was "
        f"written. The lines are:\n" + "\n".join(block.lines)
    )


def run_quietly(command: list[str]) -> tuple["subprocess.CompletedProcess[str] | None", str]:
    """Run a program to its end and return it, or None and the reason."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return None, f"{command[0]} does not end within {_PATIENCE_S:.0f} seconds"
    except OSError as error:
        return None, f"{command[0]} cannot be started ({error.strerror})"
    return done, ""


def _is_same(error: str, other: str) -> bool:
    """Compare errors without the numbers of lines, which the block moves."""
    return re.sub(r"\d+", "", error) == re.sub(r"\d+", "", other)
