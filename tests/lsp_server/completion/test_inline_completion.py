import json
import logging

import pytest

from inference.api import ModelInfo
from inference.model_files import CONFIDENCE_FILE
from lsp_server.completion.confidence.confidence_table import PLACES
from lsp_server.completion.triggers import BLOCK_LINES
from lsp_server.settings.values import EAGERNESS
from midspan import ModelError
from tests.fake_engine import FakeEngine, read_prompt
from tests.lsp_server.client import (
    AUTOMATIC,
    INVOKED,
    URI,
    InProcess,
    position,
)
from tests.lsp_server.in_process import editor_with


async def test_inline_completion_is_advertised_with_incremental_sync():
    capabilities = (await InProcess(FakeEngine(lambda *_: "")).initialize(["utf-32", "utf-16"]))["capabilities"]
    assert capabilities["inlineCompletionProvider"] == {}
    assert capabilities["textDocumentSync"]["change"] == 2
    assert capabilities["positionEncoding"] == "utf-32"
    assert capabilities["executeCommandProvider"]["commands"] == [
        "midspan.accepted",
        "midspan.setCompletion",
        "midspan.acceptNextEdit",
        "midspan.dismissNextEdit",
        "midspan.runAction",
        "midspan.answer",
    ]


async def test_the_engine_sees_the_file_around_the_cursor_and_the_item_stands_at_it():
    editor, engine = await editor_with("a = 1\nx = \nb = 2\n")
    _, future = await editor.start_completion(1, 4)
    (item,) = (await future)["items"]
    assert read_prompt(engine.requests[0]) == ("# a.py\na = 1\nx = ", "\nb = 2\n")
    assert item["insertText"] == item["filterText"] == "hello()"
    assert item["range"] == {"start": position(1, 4), "end": position(1, 4)}


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 13), ("utf-16", 9), ("utf-32", 7)])
async def test_astral_characters_before_the_cursor(encoding, character):
    editor, engine = await editor_with("", encoding=encoding)
    await editor.change((0, 0), (0, 0), "s = '😀😀")
    await editor.change((0, character), (0, character), "|")
    await editor.change((0, character), (0, character + 1), "")
    _, future = await editor.start_completion(0, character)
    (item,) = (await future)["items"]
    assert read_prompt(engine.requests[0])[0].endswith("s = '😀😀")
    assert item["range"]["start"] == position(0, character)


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 13), ("utf-16", 9), ("utf-32", 7)])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_a_column_past_the_lines_end_is_its_end(encoding, character, end):
    editor, engine = await editor_with(f"s = '😀😀{end}t = 1{end}", encoding=encoding)
    _, future = await editor.start_completion(0, 99)
    (item,) = (await future)["items"]
    assert read_prompt(engine.requests[0])[0].endswith("s = '😀😀")
    assert item["range"] == {"start": position(0, character), "end": position(0, character)}


@pytest.mark.parametrize("kind", [AUTOMATIC, INVOKED])
async def test_a_file_with_cr_lf_is_given_lines_that_end_as_lsp_says(kind):
    editor, _ = await editor_with("def f():\r\n    \r\n", answer="a = 1\r\n    b = 2")
    assert await editor.complete(1, 4, kind) == "a = 1\n    b = 2"


async def test_other_open_buffers_are_in_the_prompt_until_they_are_closed():
    editor, engine = await editor_with("x = \n")
    await editor.open("SECRET = 1\n" * 9, uri="file:///project/b.py")
    await editor.complete(0, 4)
    assert "# b.py\nSECRET = 1" in read_prompt(engine.requests[0])[0]
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": "file:///project/b.py"}})
    await editor.change((0, 0), (0, 1), "yy")
    await editor.complete(0, 5)
    assert "b.py" not in read_prompt(engine.requests[1])[0]


