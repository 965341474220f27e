"""Conversations outlive the server, and are the user's alone."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lsp_server.chat.conversations import user_conversations
from lsp_server.server.engines import Engines
from tests.context.tree import write_tree
from tests.lsp_server.client import InProcess, ResponseError
from tests.lsp_server.in_process import settled_workspace
from tests.lsp_server.two_models import TwoModels

TREE = {"price.py": "def round_price(cents):\n    return cents\n"}


async def opened(root: Path, answer: str = "Because.", models: TwoModels | None = None) -> InProcess:
    editor = InProcess(Engines(models or TwoModels(answer)))
    await editor.initialize(options={"chat": {"model": "/models/chat"}}, root=root.as_uri())
    await settled_workspace(editor, root.as_uri())
    return editor


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", TREE)


@pytest.fixture
async def editor(root: Path) -> AsyncIterator[InProcess]:
    editor = await opened(root)
    yield editor
    await editor.request("shutdown")


def _files() -> list[Path]:
    folder = user_conversations().folder
    return list(folder.iterdir()) if folder.exists() else []


def ask(content: str, *before: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": [*before, {"role": "user", "content": content}], "keep": True, **more}


async def kept(editor: InProcess) -> list[dict[str, Any]]:
    result: dict[str, Any] = await editor.request("midspan/conversation", {"action": "get"})
    return list(result["messages"])


async def test_a_kept_conversation_is_there_after_a_restart(root):
    editor = await opened(root)
    uri = (root / "price.py").as_uri()
    referring = {"role": "user", "content": "Who?", "references": [{"uri": uri}]}
    result = await editor.request("midspan/chat", {"messages": [referring], "keep": True})
    await editor.request("shutdown")
    later = await opened(root, "Later.")
    first = await kept(later)
    assert [(message["role"], message["content"]) for message in first] == [("user", "Who?"), ("assistant", "Because.")]
    assert first[0]["references"][0]["uri"] == uri
    assert first[1]["used"] == result["used"] != []
    assert first[1]["model"] == "fake"
    await later.request("midspan/chat", ask("Why?", *first))
    second = await kept(later)
    assert [message["content"] for message in second] == ["Who?", "Because.", "Why?", "Later."]
    await later.request("shutdown")


@pytest.mark.parametrize("change", [lambda file: file.write_text("cents = 1"), Path.unlink])
async def test_it_goes_on_without_an_earlier_reference_that_cannot_be_read_any_more(root, change):
    models, file = TwoModels("Because."), root / "price.py"
    editor = await opened(root, models=models)
    lines = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 4}}
    earlier = {"role": "user", "content": "Who?", "references": [{"uri": file.as_uri(), "range": lines}]}
    await editor.request("midspan/chat", {"messages": [earlier], "keep": True})
    assert "return cents" in models.asked
    change(file)
    where = {"textDocument": {"uri": file.as_uri()}}
    assert (await editor.request("midspan/chat", ask("Why?", *await kept(editor), **where)))["text"] == "Because."
    assert models.asked.endswith("user: Who?\nassistant: Because.\nuser: Why?\n")
    assert "return cents" not in models.asked
    with pytest.raises(ResponseError, match=r"price\.py"):  # the last question is not asked without what it is about
        await editor.request("midspan/chat", {"messages": [earlier]})
    await editor.request("shutdown")


async def test_a_file_below_a_root_that_is_a_link_is_found_and_named_as_the_editor_names_it(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    models, uri = TwoModels("Because."), (tmp_path / "link/price.py").as_uri()
    editor = await opened(tmp_path / "link", models=models)
    referring = {"role": "user", "content": "Who?", "references": [{"uri": uri}]}
    await editor.request("midspan/chat", {"messages": [referring]})
    assert models.asked == f"user: # price.py\n{TREE['price.py']}\nWho?\n"
    result = await editor.request("midspan/chat", ask("What does @price.py say?", keep=False))
    assert [part["uri"] for part in result["used"]] == [uri]
    await editor.request("shutdown")


async def test_what_is_kept_of_an_answer_stays_although_the_client_sends_its_words_alone(editor):
    await editor.request("midspan/chat", ask("Who?"))
    await editor.request(
        "midspan/chat", ask("Why?", *[{k: m[k] for k in ("role", "content")} for m in await kept(editor)])
    )
    assert [message.get("model") for message in await kept(editor)] == [None, "fake", None, "fake"]


async def test_nothing_is_kept_unasked(editor):
    await editor.request("midspan/chat", ask("Who?", keep=False))
    assert await kept(editor) == []


async def test_clear_forgets_it(editor, root):
    await editor.request("midspan/chat", ask("Who?"))
    assert await editor.request("midspan/conversation", {"action": "clear"}) == {"messages": []}
    assert await kept(editor) == []
    assert root.as_posix() not in "".join(file.read_text() for file in _files())


async def test_clear_is_not_lost_when_the_editor_ends_at_once(editor):
    await editor.request("midspan/chat", ask("Who?"))
    number, answer = await editor.start_request("midspan/conversation", {"action": "clear"})
    await editor.notify("$/cancelRequest", {"id": number})
    await asyncio.gather(answer, return_exceptions=True)
    assert await kept(editor) == []


async def test_each_workspace_has_its_own(editor, root, tmp_path):
    await editor.request("midspan/chat", ask("Who?"))
    other = await opened(write_tree(tmp_path / "other", TREE))
    assert await kept(other) == []
    await other.request("shutdown")


async def test_there_is_none_outside_a_workspace(editor):
    nowhere = {"textDocument": {"uri": "file:///nowhere/a.py"}}
    await editor.request("midspan/chat", ask("Who?", **nowhere))
    assert await editor.request("midspan/conversation", nowhere) == {"messages": []}


async def test_only_the_user_reads_the_file_and_it_holds_no_text_of_a_file(editor, root):
    uri = (root / "price.py").as_uri()
    await editor.request(
        "midspan/chat", {"messages": [{"role": "user", "content": "Who?", "references": [{"uri": uri}]}], "keep": True}
    )
    folder = user_conversations().folder
    files = [file for file in folder.iterdir() if root.as_posix() in file.read_text()]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "round_price" not in files[0].read_text()


@pytest.mark.parametrize("text", ["", "[]", '{"messages": 5}', '{"messages": [5]}', '{"messages": [{"role": 1}]}'])
async def test_a_file_that_was_changed_by_something_else_is_no_conversation(editor, root, text):
    await editor.request("midspan/chat", ask("Who?"))
    (file,) = (file for file in _files() if root.as_posix() in file.read_text())
    file.write_text(text)
    assert await kept(editor) == []
    await editor.request("midspan/chat", ask("Why?"))
    assert len(await kept(editor)) == 2


async def test_a_folder_that_cannot_be_written_costs_a_warning_and_no_answer(root, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    other = await opened(root)
    assert (await other.request("midspan/chat", ask("Who?")))["text"] == "Because."
    assert "is not kept" in (await other.message())["params"]["message"]


async def test_a_long_conversation_keeps_its_newest_messages(root):
    conversations = user_conversations()
    messages = [{"role": role, "content": f"{n}"} for n in range(150) for role in ("user", "assistant")]
    conversations.keep(root, messages[:-1], messages[-1])
    found = conversations.read(root)
    assert found == messages[-200:]
    conversations.keep(root, messages[:-2], messages[-1])
    assert conversations.read(root)[0]["role"] == "user", "an answer does not stand first"
    conversations.keep(root, [{"role": "user", "content": "x" * 3_000_000}] * 2, messages[-1])
    assert [len(message["content"]) for message in conversations.read(root)] == [3_000_000, 3]


async def test_an_unknown_action_is_refused(editor):
    with pytest.raises(ResponseError, match="action must be one of get, clear"):
        await editor.request("midspan/conversation", {"action": "put"})
