"""The prompts whose pages may stay on the disk: those of completions in a workspace, of files that the index knows."""

from collections.abc import MutableSequence
from pathlib import Path
from typing import Any

import pytest

from inference.api import Request
from lsp_server.settings.source import Source, Voice
from lsp_server.settings.sources import apply_options
from lsp_server.settings.values import Settings
from tests.context.tree import write_tree
from tests.fake_engine import FakeEngine, read_prompt
from tests.lsp_server.client import InProcess
from tests.lsp_server.in_process import settled_workspace

TEXT = "def area(width):\n    return \n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", {"a.py": TEXT, "b.py": "def other(): ...\n"})


async def completed(root: Path, path: Path, options: Any = None) -> tuple[InProcess, MutableSequence[Request]]:
    """Complete in a file of the folder; return the editor, which is still open, and the requests to the engine."""
    engine = FakeEngine(lambda _before, _after: "width")
    editor = InProcess(engine)
    await editor.initialize(options=options, root=root.as_uri())
    await settled_workspace(editor, (root / "a.py").as_uri())
    await editor.open(TEXT, path.as_uri())
    assert await editor.complete(1, 11, uri=path.as_uri()) == "width"
    return editor, engine.requests


async def test_a_completion_in_a_workspace_is_kept(root: Path, tmp_path: Path) -> None:
    editor, (request,) = await completed(root, root / "a.py")
    kept = request.kept_pages
    assert kept is not None
    assert kept.folder.is_dir()
    assert kept.folder.parent.parent == kept.root == tmp_path / "cache/midspan/pages"
    assert kept.most_bytes == 1_000_000_000
    await editor.request("shutdown")


async def test_a_file_that_is_not_in_the_index_is_not_kept(root: Path, tmp_path: Path) -> None:
    for path in (root / "unsaved.py", tmp_path / "elsewhere.py"):
        editor, (request,) = await completed(root, path)
        assert request.kept_pages is None
        await editor.request("shutdown")


async def test_a_prompt_that_shows_a_buffer_of_another_folder_is_not_kept(root: Path, tmp_path: Path) -> None:
    editor, requests = await completed(root, root / "a.py")
    other = tmp_path / "other.py"
    await editor.open("def area_of(width):\n    return width * 2\n", other.as_uri())
    text = "from other import area_of\n\narea_of(\n"
    await editor.change((0, 0), (2, 0), text, (root / "a.py").as_uri())
    await editor.complete(2, 8, uri=(root / "a.py").as_uri())
    assert "return width * 2" in read_prompt(requests[-1])[0]
    assert requests[0].kept_pages is not None
    assert requests[-1].kept_pages is None
    await editor.request("shutdown")


async def test_a_setting_ends_the_keeping_and_removes_what_is_kept(root: Path) -> None:
    editor, (request,) = await completed(root, root / "a.py")
    await editor.request("shutdown")
    assert request.kept_pages is not None
    folder = request.kept_pages.folder
    (folder / "x.pages").write_bytes(b"values")
    editor, (request,) = await completed(root, root / "a.py", {"completion": {"disk_cache_bytes": 0}})
    assert request.kept_pages is None
    assert not folder.exists()
    await editor.request("shutdown")


async def test_a_workspace_may_end_the_keeping_and_gives_it_no_size(root: Path) -> None:
    write_tree(root, {"midspan.toml": "[completion]\ndisk_cache_bytes = 0\n"})
    editor, (request,) = await completed(root, root / "a.py")
    assert request.kept_pages is None
    await editor.request("shutdown")
    write_tree(root, {"midspan.toml": "[completion]\ndisk_cache_bytes = 9000000000000\n"})
    editor, (request,) = await completed(root, root / "a.py")
    assert request.kept_pages is not None
    assert request.kept_pages.most_bytes == 1_000_000_000
    await editor.request("shutdown")


@pytest.mark.parametrize("voice", Voice)
@pytest.mark.parametrize("value", [0, 5_000_000, -1, True, "1 GB", None])
def test_only_the_user_gives_the_disk_a_size(value: object, voice: Voice, tmp_path: Path) -> None:
    options = {"completion": {"disk_cache_bytes": value}}
    settings, errors = apply_options(Settings(), options, Source(tmp_path, voice=voice))
    is_taken = value == 0 or (value == 5_000_000 and voice is Voice.USER)
    assert settings.completion.disk_cache_bytes == (value if is_taken else 1_000_000_000)
    assert len(errors) == (not is_taken)