async def test_what_was_predicted_is_not_asked_again_while_it_is_typed():
    editor, engine = await editor_with("x = \n")
    assert await editor.complete(0, 4) == "hello()"
    await editor.change((0, 4), (0, 4), "hel")
    assert await editor.complete(0, 7) == "lo()"
    await editor.change((0, 4), (0, 7), "")
    assert await editor.complete(0, 4) == "hello()"
    assert len(engine.requests) == 1
    await editor.change((0, 4), (0, 4), "z")
    await editor.complete(0, 5)
    assert len(engine.requests) == 2


async def test_what_was_predicted_before_another_file_changed_is_asked_again():
    other, answers = "file:///project/other.py", iter(["old_name()", "new_name()"])
    editor, engine = await editor_with("x = \n", lambda _before, _after: next(answers))
    await editor.open("def old_name(): ...\n", other)
    assert await editor.complete(0, 4) == "old_name()"
    assert await editor.complete(0, 4) == "old_name()"
    await editor.change((0, 4), (0, 7), "new", uri=other)
    assert await editor.complete(0, 4) == "new_name()"
    assert len(engine.requests) == 2


async def test_one_line_is_shown_unless_a_block_begins_or_a_key_asks():
    editor, _ = await editor_with("def f():\n    \ny = \n", answer="a = 1\n    b = 2")
    assert await editor.complete(2, 4) == "a = 1"
    assert await editor.complete(1, 4) == "a = 1\n    b = 2"
    assert await editor.complete(2, 4, INVOKED) == "a = 1\n    b = 2"


async def test_nothing_is_asked_in_the_middle_of_a_line_unless_a_key_asks():
    editor, engine = await editor_with("x = value\n", answer="some_")
    assert await editor.complete(0, 4) is None
    assert not engine.requests
    assert await editor.complete(0, 4, INVOKED) == "some_"


async def test_after_an_acceptance_the_next_item_comes_at_once_with_several_lines():
    lines = ["first()", "second()", "third()"]
    left = {"x = ": "first()\n", "first()": "\nsecond()\nthird()"}
    editor, engine = await editor_with("x = \ny = 2\n", lambda before, _after: left[before.rpartition("\n")[2][-7:]])
    assert await editor.complete(0, 4) == lines[0]
    await editor.accept(0, 4, lines[0])
    assert await editor.complete(0, 11) == "\nsecond()\nthird()"
    assert [request.max_lines for request in engine.requests] == [1, BLOCK_LINES]


async def test_after_an_acceptance_in_part_the_rest_is_the_next_item():
    editor, engine = await editor_with("def f():\n    \n", answer="a = 1\n    b = 2")
    await editor.complete(1, 4)
    await editor.change((1, 4), (1, 4), "a = 1")
    assert await editor.complete(1, 9) == "\n    b = 2"
    assert len(engine.requests) == 1


async def test_after_an_acceptance_a_guess_is_not_shown():
    editor, engine = await editor_with("x = \n", confidence=0.9)
    await editor.complete(0, 4)
    await editor.accept(0, 4, "hello()")
    engine.confidence = 0.1
    assert await editor.complete(0, 11) is None


async def test_acceptance_is_recorded_once():
    editor, _ = await editor_with("x = \n")
    _, future = await editor.start_completion(0, 4)
    command = (await future)["items"][0]["command"]
    for _ in range(2):
        params = {"command": command["command"], "arguments": command["arguments"]}
        assert await editor.request("workspace/executeCommand", params) is None
    assert (await editor.request("midspan/status"))["accepted_items"] == 1


