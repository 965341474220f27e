"""Inline completion is switched off and on, and an editor is told so."""

import logging
import time
from concurrent.futures import Future
from typing import Any

import pytest

from context.documents.document import Document
from lsp_server.server.engines import Engines
from lsp_server.settings.switches import Switches
from lsp_server.settings.values import CompletionSettings, ModelSettings
from midspan import ModelError
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import INVOKED, URI, InProcess, ResponseError, until
from tests.lsp_server.in_process import editor_with

LONG_S = 5.0  # only a hang takes it
ELSEWHERE = "file:///elsewhere/notes.md"


async def turn(editor: InProcess, enabled: bool, language: str | None = None) -> Any:
    arguments = [{"enabled": enabled, "language": language} if language else {"enabled": enabled}]
    params = {"command": "midspan.setCompletion", "arguments": arguments}
    return await editor.request("workspace/executeCommand", params)


async def completion(editor: InProcess, uri: str | None = URI) -> Any:
    """The state of completion in the document."""
    return (await editor.request("midspan/status", {"uri": uri} if uri else None))["completion"]


OFF = [
    ({"enabled": False}, "the setting 'completion.enabled' is false"),
    ({"disabled_languages": ["python"]}, "'python' is in the setting 'completion.disabled_languages'"),
    ({"disabled_globs": ["*.py"]}, "'*.py' of the setting 'completion.disabled_globs' matches a.py"),
    ({"disabled_globs": ["*.md", "/a.*"]}, "'/a.*' of the setting 'completion.disabled_globs' matches a.py"),
    (
        {"disabled_globs": ["[[:alpha:]].py"]},
        "'[[:alpha:]].py' of the setting 'completion.disabled_globs' matches a.py",
    ),
]


