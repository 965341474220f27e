"""A model that came with a workspace is loaded after the user has allowed it, and the user is asked once."""

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from lsp_server.server import model_consent
from lsp_server.server.engines import Engines
from lsp_server.server.pauses import Pauses
from lsp_server.settings.model_content import ModelContent, read_content
from lsp_server.settings.trusted_models import trusted_models
from lsp_server.settings.values import ModelSettings
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import InProcess, until

USERS, THEIRS = "of the user", "of theirs"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "m").mkdir(parents=True)
    (root / "m/config.json").write_text("{}")
    (root / "midspan.toml").write_text('completion.model = "./m"\n')
    return root


class Asked(InProcess):
    """An editor whose model says whose it is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._letters = itertools.cycle("abcdefgh")
        self.uri = (root / "a.py").as_uri()
        super().__init__(Engines(self._start), pauses=Pauses(settings_s=0))

    def _start(self, settings: ModelSettings) -> FakeEngine:
        return FakeEngine(lambda *_: USERS if settings.model is None else THEIRS)

    async def begin(self) -> None:
        await self.initialize(root=self.root.as_uri())
        await self.open("x = \n", self.uri)

    async def completion(self) -> str | None:
        await self.change((0, 0), (0, 1), next(self._letters), self.uri)  # else what was predicted is the answer
        return await self.complete(0, 4, uri=self.uri)

    async def question(self) -> dict[str, Any]:
        message = await self.message()
        assert message["method"] == "window/showMessageRequest"
        return message

    async def answer(self, question: dict[str, Any], title: str | None) -> None:
        result = None if title is None else {"title": title}
        await self.send({"jsonrpc": "2.0", "id": question["id"], "result": result})

    async def settled(self) -> None:
        """Wait until nothing is read or asked."""
        await until(lambda: not self.server._tasks)

    async def status(self) -> dict[str, Any]:
        status: dict[str, Any] = await self.request("midspan/status")
        return status


@pytest.fixture
def editor(root: Path) -> Asked:
    return Asked(root)


async def test_the_user_is_asked_and_completions_do_not_wait_for_the_answer(editor, root):
    await editor.begin()
    question = await editor.question()
    assert str(root / "m") in question["params"]["message"]
    assert [action["title"] for action in question["params"]["actions"]] == ["Not now", "Allow", "Never"]
    assert await editor.completion() == USERS
    status = await editor.status()
    assert status["completion"]["state"] == "ready"
    assert f"midspan trust {root / 'm'}" in status["completion"]["reason"]
    await editor.answer(question, "Allow")
    await editor.settled()
    assert await editor.completion() == THEIRS
    assert (await editor.status())["completion"]["reason"] is None


async def test_what_was_allowed_is_loaded_in_later_sessions_without_a_question(editor, root):
    await editor.begin()
    await editor.answer(await editor.question(), "Allow")
    await editor.settled()
    later = Asked(root)
    await later.begin()
    assert await later.completion() == THEIRS
    await later.settled()
    assert later.notifications.empty()


async def test_never_is_kept_for_this_content_alone(editor, root):
    await editor.begin()
    await editor.answer(await editor.question(), "Never")
    await editor.settled()
    later = Asked(root)
    await later.begin()
    await later.settled()
    assert await later.completion() == USERS
    assert later.notifications.empty()
    (root / "m/config.json").write_text("{ }")
    assert await later.completion() == USERS
    await later.question()


async def test_a_model_that_changes_is_asked_about_anew(editor, root):
    await editor.begin()
    await editor.answer(await editor.question(), "Allow")
    await editor.settled()
    assert await editor.completion() == THEIRS
    (root / "m/tokenizer.json").write_text("{}")
    assert await editor.completion() == USERS
    await editor.question()


@pytest.mark.parametrize("title", ["Not now", None])
async def test_without_an_answer_the_users_own_model_serves_and_nothing_is_kept(editor, root, title):
    await editor.begin()
    await editor.answer(await editor.question(), title)
    await editor.settled()
    assert await editor.completion() == USERS
    await editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": {}}})
    await editor.settled()  # it is not asked again in this session
    if title is None:
        assert f"midspan trust {root / 'm'}" in (await editor.message())["params"]["message"]
    assert editor.notifications.empty()
    assert trusted_models().answers() == []


async def test_an_editor_that_cannot_ask_is_told_what_to_run(editor, root):
    await editor.begin()
    question = await editor.question()
    error = {"code": -32601, "message": "no such method"}
    await editor.send({"jsonrpc": "2.0", "id": question["id"], "error": error})
    assert f"midspan trust {root / 'm'}" in (await editor.message())["params"]["message"]
    assert await editor.completion() == USERS


async def test_the_command_line_answers_for_a_running_session(editor, root):
    await editor.begin()
    await editor.question()
    trusted_models().remember(root / "m", read_content(root / "m"), is_allowed=True)
    assert await editor.completion() == THEIRS
    trusted_models().revoke(root / "m")
    assert await editor.completion() == USERS


async def test_the_answer_is_about_the_content_that_was_shown(editor, root):
    await editor.begin()
    question = await editor.question()
    (root / "m/config.json").write_text('{"other": 1}')
    await editor.answer(question, "Allow")
    again = await editor.question()
    assert again["id"] != question["id"]
    assert await editor.completion() == USERS


async def test_a_folder_that_holds_no_model_is_told_and_not_asked_about(editor, root):
    (root / "m/config.json").unlink()
    await editor.begin()
    message = await editor.message()
    assert (message["method"], "holds no model" in message["params"]["message"]) == ("window/showMessage", True)
    for _ in range(2):
        assert await editor.completion() == USERS
        await editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": {}}})
        await editor.settled()
    assert editor.notifications.empty()


async def test_a_folder_that_takes_long_to_read_holds_up_no_keystroke(editor, root, monkeypatch):
    go = threading.Event()

    def read_slowly(folder: Path) -> ModelContent:
        go.wait(60)
        return read_content(folder)

    monkeypatch.setattr(model_consent, "read_content", read_slowly)
    await editor.begin()
    assert await editor.completion() == USERS
    go.set()
    await editor.answer(await editor.question(), "Allow")
    await editor.settled()
    assert await editor.completion() == THEIRS


async def test_the_chat_model_of_a_workspace_waits_too(editor, root):
    (root / "midspan.toml").write_text('chat.model = "./m"\n')
    await editor.begin()
    question = await editor.question()
    chat = (await editor.status())["chat"]
    assert (chat["state"], "midspan trust" in chat["reason"]) == ("none", True)
    await editor.answer(question, "Allow")
    await editor.settled()
    assert (await editor.status())["chat"]["state"] == "idle"
