"""Only the user chooses a server and a folder of a model: no client that may speak for a folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from inference.remote.address import RemoteAddress
from lsp_server.settings.source import Source, Voice
from lsp_server.settings.sources import apply_options, load_settings
from lsp_server.settings.values import ModelSettings, Settings
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import InProcess

EVIL = "remote:http://evil.example:8000"
MODELS: dict[str, Any] = {"completion": {"model": EVIL, "max_tokens": 3}, "chat": {"model": "/models/evil"}}
EDITOR = Source(Path("/here"), voice=Voice.EDITOR)


class Started:
    """The models of the engines that a session has started."""

    def __init__(self) -> None:
        self.models: list[object] = []

    def __call__(self, settings: ModelSettings) -> FakeEngine:
        self.models.append(settings.model)
        return FakeEngine(lambda *_: "abcdefgh")


async def messages(editor: InProcess) -> list[str]:
    """Return what the user has been told; the answer to a request comes behind it."""
    await editor.request("midspan/status")
    told = [await editor.message() for _ in range(editor.notifications.qsize())]
    return [message["params"]["message"] for message in told if message["method"] == "window/showMessage"]


@pytest.mark.parametrize("model", [EVIL, "/models/lite", "./m", "m/within", "../m", "~/m", "..", "a\0b"])
def test_a_client_that_does_not_vouch_names_no_server_and_no_folder(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings, (error,) = apply_options(Settings(), {"completion": {"model": model, "max_tokens": 3}}, EDITOR)
    assert (settings.completion.model, settings.completion.max_tokens) == (None, 3)
    assert "'completion.model'" in str(error)
    assert "midspan.toml" in str(error)


def test_it_may_name_a_model_of_the_users_store_and_all_else(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    stored = tmp_path / "midspan/models/qwen"
    stored.mkdir(parents=True)
    options = {"completion": {"model": "qwen", "quant": "int8"}, "chat": {"model": "not-here-yet"}, "stats": False}
    settings, errors = apply_options(Settings(), options, EDITOR)
    assert errors == []
    assert (settings.completion.model, settings.completion.quant) == (stored, "int8")
    assert (settings.chat.model, settings.stats) == (Path("not-here-yet"), False)


def test_it_does_not_switch_the_counting_on():
    settings, (error,) = apply_options(Settings(stats=False), {"stats": True}, EDITOR)
    assert settings.stats is False
    assert "'stats'" in str(error)


async def test_initialization_options_of_a_client_that_does_not_vouch_choose_no_server():
    started = Started()
    editor = InProcess(started)
    await editor.initialize(options=MODELS, vouches=False)
    await editor.open("x = \n")
    assert await editor.complete(0, 4) == "abc"
    assert started.models == [None]
    told = await messages(editor)
    assert [message.split(" is ")[0] for message in told] == ["'completion.model'", "'chat.model'"]
    assert (await editor.request("midspan/status"))["chat"]["state"] == "none"


@pytest.mark.parametrize("vouches", [False, True])
async def test_a_changed_configuration_chooses_no_server_whoever_sends_it_and_the_user_is_told_once(vouches):
    started = Started()
    editor = InProcess(started)
    await editor.initialize(vouches=vouches)
    for _ in range(3):
        await editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": MODELS}})
    await editor.open("x = \n")
    assert await editor.complete(0, 4) == "abc"
    assert started.models == [None]
    assert len(await messages(editor)) == 2
    await editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": {}}})
    await editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": MODELS}})
    assert len(await messages(editor)) == 2  # a mistake that was made anew is told anew


async def test_a_client_that_vouches_sets_models_and_changes_them():
    started = Started()
    editor = InProcess(started)
    await editor.initialize(options={"completion": {"model": "/models/one", "max_tokens": 3}})
    await editor.open("x = \n")
    assert await editor.complete(0, 4) == "abc"
    await editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": {"completion.max_tokens": 5}}})
    await editor.change((0, 0), (0, 1), "y")
    assert await editor.complete(0, 4) == "abcde"
    await editor.notify("midspan/userSettings", {"completion": {"model": "remote:http://mine#m"}})
    await editor.change((0, 0), (0, 1), "z")
    assert await editor.complete(0, 4) == "abcdefgh"  # these are all of the editor's settings
    assert started.models == [Path("/models/one"), RemoteAddress("http://mine/v1", "mine", "m")]
    assert await messages(editor) == []


@pytest.mark.parametrize("params", [None, [], [1], "model", {"completion": {"model": EVIL}}])
async def test_user_settings_of_a_client_that_does_not_vouch_or_of_another_form_change_no_model(params):
    started = Started()
    editor = InProcess(started)
    await editor.initialize(vouches=False)
    await editor.notify("midspan/userSettings", params)
    await editor.open("x = \n")
    assert await editor.complete(0, 4) == "abcdefgh"
    assert started.models == [None]


@pytest.mark.parametrize("model", ["~nobodyhere/x", "a\0b", "x" * 5000, "\ud800a", "ring"])
@pytest.mark.parametrize("voice", Voice)
def test_a_model_that_is_no_path_is_refused_by_name(model, voice, tmp_path):
    (tmp_path / "ring").symlink_to("ring")
    settings, errors = apply_options(Settings(), {"chat": {"model": model}}, Source(tmp_path, voice=voice))
    assert all("'chat.model'" in str(error) for error in errors)
    assert settings == Settings() or not errors


@pytest.mark.parametrize(
    "name", ["completion.cache_bytes", "chat.cache_bytes", "completion.max_tokens", "chat.max_tokens"]
)
@pytest.mark.parametrize("value", [10**26, 1e26, float("inf")])
def test_a_number_that_no_machine_has_is_refused(name, value):
    settings, (error,) = apply_options(Settings(), {name: value}, Source(Path("/here")))
    assert settings == Settings()
    assert repr(name) in str(error)


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 30_000, "x = " + "{a = " * 30_000, "x = " + "[" * 30_000 + "]" * 30_000]
)
async def test_a_file_that_is_nested_deeply_is_a_message_and_the_session_begins(text, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    root = tmp_path / "root"
    root.mkdir()
    (root / "midspan.toml").write_text(text[:60_000])
    assert load_settings([root], [])[0] == Settings()
    editor = InProcess(Started())
    await editor.initialize(root=root.as_uri())
    (message,) = await messages(editor)
    assert message.startswith(str(root / "midspan.toml"))


async def test_a_message_shows_no_character_that_would_steer_a_terminal(tmp_path):
    editor = InProcess(Started())
    await editor.initialize(options={"\x1b]0;owned\x07\u202e": 1})
    (message,) = await messages(editor)
    assert message.isprintable()
    assert "owned" in message
    json.dumps(message).encode("ascii")