@pytest.mark.parametrize(("options", "reason"), OFF)
async def test_while_it_is_off_by_a_setting_nothing_reaches_the_engine(options, reason, caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    editor, engine = await editor_with(options={"completion": options})
    assert await editor.complete(0, 4) is None
    assert await editor.complete(0, 4, INVOKED) is None
    assert not engine.requests
    assert caplog.text.count(f"nothing asked: completion is off ({reason})") == 2
    state = await completion(editor)
    assert (state["state"], state["reason"]) == ("off", f"Nothing is completed here: {reason}.")


@pytest.mark.parametrize(
    "options",
    [
        {"disabled_languages": ["go"]},
        {"disabled_globs": ["*.md", "/b.py", "sub/"]},
        {"disabled_globs": ["*.py", "!a.py"]},
    ],
)
async def test_elsewhere_it_is_on(options):
    editor, _ = await editor_with(options={"completion": options})
    assert await editor.complete(0, 4) == "hello()"
    assert (await completion(editor))["state"] == "ready"


@pytest.mark.parametrize(
    ("globs", "path", "decides"),
    [
        (("*.md", "sub/"), "sub/a.py", "sub/"),
        (("sub", "!a.py"), "sub/a.py", "sub"),
        (("vendor/",), "/elsewhere/vendor/a.py", "vendor/"),
        (("/vendor/",), "lib/vendor/a.py", None),
        (("x/*", "!x/keep"), "x/keep/a.txt", None),
        (("*.md", "!a.md"), "a.md", None),
    ],
)
def test_globs_are_read_as_git_reads_them(globs: tuple[str, ...], path: str, decides: str | None) -> None:
    reason = Switches().why_off_in(Document(path, "", "python", 1), CompletionSettings(disabled_globs=globs))
    assert reason == (f"{decides!r} of the setting 'completion.disabled_globs' matches {path}" if decides else None)


def test_no_glob_takes_long() -> None:
    settings = CompletionSettings(disabled_globs=("*a" * 40 + "b", "**/" * 40 + "*a" * 40 + "b"))
    started = time.process_time()
    assert Switches().why_off_in(Document("a" * 200 + "/" + "a" * 200, "", "python", 1), settings) is None
    assert time.process_time() - started < LONG_S


async def test_comments_are_completed_unless_a_setting_says_no(caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    editor, engine = await editor_with(options={"completion": {"in_comments": False}})
    await editor.change((0, 4), (0, 4), "1  # ")
    assert await editor.complete(0, 9) is None
    assert await editor.complete(0, 9, INVOKED) is None
    assert "nothing asked: completion is off (the setting 'completion.in_comments' is false)" in caplog.text
    assert not engine.requests
    assert await editor.complete(1, 0) == "hello()"
    await editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": {}}})
    assert await editor.complete(0, 9) is None  # what the editor said at its start still holds
    settings = {"midspan": {"completion": {"in_comments": True}}}
    await editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert await editor.complete(0, 9) == "hello()"


async def test_a_languages_name_is_the_editors_or_the_files():
    editor, _ = await editor_with(options={"completion": {"disabled_languages": ["shellscript"]}})
    await editor.open("x = \n", uri="file:///project/a.sh", language="sh")
    assert await editor.complete(0, 4, uri="file:///project/a.sh") is None


async def test_a_glob_holds_outside_the_workspace_too():
    editor, _ = await editor_with(options={"completion": {"disabled_globs": ["*.md"]}})
    await editor.open("x = \n", uri=ELSEWHERE, language="markdown")
    assert (await completion(editor, ELSEWHERE))["state"] == "off"


async def test_the_command_switches_off_and_on():
    editor, engine = await editor_with()
    state = (await turn(editor, False))["completion"]
    assert (state["state"], state["reason"]) == ("off", "Nothing is completed: switched off for this session.")
    assert await editor.complete(0, 4, INVOKED) is None
    assert not engine.requests
    assert (await turn(editor, True))["completion"] == {"state": "ready", "reason": None, "model": "fake"}
    assert await editor.complete(0, 4) == "hello()"


async def test_the_command_switches_one_language():
    editor, _ = await editor_with()
    await editor.open("x = \n", uri=ELSEWHERE, language="markdown")
    await turn(editor, False, "markdown")
    state = await completion(editor, ELSEWHERE)
    assert state["reason"] == "Nothing is completed here: switched off for markdown for this session."
    assert await editor.complete(0, 4, uri=ELSEWHERE) is None
    assert await editor.complete(0, 4) == "hello()"
    assert (await completion(editor, None))["state"] == "ready"


async def test_what_the_settings_switch_off_the_command_switches_on():
    editor, _ = await editor_with(options={"completion": {"enabled": False, "disabled_languages": ["python"]}})
    await turn(editor, True)
    assert await editor.complete(0, 4) is None
    await turn(editor, True, "python")
    assert await editor.complete(0, 4) == "hello()"


async def test_a_later_change_of_the_settings_has_the_last_word():
    editor, _ = await editor_with(options={"completion": {"enabled": False}})
    await turn(editor, False)
    await turn(editor, False, "python")
    settings = {"midspan": {"completion": {"enabled": True, "disabled_languages": []}}}
    await editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert await editor.complete(0, 4) is None  # the language was not touched
    settings["midspan"]["completion"]["disabled_languages"] = ["python"]
    await editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert await editor.complete(0, 4) is None
    settings["midspan"]["completion"]["disabled_languages"] = []
    await editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert await editor.complete(0, 4) == "hello()"


async def test_switching_off_ends_what_runs():
    editor, engine = await editor_with()
    engine.gate.clear()
    _, future = await editor.start_completion(0, 4)
    await until(lambda: engine.live)
    await turn(editor, False)
    assert (await future)["items"] == []  # and the ghost text that is there goes away
    await until(lambda: not engine.live)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], " takes the arguments (switch)."),
        ([None], ": arguments[0] must be an object."),
        ([{}], ": arguments[0].enabled must be true or false."),
        ([{"enabled": 1}], ": arguments[0].enabled must be true or false."),
        ([{"enabled": True, "language": 3}], ": arguments[0].language must be a string."),
        ([{"enabled": True}, 1], " takes the arguments (switch)."),
        (["off"], ": arguments[0] must be an object."),
    ],
)
async def test_wrong_arguments_of_the_command_are_refused(arguments, message):
    editor, _ = await editor_with()
    params = {"command": "midspan.setCompletion", "arguments": arguments}
    with pytest.raises(ResponseError) as caught:
        await editor.request("workspace/executeCommand", params)
    assert (caught.value.code, str(caught.value)) == (-32602, f"midspan.setCompletion{message}")
    assert (await completion(editor))["state"] == "ready"


