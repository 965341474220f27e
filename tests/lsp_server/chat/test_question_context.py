"""A chat knows the code: the workspace is looked through for each question, and what was used is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from context.secrets.masking import make_placeholder
from lsp_server.chat.question_context import INSTRUCTION
from lsp_server.chat.reading_progress import ReadingProgress, reading_in_words
from lsp_server.server.engines import Engines
from tests.context.question.shop import TREE
from tests.context.tree import KEY, write_tree
from tests.lsp_server.client import InProcess, ResponseError, position
from tests.lsp_server.in_process import last_trace, settled_workspace
from tests.lsp_server.two_models import TwoModels

TAX = f"# shop/tax.py\n{TREE['shop/tax.py']}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", TREE)


@pytest.fixture
def models() -> TwoModels:
    return TwoModels("Because.")


@pytest.fixture
async def editor(root: Path, models: TwoModels) -> AsyncIterator[InProcess]:
    editor = InProcess(Engines(models))
    await editor.initialize(options={"chat": {"model": "/models/chat"}}, root=root.as_uri())
    await settled_workspace(editor, root.as_uri())
    yield editor
    await editor.request("shutdown")


def user(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}


ANSWER = {"role": "assistant", "content": "Because."}


async def test_the_code_that_a_question_names_stands_before_it_and_is_told(editor, models, root):
    result = await editor.request("midspan/chat", {"messages": [user("How does add_tax work?")]})
    assert f"{TAX}\n" in models.asked
    assert models.asked.endswith(f"\n{INSTRUCTION}\n\nHow does add_tax work?\n")
    assert result["used"][0] == {
        "path": "shop/tax.py",
        "uri": (root / "shop/tax.py").as_uri(),
        "firstLine": 0,
        "lastLine": 1,
        "kind": "definition",
        "why": "defines add_tax",
    }
    assert {"caller", "definition"} <= {part["kind"] for part in result["used"]}


async def test_the_next_prompt_begins_with_the_one_before(editor, models):
    await editor.request("midspan/chat", {"messages": [user("How does add_tax work?")]})
    first = models.asked
    messages = [user("How does add_tax work?"), ANSWER, user("And make_list?")]
    result = await editor.request("midspan/chat", {"messages": messages})
    assert models.asked.startswith(f"{first}assistant: Because.\nuser: ")
    assert "# Makes the list" in models.asked.removeprefix(first)
    assert models.asked.count("def add_tax(cents):") == 1
    assert "add_tax" not in {part["why"] for part in result["used"]}


async def test_what_has_changed_since_an_earlier_question_is_not_shown_again(editor, models, root):
    await editor.request("midspan/chat", {"messages": [user("How does add_tax work?")]})
    await editor.open("def add_tax(cents):\n    return 0\n", (root / "shop/tax.py").as_uri())
    messages = [user("How does add_tax work?"), ANSWER, user("Hello!")]
    await editor.request("midspan/chat", {"messages": messages})
    assert "119" not in models.asked
    assert "How does add_tax work?" in models.asked


async def test_the_selection_of_the_document_comes_first(editor, models, root):
    uri = (root / "shop/stock.py").as_uri()
    await editor.open(TREE["shop/stock.py"], uri)
    params = {
        "messages": [user("What is this?")],
        "textDocument": {"uri": uri},
        "selection": {"start": position(0, 0), "end": position(2, 0)},
    }
    result = await editor.request("midspan/chat", params)
    first = result["used"][0]
    assert (first["kind"], first["firstLine"], first["lastLine"]) == ("selection", 0, 1)
    assert "Order goods" in models.asked


async def test_mentions_are_resolved_by_the_server_and_unknown_ones_are_told(editor, models):
    question = "Compare @shop/stock.py and @nothing."
    result = await editor.request("midspan/chat", {"messages": [user(question)]})
    assert TREE["shop/stock.py"] in models.asked
    assert result["used"][0]["kind"] == "reference"
    assert result["unknown"] == ["@nothing"]


async def test_a_mention_of_an_excluded_file_is_refused_with_the_reason(editor, models):
    with pytest.raises(ResponseError, match=r"private/plan\.py is in no prompt: .*gitignore"):
        await editor.request("midspan/chat", {"messages": [user("Explain @private/plan.py")]})
    assert not models.chat.requests


async def test_a_referred_file_is_not_shown_twice(editor, models, root):
    reference = {"uri": (root / "shop/tax.py").as_uri()}
    asked = user("How does add_tax work?") | {"references": [reference]}
    result = await editor.request("midspan/chat", {"messages": [asked]})
    assert models.asked.count("def add_tax(cents):") == 1
    assert result["used"][0]["kind"] == "reference"


async def test_secrets_are_masked_in_what_is_found(editor, models):
    await editor.request("midspan/chat", {"messages": [user("How does connect_wholesaler work?")]})
    assert make_placeholder(KEY) in models.asked
    assert KEY not in models.asked
    assert (await last_trace(editor))["masked"] == {"aws-access-key-id": 1}


async def test_a_slow_machine_is_asked_with_less(editor, models, root):
    models.chat.speed = 30.0
    (root / "long.py").write_text("".join(f"def long_{n}():\n    return {n}\n\n" for n in range(400)))
    (await settled_workspace(editor, root.as_uri())).mark_dirty("long.py")
    await settled_workspace(editor, root.as_uri())
    await editor.request("midspan/chat", {"messages": [user("Explain @long.py")]})
    slow = len(models.asked)
    models.chat.speed = 3000.0
    faster = InProcess(Engines(models))
    await faster.initialize(options={"chat": {"model": "/models/chat"}}, root=root.as_uri())
    await settled_workspace(faster, root.as_uri())
    await faster.request("midspan/chat", {"messages": [user("Explain @long.py")]})
    await faster.request("shutdown")
    assert slow < 1024 + 400 < len(models.asked)


async def test_old_contexts_make_room_before_messages_do(editor, models):
    filler = "x" * 1800
    conversation: list[dict[str, Any]] = []
    for name in ("add_tax", "make_list", "refill_shelf"):
        conversation.append(user(f"How does {name} work? {filler}"))
        result = await editor.request("midspan/chat", {"messages": conversation})
        conversation.append(ANSWER)
    assert result["dropped_messages"] == 0
    assert models.asked.count(filler) == 3
    assert "Order goods" in models.asked


async def progress_of(editor: InProcess, models: TwoModels, read: list[int], speed: float | None) -> list[Any]:
    """Return the values of the progress of a question whose prompt is read so."""
    models.chat.speed, models.chat.read = speed, read
    editor.messages_so_far()
    await editor.request("midspan/chat", {"messages": [user("Why?")], "workDoneToken": "w1"})
    sent = [message for message in editor.messages_so_far() if message["method"] == "$/progress"]
    assert {message["params"]["token"] for message in sent} == {"w1"}
    return [message["params"]["value"] for message in sent]


async def test_the_progress_says_how_much_is_read_and_ends_with_the_first_word(editor, models):
    begin, report, end = await progress_of(editor, models, [2015], 170.0)
    assert (begin["kind"], end["kind"]) == ("begin", "end")
    assert report == {"kind": "report", "message": "reading 2,015 tokens, 12 s"}


async def test_the_progress_has_ended_when_the_answer_begins(editor, models):
    await editor.request("midspan/chat", {"messages": [user("Why?")], "workDoneToken": "w", "partialResultToken": "p"})
    tokens = [message["params"]["token"] for message in editor.messages_so_far()]
    assert tokens == ["w", "w", *["p"] * len("Because.")]


async def test_without_a_token_no_progress_is_sent(editor, models):
    models.chat.read = [2015]
    await editor.request("midspan/chat", {"messages": [user("Why?")]})
    assert not editor.messages_so_far()


async def test_an_answer_that_fails_ends_its_progress(editor, models):
    with pytest.raises(ResponseError):
        await editor.request("midspan/chat", {"messages": [user("@private/plan.py")], "workDoneToken": "w1"})
    assert [message["params"]["value"]["kind"] for message in editor.messages_so_far()] == ["begin", "end"]


def test_the_words_of_the_progress():
    assert reading_in_words(2015, 170.0) == "reading 2,015 tokens, 12 s"
    assert reading_in_words(90, None) == "reading 90 tokens"


def test_the_time_is_that_of_what_was_read(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("lsp_server.chat.reading_progress.time.monotonic", lambda: now[0])
    said: list[str] = []
    reading = ReadingProgress(said.append, None)
    for left in (1000, 990, 500, 10):
        reading.note(left)
        now[0] += 0.4 if left == 1000 else 4.6
    assert said == ["reading 1,000 tokens", "reading 500 tokens, 5 s"]
