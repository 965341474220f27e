from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from context.secrets.masking import make_placeholder
from inference.api import Message
from lsp_server.chat.chat_request import build_chat_request
from lsp_server.server.engines import Engines
from lsp_server.settings.values import ModelSettings
from midspan import CapacityError, ModelError
from tests.context.tree import GENERATED, KEY, write_tree
from tests.fake_engine import FakeEngine, read_prompt
from tests.lsp_server.client import InProcess, ResponseError, position, until
from tests.lsp_server.in_process import cancel
from tests.lsp_server.two_models import TwoModels

TREE = {
    "shop/price.py": "def round_price(cents):\n    # 😀 whole\n    return cents\n",
    "private/.gitignore": "*\n",
    "private/plan.py": "def round_secretly(): ...\n",
    "keys.py": f"key = '{KEY}'\n",
    "generated.py": GENERATED,
}
ASK = {"role": "user", "content": "Why?"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside.py").write_text("outside = 1\n")
    root = write_tree(tmp_path / "root", TREE)
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    return root


@pytest.fixture
def models() -> TwoModels:
    return TwoModels(" \nBecause.\n")


@pytest.fixture
async def editor(root: Path, models: TwoModels) -> AsyncIterator[InProcess]:
    editor = InProcess(Engines(models))
    await editor.initialize(options={"chat": {"model": "/models/chat"}}, root=root.as_uri())
    yield editor
    await editor.request("shutdown")


def refer(uri: str, *ends: tuple[int, int]) -> dict[str, Any]:
    reference: dict[str, Any] = {"uri": uri}
    if ends:
        reference["range"] = {"start": position(*ends[0]), "end": position(*ends[1])}
    return {"messages": [{"role": "user", "content": "Why?", "references": [reference]}]}


async def asked(editor: InProcess, models: TwoModels, params: dict[str, Any]) -> str:
    """Send the request, and return what the model was asked."""
    await editor.request("midspan/chat", params)
    return models.asked


async def test_the_answer_is_streamed_and_returned(editor, models):
    conversation = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "Me."},
        ASK,
    ]
    result = await editor.request("midspan/chat", {"messages": conversation, "partialResultToken": "t1"})
    assert result == {
        "text": "Because.",
        "model": "fake",
        "finish_reason": "eos",
        "dropped_messages": 0,
        "used": [],
        "unknown": [],
    }
    pieces = []
    for message in editor.messages_so_far():
        assert (message["method"], message["params"]["token"]) == ("$/progress", "t1")
        pieces.append(message["params"]["value"]["text"])
    assert len(pieces) > 1
    assert "".join(pieces).strip() == "Because."
    assert pieces[0] == "B"
    assert read_prompt(models.chat.requests[0])[0] == "system: Be brief.\nuser: Who?\nassistant: Me.\nuser: Why?\n"
    assert models.chat.requests[0].max_lines is None
    assert not models.completion.requests


async def test_an_answer_without_a_token_is_not_streamed(editor):
    assert (await editor.request("midspan/chat", {"messages": [ASK]}))["text"] == "Because."
    assert editor.notifications.empty()


async def test_a_cancel_ends_the_generation_and_completion_goes_on_meanwhile(editor, models):
    models.chat.background_gate.clear()
    number, answer = await editor.start_request("midspan/chat", {"messages": [ASK], "partialResultToken": 1})
    await until(lambda: models.chat.live)
    await editor.open("x = ")
    assert await editor.complete(0, 4) == "filled_in"
    await cancel(editor, number, answer)
    await until(lambda: not models.chat.live)


async def test_a_cancel_while_the_model_loads_does_not_end_the_load(editor, models):
    models.chat.ready = Future()
    number, answer = await editor.start_request("midspan/chat", {"messages": [ASK]})
    await cancel(editor, number, answer)
    assert not models.chat.ready.cancelled()
    _, answer = await editor.start_request("midspan/chat", {"messages": [ASK]})
    models.chat.ready.set_result(None)
    assert (await answer)["text"] == "Because."


async def test_references_stand_under_their_paths_before_the_question(editor, models, root):
    uri = (root / "shop/price.py").as_uri()
    assert await asked(editor, models, refer(uri)) == f"user: # shop/price.py\n{TREE['shop/price.py']}\nWhy?\n"


@pytest.mark.parametrize(
    ("ends", "lines"),
    [
        (((1, 0), (2, 0)), [1]),
        (((1, 8), (1, 8)), [1]),
        (((1, 8), (2, 3)), [1, 2]),
        (((0, 0), (3, 0)), [0, 1, 2]),
    ],
)
async def test_a_range_is_the_lines_that_it_touches(editor, models, root, ends, lines):
    text = "".join(TREE["shop/price.py"].splitlines(keepends=True)[line] for line in lines)
    prompt = await asked(editor, models, refer((root / "shop/price.py").as_uri(), *ends))
    assert prompt == f"user: # shop/price.py\n{text}\nWhy?\n"


