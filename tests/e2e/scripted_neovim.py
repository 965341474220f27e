"""Neovim with the plugin and known answers, for tests that share one editor and have a file each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import scripted
from tests.e2e.neovim import PROGRAM, PROGRAM_0_11, Neovim, neovim


@contextmanager
def scripted_neovim(folder: Path, program: Path, answers: Mapping[str, str]) -> Iterator[Neovim]:
    """Run a Neovim in a new folder, whose model gives these answers."""
    scripted.scripted_project(folder, answers)
    with neovim(folder, folder / "first.py", program=program, scripted=True) as editor:
        yield editor


def running_neovim(answers: Mapping[str, str]) -> Any:
    """Make the fixture `running` of a module: one Neovim for all of its tests, of each version."""

    @pytest.fixture(scope="module", params=[PROGRAM, PROGRAM_0_11], ids=["0.12", "0.11"])
    def running(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Neovim]:
        with scripted_neovim(tmp_path_factory.mktemp("scripted"), request.param, answers) as editor:
            yield editor

    return running


@pytest.fixture
def own_file(running: Neovim, request: pytest.FixtureRequest) -> Neovim:
    """The module's Neovim with an empty file of the test's own."""
    open_empty_file(running, request.node.name)
    return running


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