async def test_one_line_of_the_log_tells_the_cost_and_holds_no_code(caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    editor, _ = await editor_with("secret_name = \n")
    await editor.complete(0, 14)
    (record,) = [record for record in caplog.records if record.name == "lsp_server.server.session"]
    for part in ("a.py:1:15: shown 7 characters", "packed", "reused", "1 prefilled", "first token after"):
        assert part in record.message
    assert "secret_name" not in record.message
    assert "hello" not in record.message


@pytest.mark.parametrize(
    ("answer", "why"), [("  \n", "the model writes nothing"), ("following = 1", "the model only repeats what is there")]
)
async def test_the_log_says_why_nothing_was_shown(answer, why, caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    editor, _ = await editor_with("\nfollowing = 1\n", answer=answer)
    assert await editor.complete(0, 0) is None
    assert f"nothing shown: {why}" in caplog.text


@pytest.mark.parametrize(("confidence", "is_shown"), [(0.2, False), (0.8, True), (None, True)])
async def test_a_guess_of_the_models_is_shown_only_when_a_key_asks(confidence, is_shown, caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    editor, _ = await editor_with("x = \n", confidence=confidence)
    assert (await editor.complete(0, 4) is not None) == is_shown
    assert ("nothing shown: the confidence of the model is low" in caplog.text) != is_shown
    assert await editor.complete(0, 4, INVOKED) == "hello()"


async def test_a_text_that_was_typed_past_is_not_shown_again_unasked(caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    editor, _ = await editor_with("x = \n")
    assert await editor.complete(0, 4) == "hello()"
    await editor.change((0, 4), (0, 4), "1")
    await editor.change((0, 5), (0, 5), " + ")
    assert await editor.complete(0, 8) is None
    assert "you have typed past the same text a moment ago" in caplog.text
    assert await editor.complete(0, 8, INVOKED) == "hello()"


async def test_what_was_left_for_another_place_may_be_shown_again():
    editor, _ = await editor_with("x = \ny = \n")
    assert await editor.complete(0, 4) == "hello()"
    await editor.change((1, 0), (1, 1), "z")
    assert await editor.complete(0, 4) == "hello()"


async def test_what_was_typed_to_its_end_or_deleted_may_be_shown_again():
    editor, _ = await editor_with("x = \n")
    assert await editor.complete(0, 4) == "hello()"
    for column, character in enumerate("hello()", 4):
        await editor.change((0, column), (0, column), character)
    await editor.change((0, 11), (0, 11), " + ")
    assert await editor.complete(0, 14) == "hello()"
    await editor.change((0, 12), (0, 14), "")
    await editor.change((0, 12), (0, 12), "- ")
    assert await editor.complete(0, 14) == "hello()"


async def test_in_a_language_that_the_model_has_not_learned_only_a_key_asks(tmp_path, caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    table = {"languages": ["python"], "least": dict.fromkeys(EAGERNESS, 0.5)}
    points = {"chances": {place: [[0, 0], [1, 1]] for place in PLACES}}
    (tmp_path / CONFIDENCE_FILE).write_text(json.dumps(table | points), encoding="utf-8")
    engine = FakeEngine(lambda _before, _after: "hello()")
    engine.info = ModelInfo("fake", tmp_path, "fake", ("psm",), context_tokens=8192)
    editor, _ = await editor_with("x = \n", engine=engine, language="go")
    assert await editor.complete(0, 4) is None
    assert not engine.requests
    assert "nothing asked: the model has not learned this language (go)" in caplog.text
    assert await editor.complete(0, 4, INVOKED) == "hello()"
    status = await editor.request("midspan/status", {"uri": URI})
    assert "has not learned go" in status["completion"]["reason"]


async def test_eagerness_is_followed_at_once():
    editor, _ = await editor_with("x = \n", confidence=0.5, options={"completion": {"eagerness": "low"}})
    assert await editor.complete(0, 4) is None
    await editor.notify("midspan/userSettings", {"completion": {"eagerness": "high"}})
    assert await editor.complete(0, 4) == "hello()"


async def test_what_was_predicted_with_other_settings_is_asked_again():
    answers = iter(["first()", "second()"])
    editor, _ = await editor_with("x = \n", lambda _before, _after: next(answers))
    assert await editor.complete(0, 4) == "first()"
    await editor.notify("midspan/userSettings", {"completion": {"max_tokens": 99}})
    assert await editor.complete(0, 4) == "second()"


async def test_a_request_that_fails_in_the_engine_is_answered_with_nothing():
    def fail(_before: str, _after: str) -> str:
        raise ModelError("the weights are gone")

    editor, engine = await editor_with("x = \n", answer=fail)
    assert await editor.complete(0, 4) is None
    assert not engine.live