async def test_an_open_document_is_quoted_as_the_editor_has_it(editor, models, root):
    uri = (root / "shop/price.py").as_uri()
    await editor.open("unsaved = 1", uri)
    assert await asked(editor, models, refer(uri)) == "user: # shop/price.py\nunsaved = 1\n\nWhy?\n"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("private/plan.py", "gitignore"),
        ("generated.py", "is in no prompt"),
        ("link.py", "no regular file|link"),
        ("missing.py", "cannot be read"),
        ("../outside.py", "in no workspace|outside the workspace"),
        ("shop/../../outside.py", "in no workspace|outside the workspace"),
    ],
)
async def test_a_file_that_a_rule_excludes_is_refused_with_the_reason(editor, models, root, path, reason):
    with pytest.raises(ResponseError, match=reason) as error:
        await editor.request("midspan/chat", refer(f"{root.as_uri()}/{path}"))
    assert error.value.code == -32803
    assert not models.chat.requests


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_secret_in_a_file_that_is_referred_to_is_masked(editor, models, root, is_open):
    uri = (root / "keys.py").as_uri()
    if is_open:
        await editor.open(TREE["keys.py"], uri)
    placeholder = make_placeholder(KEY)
    assert await asked(editor, models, refer(uri)) == f"user: # keys.py\nkey = '{placeholder}'\n\nWhy?\n"
    trace = (await editor.request("midspan/trace"))["traces"][-1]
    assert trace["masked"] == {"aws-access-key-id": 1}
    assert KEY not in str(trace)


async def test_the_words_of_a_message_are_sent_as_the_user_wrote_them(editor, models, root):
    message = {"role": "user", "content": f"What is {KEY}?"}
    assert await asked(editor, models, {"messages": [message]}) == f"user: What is {KEY}?\n"


async def test_an_open_document_that_a_rule_excludes_is_refused_too(editor, models, root):
    uri = (root / "notes.py").as_uri()
    await editor.open(GENERATED, uri)
    with pytest.raises(ResponseError, match=r"notes\.py is in no prompt"):
        await editor.request("midspan/chat", refer(uri))
    assert not models.chat.requests


@pytest.mark.parametrize(
    "params",
    [
        None,
        {},
        {"messages": []},
        {"messages": "Why?"},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"messages": [{"role": "root", "content": "x"}, ASK]},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": [{"role": ["user"], "content": "x"}]},
        {"messages": [{**ASK, "references": {}}]},
        {"messages": [{**ASK, "references": [{"uri": 5}]}]},
        {"messages": [{**ASK, "references": [{"uri": "file:///a", "range": {}}]}]},
        {"messages": [{**ASK, "references": [{"uri": "file:///a", "range": {"start": {"line": -1}}}]}]},
        {"messages": [ASK], "partialResultToken": [1]},
    ],
)
async def test_wrong_parameters_are_refused(editor, models, params):
    with pytest.raises(ResponseError) as error:
        await editor.request("midspan/chat", params)
    assert error.value.code == -32602
    assert not models.chat.requests


async def test_a_lone_surrogate_is_replaced(editor, models):
    assert await asked(editor, models, {"messages": [{"role": "user", "content": "a\ud800b"}]}) == "user: a\ufffdb\n"


async def test_without_a_model_the_answer_says_which_to_pull(models):
    editor = InProcess(Engines(models))
    await editor.initialize()
    with pytest.raises(ResponseError, match=r"midspan model pull qwen2\.5-coder-1.5b-instruct.*chat\.model"):
        await editor.request("midspan/chat", {"messages": [ASK]})


async def test_a_model_that_does_not_load_is_told_and_completion_is_not_blamed(editor, models):
    models.chat.ready = Future()
    models.chat.ready.set_exception(ModelError("/models/chat holds no weights. Fetch them."))
    with pytest.raises(ResponseError, match="holds no weights"):
        await editor.request("midspan/chat", {"messages": [ASK]})
    assert editor.notifications.empty()


async def test_one_folder_for_both_is_loaded_once(root):
    started = []

    def start(settings: ModelSettings) -> FakeEngine:
        started.append(settings)
        return FakeEngine(lambda _before, _after: "same")

    editor = InProcess(start)
    folder = {"model": str(root)}
    await editor.initialize(options={"completion": folder, "chat": folder}, root=root.as_uri())
    await editor.open("x = ")
    assert await editor.complete(0, 4) == "same"
    assert (await editor.request("midspan/chat", {"messages": [ASK]}))["text"] == "same"
    assert len(started) == 1
    await editor.request("shutdown")


def test_the_oldest_messages_make_room_and_system_messages_stay():
    engine = FakeEngine(lambda *_: "")  # its tokens are characters, and it takes 8192
    long = "x" * 3000
    messages = [
        Message("system", "Be brief."),
        *(Message("user" if n % 2 == 0 else "assistant", f"{n}{long}") for n in range(4)),
        Message("user", "Why?"),
    ]
    request, dropped = build_chat_request(engine, messages, max_tokens=500)
    text = read_prompt(request)[0]
    assert dropped == 2
    assert text == f"system: Be brief.\nuser: 2{long}\nassistant: 3{long}\nuser: Why?\n"
    assert request.prompt.num_tokens + request.max_new_tokens <= engine.info.context_tokens
    with pytest.raises(CapacityError, match="Refer to less"):
        build_chat_request(engine, [Message("user", "x" * 9000)], max_tokens=500)


def test_a_conversation_that_fits_is_whole():
    engine = FakeEngine(lambda *_: "")
    messages = [Message("assistant", "Hello."), Message("user", "Why?")]
    request, dropped = build_chat_request(engine, messages, max_tokens=500)
    assert (read_prompt(request)[0], dropped) == ("assistant: Hello.\nuser: Why?\n", 0)


def test_an_answer_whose_question_found_no_room_goes_with_it():
    engine = FakeEngine(lambda *_: "")
    messages = [Message("user", "x" * 3000), Message("assistant", "y" * 4000), Message("user", "z" * 600)]
    request, dropped = build_chat_request(engine, messages, max_tokens=500)
    assert (read_prompt(request)[0], dropped) == (f"user: {'z' * 600}\n", 2)
