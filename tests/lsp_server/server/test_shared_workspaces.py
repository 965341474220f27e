from pathlib import Path

import pytest

from lsp_server.server.shared_workspaces import SharedWorkspaces, start_workspace
from lsp_server.server.workspaces import Workspaces
from tests.context.tree import write_tree
from tests.fake_engine import FakeEngine, read_prompt
from tests.lsp_server.client import WAIT_S, InProcess
from tests.lsp_server.in_process import settled_workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", {"shop/price.py": "def round_price(cents):\n    return cents\n"})


def test_a_root_is_open_once_however_often_and_however_written_it_is_asked_for(root, tmp_path):
    shared = SharedWorkspaces()
    (tmp_path / "link").symlink_to(root)
    heard: list[str] = []
    followers = [lambda _done, _total, name=name: heard.append(name) for name in ("one", "two")]
    one = shared.acquire(root, followers[0])
    two = shared.acquire(tmp_path / "link", followers[1])
    assert one is two
    assert one is not None
    assert shared.count == 1
    shared.release(followers[0])
    assert shared.count == 1
    assert one.wait_until_settled(WAIT_S)  # it still follows the disk
    shared.release(followers[1])
    assert shared.count == 0


def test_each_session_follows_the_progress_of_the_index_until_it_leaves(root):
    shared = SharedWorkspaces()
    heard: list[str] = []
    followers = [lambda _done, _total, name=name: heard.append(name) for name in ("stays", "leaves", "comes")]
    workspace = shared.acquire(root, followers[0])
    assert workspace is not None
    shared.acquire(root, followers[1])
    shared.release(followers[1])
    assert workspace.wait_until_settled(WAIT_S)
    heard.clear()
    shared.acquire(root, followers[2])
    for number in range(3):
        (root / f"new_{number}.py").write_text("x = 1\n")
    workspace.mark_dirty("")
    assert workspace.wait_until_settled(WAIT_S)
    assert "leaves" not in heard
    assert heard.count("stays") == heard.count("comes") > 0
    shared.release(followers[0])
    shared.release(followers[2])


def test_a_folder_that_is_no_workspace_is_none_for_every_session(tmp_path):
    shared = SharedWorkspaces()
    followers = [lambda _done, _total, name=name: None for name in ("one", "two")]
    for follower in followers:
        assert shared.acquire(tmp_path / "missing", follower) is None
    assert shared.count == 0
    for follower in followers:
        shared.release(follower)


async def test_two_editors_know_the_same_workspace_and_one_may_leave(root):
    shared = SharedWorkspaces()
    engine = FakeEngine(lambda *_: "filled_in")
    one, two = InProcess(engine, shared), InProcess(engine, shared)
    for editor in (one, two):
        await editor.initialize(root=root.as_uri())
    assert shared.count == 1
    uri = (root / "shop/cart.py").as_uri()
    assert await settled_workspace(one, uri) is await settled_workspace(two, uri)
    await one.request("shutdown")
    text = "from shop.price import round_price\n\ntotal = round_price(\n"
    await two.open(text, uri=uri)
    assert await two.complete(2, 20, uri=uri) == "filled_in"
    assert "def round_price(cents)" in read_prompt(engine.requests[-1])[0]
    await two.request("shutdown")
    assert shared.count == 0


@pytest.mark.parametrize(
    "form", ["{home}", "{home}/inner/..", "{home}/../{name}", "{home}/..", "/", "/proc/self/root", "{link}"]
)
def test_a_folder_that_holds_the_home_is_no_workspace_however_it_is_written(tmp_path, monkeypatch, form):
    home = tmp_path / "home"
    (home / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    root = Path(form.format(home=home, name=home.name, link=tmp_path / "link"))
    assert start_workspace(root, lambda _done, _total: None) is None
    workspace = start_workspace(home / "inner", lambda _done, _total: None)
    assert workspace is not None
    workspace.close()


def test_a_root_is_released_though_its_link_points_elsewhere_by_now(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tree(tmp_path, {"first/a.py": "", "second/a.py": "", "other/a.py": ""})
    (tmp_path / "current").symlink_to("first")
    shared = SharedWorkspaces()
    workspaces = Workspaces(shared)
    workspaces.open([tmp_path / "current", tmp_path / "other"])
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("second")
    workspaces.close()
    assert shared.count == 0
