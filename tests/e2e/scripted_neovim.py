"""Neovim with the plugin and known answers, for tests that share one editor and have a file each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e import scripted
from tests.e2e.neovim import Neovim, neovim


@contextmanager
def scripted_neovim(folder: Path, program: Path, answers: Mapping[str, str]) -> Iterator[Neovim]:
    """Run a Neovim in a new folder, whose model gives these answers."""
    scripted.scripted_project(folder, answers)
    with neovim(folder, folder / "first.py", program=program, scripted=True) as editor:
        yield editor


def open_empty_file(editor: Neovim, test_name: str) -> None:
    """Open an empty file of the test's own in the only window."""
    path = editor.log_file.with_name(f"{test_name.partition('[')[0]}.py")
    path.write_text("\n")
    editor.type("<Esc>")
    editor.api.command("silent! only!")
    editor.api.command(f"edit! {path}")


def asked(editor: Neovim) -> list[str]:
    """Return the prompts that the model was given."""
    return scripted.prompts_asked(editor.log_file.parent)


def midspan(editor: Neovim, words: str) -> None:
    """Run the command `:Midspan`."""
    editor.api.command(f"Midspan {words}")