async def test_the_state_of_a_document_that_is_not_open_or_is_excluded_says_so():
    editor, _ = await editor_with()
    await editor.open("KEY=1\n", uri="file:///project/.env", language="plaintext")
    state = await completion(editor, "file:///project/.env")
    assert state["state"] == "off"
    assert ".env is in no prompt" in state["reason"]
    state = await completion(editor, "file:///project/other.py")
    assert state["state"] == "off"
    assert "is not open" in state["reason"]


async def test_the_state_says_what_the_models_do():
    engines: list[FakeEngine] = []

    def start(settings: ModelSettings) -> FakeEngine:
        engine = FakeEngine(lambda *_: "hello()")
        engine.ready = Future()
        engines.append(engine)
        return engine

    editor = InProcess(start)
    await editor.initialize(options={"chat": {"model": "/models/coder-instruct"}})
    status = await editor.request("midspan/status")
    assert status["completion"] == {"state": "loading", "reason": None, "model": "fake"}
    assert (status["chat"]["state"], status["chat"]["model"]) == ("idle", "coder-instruct")
    engines[0].ready.set_exception(ModelError("/models/x is corrupt."))
    state = await completion(editor, None)
    assert (state["state"], state["reason"]) == ("error", "/models/x is corrupt.")


async def test_without_a_chat_model_there_is_no_chat():
    editor, _ = await editor_with()
    chat = (await editor.request("midspan/status"))["chat"]
    assert (chat["state"], chat["model"]) == ("none", "")
    assert "chat.model" in chat["reason"]


class TestTold:
    """midspan/statusChanged."""

    async def test_a_client_that_asks_for_it_is_told_of_each_change_once(self):
        editor, engine = await editor_with(capabilities={"experimental": {"midspan": {"status": True}}})
        assert (await self.told(editor))["completion"]["state"] == "ready"
        for _ in range(50):
            await editor.request("midspan/status")
        await turn(editor, False)
        assert (await self.told(editor))["completion"]["state"] == "off"
        await turn(editor, True)
        assert (await self.told(editor))["completion"]["state"] == "ready"
        engine.gate.clear()
        _, future = await editor.start_completion(0, 4)
        assert (await self.told(editor))["busy"] == 1
        engine.gate.set()
        await future
        assert (await self.told(editor))["busy"] == 0
        assert editor.notifications.empty()

    async def test_a_model_that_is_unloaded_is_told_until_the_editor_has_gone(self):
        engines = Engines(lambda _settings: FakeEngine(lambda *_: "hello()"))
        editor = InProcess(engines)
        await editor.initialize(capabilities={"experimental": {"midspan": {"status": True}}})
        assert (await self.told(editor))["completion"]["reason"] is None
        await engines.unload_idle(0)
        state = (await self.told(editor))["completion"]
        assert (state["state"], state["reason"]) == ("ready", "The model is not loaded; the next completion loads it.")
        editor.server.end()
        assert not engines.on_unload

    async def test_nobody_else_is(self):
        editor, _ = await editor_with(capabilities={"experimental": {"midspan": {"status": "please"}}})
        await turn(editor, False)
        asking, _ = await editor_with(capabilities={"experimental": {"midspan": {"status": True}}})
        await self.told(asking)  # after the same delay, which began later
        assert editor.notifications.empty()

    async def told(self, editor: InProcess) -> Any:
        message = await editor.message()
        assert message["method"] == "midspan/statusChanged"
        return message["params"]


async def test_a_section_that_the_user_has_removed_holds_no_more():
    editor, _ = await editor_with()
    for said, answer in (({"completion": {"enabled": False}}, None), (None, "hello()")):
        await editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": said}})
        assert await editor.complete(0, 4) == answer
