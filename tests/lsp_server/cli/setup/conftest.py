import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lsp_server.cli.checks import installed_editors
from lsp_server.cli.setup.record import SetupRecord, user_record

Tree = dict[str, tuple[int, bytes | str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, with no program on the PATH but `midspan`, and no other editors."""
    home, programs = tmp_path / "home", tmp_path / "bin"
    programs.mkdir()
    home.mkdir()
    (programs / "midspan").write_text("#!/bin/sh\n")
    (programs / "midspan").chmod(0o755)
    editors = tuple(replace(editor, usual_places=()) for editor in installed_editors.EDITORS)
    monkeypatch.setattr(installed_editors, "EDITORS", editors)
    for kind, name in (("CONFIG", ".config"), ("DATA", ".local/share"), ("STATE", ".local/state"), ("CACHE", ".cache")):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / name))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(programs))
    return home


@pytest.fixture
def record(home: Path) -> SetupRecord:
    return user_record()


@pytest.fixture
def tree(home: Path) -> Callable[[], Tree]:
    """All that is in the home folder but state and cache: each file's mode and bytes, each link's target."""

    def look() -> Tree:
        paths = [path for path in home.rglob("*") if not {".local", ".cache"} & set(path.relative_to(home).parts)]
        return {
            str(path.relative_to(home)): (
                path.lstat().st_mode,
                os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b"",
            )
            for path in paths
        }

    return look
