from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.context.tree import GENERATED, write_tree
from tests.fake_engine import FakeEngine, read_prompt
from tests.lsp_server.client import InProcess, until
from tests.lsp_server.in_process import is_at_rest, settled_workspace

TREE = {
    "shop/price.py": "def round_price(cents):\n    return cents\n",
    "private/.gitignore": "*\n",
    "private/plan.py": "def round_secretly(): ...\n",
    **{f"many/m{n}.py": f"def many_{n}(): ...\n" for n in range(60)},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", TREE)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(lambda _before, _after: "filled_in")


@pytest.fixture
async def editor(root: Path, engine: FakeEngine) -> AsyncIterator[InProcess]:
    editor = InProcess(engine)
    params: dict[str, Any] = {
        "processId": None,
        "rootUri": root.as_uri(),
        "workspaceFolders": [{"uri": root.as_uri(), "name": "root"}],
        "capabilities": {"window": {"workDoneProgress": True}},
    }
    await editor.request("initialize", params)
    await editor.notify("initialized", {})
    yield editor
    await editor.request("shutdown")


def prompt(engine: FakeEngine) -> str:
    return read_prompt(engine.requests[-1])[0]


async def test_definitions_of_other_files_of_the_workspace_are_in_the_prompt(
    editor: InProcess, root: Path, engine: FakeEngine
) -> None:
    await settled_workspace(editor, root.as_uri())
    uri = (root / "cart.py").as_uri()
    await editor.open("from shop.price import round_price\n\nround_price(", uri)
    assert await editor.complete(2, 12, uri=uri) == "filled_in"
    assert prompt(engine).startswith("# shop/price.py\ndef round_price(cents):\n")


async def test_the_index_is_built_behind_a_progress_bar(editor: InProcess, root: Path) -> None:
    seen: list[str] = []
    for _ in range(1000):  # messages; each is waited for, and the progress of 60 files is told in a few
        message = await editor.message()
        if message["method"] == "window/workDoneProgress/create":
            await editor.send({"jsonrpc": "2.0", "id": message["id"], "result": None})
            seen.append("create")
        elif message["method"] == "$/progress":
            seen.append(message["params"]["value"]["kind"])
            if seen[-1] == "end":
                break
    assert seen[:2] == ["create", "begin"]
    assert seen[-1] == "end"


async def test_a_document_that_a_rule_excludes_gets_no_completion_and_is_in_no_prompt(
    editor: InProcess, root: Path, engine: FakeEngine
) -> None:
    await settled_workspace(editor, root.as_uri())
    plan, generated = (root / "private/plan.py").as_uri(), (root / "new.py").as_uri()
    await editor.open(TREE["private/plan.py"] + "round_", plan)
    assert await editor.complete(1, 6, uri=plan) is None
    await editor.open(f"{GENERATED}generated_name\nround_", generated)
    assert await editor.complete(2, 6, uri=generated) is None
    assert engine.requests == []
    uri = (root / "cart.py").as_uri()
    await editor.open("round_price(", uri)
    await editor.complete(0, 12, uri=uri)
    assert "generated_name" not in prompt(engine)
    assert "round_secretly" not in prompt(engine)


async def test_an_edit_in_another_file_is_in_the_prompt(editor: InProcess, root: Path, engine: FakeEngine) -> None:
    await settled_workspace(editor, root.as_uri())
    other, uri = (root / "shop/price.py").as_uri(), (root / "cart.py").as_uri()
    await editor.open(TREE["shop/price.py"], other)
    await editor.change((1, 4), (1, 16), "return cents * exchange_rate", uri=other)
    await editor.open("x = ", uri)
    await editor.complete(0, 4, uri=uri)
    assert "exchange_rate" in prompt(engine)
    assert any(
        edit.new_lines == ("    return cents * exchange_rate\n",) for edit in editor.server.session.edits.recent()
    )


async def test_neither_the_disk_nor_the_home_folder_is_a_workspace(engine: FakeEngine) -> None:
    for root in (Path("/"), Path.home()):
        editor = InProcess(engine)
        await editor.initialize(root=root.as_uri())
        assert editor.server.session.workspaces.of((root / "a.py").as_uri()).workspace is None
        await editor.request("shutdown")


def _folders_event(**folders: Path) -> dict[str, Any]:
    """Return the parameters of a change that adds or removes these folders."""
    changed = {how: [{"uri": folder.as_uri(), "name": folder.name}] for how, folder in folders.items()}
    return {"event": {"added": [], "removed": [], **changed}}


@pytest.mark.parametrize("is_removed", [True, False])
async def test_the_progress_bar_of_a_folder_ends_when_the_folder_is_closed(
    tmp_path: Path, engine: FakeEngine, is_removed: bool
) -> None:
    root = write_tree(tmp_path / "small", {"a.py": "a = 1\n"})
    editor = InProcess(engine)
    await editor.initialize(root=root.as_uri(), capabilities={"window": {"workDoneProgress": True}})
    await settled_workspace(editor, root.as_uri())
    editor.server.session.workspaces.on_progress(root, 1, 100)  # as if it were large
    create = await editor.message()
    await editor.send({"jsonrpc": "2.0", "id": create["id"], "result": None})
    assert (await editor.message())["params"]["value"]["kind"] == "begin"
    if is_removed:
        await editor.notify("workspace/didChangeWorkspaceFolders", _folders_event(removed=root))
    else:
        await editor.request("shutdown")
    kinds: list[str] = []
    while "end" not in kinds and len(kinds) < 20:  # reports go on for a moment
        kinds.append((await editor.message())["params"]["value"]["kind"])
    assert kinds[-1] == "end"
    await until(is_at_rest)
    if is_removed:
        await editor.request("shutdown")


async def test_a_document_follows_the_rules_of_a_folder_that_is_added_while_it_is_open(
    root: Path, engine: FakeEngine, tmp_path: Path
) -> None:
    editor = InProcess(engine)
    await editor.initialize(root=(tmp_path / "other").as_uri())
    plan, price, uri = ((root / path).as_uri() for path in ("private/plan.py", "shop/price.py", "cart.py"))
    await editor.open(TREE["private/plan.py"] + "round_", plan)
    await editor.open("def round_price(cents, rate):\n    return cents * rate\n", price)
    assert await editor.complete(1, 6, uri=plan) == "filled_in"
    await editor.notify("workspace/didChangeWorkspaceFolders", _folders_event(added=root))
    await settled_workspace(editor, root.as_uri())
    assert await editor.complete(1, 6, uri=plan) is None
    await editor.open("from shop.price import round_price\n\nround_price(", uri)
    await editor.complete(2, 12, uri=uri)
    assert "# shop/price.py\ndef round_price(cents, rate):\n" in prompt(engine)
    assert "def round_price(cents):" not in prompt(engine)
    assert "round_secretly" not in prompt(engine)
    await editor.request("shutdown")


async def test_rules_hold_for_a_file_that_is_opened_behind_the_link_that_its_root_is(
    root: Path, tmp_path: Path, engine: FakeEngine
) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    editor = InProcess(engine)
    folders = [{"uri": link.as_uri(), "name": "root"}]
    await editor.request("initialize", {"processId": None, "workspaceFolders": folders, "capabilities": {}})
    await editor.notify("initialized", {})
    await settled_workspace(editor, link.as_uri())
    await editor.open("def round_secretly(cents): ...\n", (root / "private/plan.py").as_uri())
    await editor.open("def round_now(cents): ...\n", (root / "shop/now.py").as_uri())
    uri = (link / "cart.py").as_uri()
    await editor.open("round_", uri)
    assert await editor.complete(0, 6, uri=uri) == "filled_in"
    assert "# shop/now.py\ndef round_now" in prompt(engine)
    assert "round_secretly" not in prompt(engine)
    await editor.request("shutdown")
