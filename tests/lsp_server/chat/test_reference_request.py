from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lsp_server.server.engines import Engines
from tests.context.tree import write_tree
from tests.lsp_server.client import InProcess
from tests.lsp_server.in_process import settled_workspace
from tests.lsp_server.two_models import TwoModels

TREE = {
    "shop/price.py": "def copy_price(cents):\n    return cents\n",
    "main.py": "from shop.price import copy_price\n",
    "private/.gitignore": "*\n",
    "private/plan.py": "",
}


@pytest.fixture
async def editor(tmp_path: Path) -> AsyncIterator[InProcess]:
    root = write_tree(tmp_path / "root", TREE)
    editor = InProcess(Engines(TwoModels("")))
    await editor.initialize(root=root.as_uri())
    await settled_workspace(editor, root.as_uri())
    yield editor
    await editor.request("shutdown")


async def test_the_server_tells_that_it_has_the_requests():
    result = await InProcess(Engines(TwoModels(""))).initialize()
    experimental = result["capabilities"]["experimental"]
    assert experimental == {"midspan": {"nextEdit": True, "chatReferences": True, "conversation": True}}


async def test_items_are_files_folders_and_symbols(editor):
    result = await editor.request("midspan/chatReferences", {"query": "copy"})
    assert result["items"] == [
        {"kind": "symbol", "name": "copy_price", "path": "shop/price.py", "line": 0, "insert": "@copy_price"}
    ]
    kinds = {
        item["kind"]: item for item in (await editor.request("midspan/chatReferences", {"query": "shop"}))["items"]
    }
    assert kinds["folder"] == {"kind": "folder", "name": "shop", "path": "shop/", "insert": "@shop/"}


async def test_open_documents_come_first_and_excluded_ones_never(editor, tmp_path):
    root = tmp_path / "root"
    await editor.open(TREE["main.py"], (root / "main.py").as_uri())
    await editor.open("", (root / "private/plan.py").as_uri())
    items = (await editor.request("midspan/chatReferences", {"query": ""}))["items"]
    assert items[0]["path"] == "main.py"
    assert not [item for item in items if item["path"].startswith("private")]


async def test_outside_a_workspace_there_is_nothing_to_name(editor):
    nowhere = {"uri": "file:///nowhere/a.py"}
    assert await editor.request("midspan/chatReferences", {"query": "", "textDocument": nowhere}) == {"items": []}
