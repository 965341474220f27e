import os
from pathlib import Path

import pytest

from lsp_server.server.pauses import Pauses
from lsp_server.settings import live_settings
from lsp_server.settings.live_settings import LiveSettings
from lsp_server.settings.model_setting import UntrustedModelError
from lsp_server.settings.source import Source, user_settings_file
from lsp_server.settings.sources import apply_options, load_settings
from lsp_server.settings.values import CompletionSettings, ModelSettings, Settings
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import InProcess

HERE = Source(Path("/here"))


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = user_settings_file()
    file.parent.mkdir(parents=True)
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


def write(root: Path, text: str) -> Path:
    file = root / "midspan.toml"
    file.write_text(text)
    return file


def test_without_files_the_defaults_hold(user_file, root):
    assert load_settings([root], []) == (Settings(), [])


def test_each_source_goes_over_the_one_before(user_file, root):
    names = ["completion.max_tokens", "completion.cache_bytes", "chat.max_tokens", "chat.cache_bytes"]
    user_file.write_text("\n".join(f"{name} = 1" for name in names))
    write(root, "\n".join(f"{name} = 2" for name in names[1:]))
    options = dict.fromkeys(names[2:], 3)
    flags = dict.fromkeys(names[3:], 4)
    settings, errors = load_settings([root], [(options, HERE), (flags, HERE)])
    assert errors == []
    assert settings.completion == CompletionSettings(max_tokens=1, cache_bytes=2)
    assert settings.chat == ModelSettings(max_tokens=3, cache_bytes=4)


def test_a_file_has_sections(user_file, root):
    user_file.write_text('log_level = "debug"\n[completion]\nmodel = "lite"\nmax_tokens = 5\n[chat]\nquant = "int4"\n')
    (user_file.parent / "lite").mkdir()
    settings, errors = load_settings([root], [])
    assert errors == []
    assert settings == Settings(
        CompletionSettings(user_file.parent / "lite", max_tokens=5),
        ModelSettings(quant="int4", max_tokens=2048),
        "debug",
    )


def test_the_first_of_the_workspaces_has_the_last_word(user_file, root, tmp_path):
    second = tmp_path / "second"
    second.mkdir()
    write(root, "[completion]\nmax_tokens = 1\n")
    write(second, "[completion]\nmax_tokens = 2\ncache_bytes = 2\n")
    settings, _ = load_settings([root, second], [])
    assert settings.completion == CompletionSettings(max_tokens=1, cache_bytes=2)


def test_the_user_may_set_a_server_and_any_path(user_file, root):
    user_file.write_text('[completion]\nmodel = "remote:http://gpu:8000"\n[chat]\nmodel = "/models/lite"\n')
    settings, errors = load_settings([root], [])
    assert errors == []
    assert str(settings.completion.model) == "http://gpu:8000/v1"
    assert settings.chat.model == Path("/models/lite")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("remote:http://evil", "to a server"),
        ("/models/lite", "outside itself, /models/lite"),
        ("../elsewhere", "outside itself"),
        ("inside/../../elsewhere", "outside itself"),
        ("~/lite", "outside itself"),
        ("link", "outside itself"),
        ("link/within", "outside itself"),
    ],
)
def test_a_workspace_may_not_reach_beyond_itself(user_file, root, model, message):
    (root / "link").symlink_to(root.parent)
    file = write(root, f'[completion]\nmodel = "{model}"\nmax_tokens = 5\n[chat]\nmodel = "{model}"\n')
    settings, errors = load_settings([root], [])
    assert settings == Settings(completion=CompletionSettings(max_tokens=5))
    assert len(errors) == 2
    for name, error in zip(("completion.model", "chat.model"), errors, strict=True):
        assert str(error).startswith(f"{file}: A workspace may not set {name!r} ")
        assert message in str(error)


def test_a_workspace_may_not_set_a_command(user_file, root):
    write(root, 'command = ["/bin/sh"]\n')
    settings, (error,) = load_settings([root], [])
    assert settings == Settings()
    assert "There is no setting 'command'" in str(error)


def test_a_workspace_may_set_one_of_the_users_models_by_name_and_its_own_after_a_question(user_file, root, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(root.parent / "data"))
    stored = root.parent / "data/midspan/models/qwen"
    stored.mkdir(parents=True)
    write(root, '[completion]\nmodel = "models/small"\n[chat]\nmodel = "qwen"\n')
    settings, (error,) = load_settings([root], [])
    assert isinstance(error, UntrustedModelError)
    assert error.folder == root / "models/small"
    assert (settings.completion.model, settings.chat.model) == (None, stored)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[completion\n", "is not TOML"),
        (b"x = 1\nx = 2\n", "is not TOML"),
        (b"log_level = '\xff'\n", "is not TOML"),
        (b"#" * 70_000, "is larger than 65536 bytes"),
        (b"a" + b".a" * 30_000 + b" = 1\n", "has a line with more than 50 dots"),  # takes seconds to parse
        (b"[" + b"a." * 51 + b"a]\n", "has a line with more than 50 dots"),
        (b"a" + b".a" * 50 + b" = 1\n", "There is no setting 'a.a'"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_others_hold(user_file, root, data, message):
    user_file.write_text("completion.max_tokens = 5\n")
    file = write(root, "")
    file.write_bytes(data)
    settings, (error,) = load_settings([root], [({"log_level": "error"}, HERE)])
    assert settings == Settings(CompletionSettings(max_tokens=5), log_level="error")
    assert str(error).startswith(str(file))
    assert message in str(error)


def test_a_byte_order_mark_and_line_ends_of_windows_are_read(user_file, root):
    write(root, "").write_bytes(b"\xef\xbb\xbf[completion]\r\nmax_tokens = 5\r\n")
    assert load_settings([root], []) == (Settings(CompletionSettings(max_tokens=5)), [])


def test_a_pipe_in_the_place_of_the_file_is_not_read(user_file, root):
    os.mkfifo(root / "midspan.toml")
    assert load_settings([root], []) == (Settings(), [])


def test_the_users_file_is_no_workspaces_though_its_folder_is_open(user_file):
    user_file.write_text('[chat]\nmodel = "remote:http://gpu"\n')
    settings, errors = load_settings([user_file.parent], [])
    assert errors == []
    assert settings.chat.model is not None


async def test_an_editor_is_told_what_is_wrong_in_its_workspace(user_file, root):
    write(root, '[completion]\nmodel = "remote:http://evil"\nmax_tokens = 3\n')
    editor = InProcess(FakeEngine(lambda *_: "abcdefgh"))
    await editor.initialize(root=root.as_uri())
    assert "A workspace may not set 'completion.model' to a server." in (await editor.message())["params"]["message"]
    uri = (root / "a.py").as_uri()
    await editor.open("x = \n", uri)
    assert await editor.complete(0, 4, uri=uri) == "abc"


async def test_a_file_that_changes_changes_the_settings_at_the_next_request(user_file, root):
    editor = InProcess(FakeEngine(lambda *_: "abcdefgh"), pauses=Pauses(settings_s=0))
    await editor.initialize(root=root.as_uri())
    uri = (root / "a.py").as_uri()
    await editor.open("x = \n", uri)
    assert await editor.complete(0, 4, uri=uri) == "abcdefgh"
    file = write(root, "[completion]\nmax_tokens = 3\n")
    await editor.change((0, 0), (0, 1), "y", uri)
    assert await editor.complete(0, 4, uri=uri) == "abc"
    file.write_text("[completion]\nmax_token = 3\n")
    await editor.change((0, 0), (0, 1), "z", uri)
    assert await editor.complete(0, 4, uri=uri) == "abcdefgh"
    assert "'completion.max_token'" in (await editor.message())["params"]["message"]
    assert editor.notifications.empty()


async def test_an_editor_changes_its_settings_and_those_of_other_servers_are_not_ours(root):
    started = []

    def start(settings: ModelSettings) -> FakeEngine:
        started.append(settings.model)
        return FakeEngine(lambda *_: "abcdefgh")

    editor = InProcess(start)
    await editor.initialize(options={"completion": {"max_tokens": 5}}, root=root.as_uri())
    uri = (root / "a.py").as_uri()
    await editor.open("x = \n", uri)
    for settings in (None, {}, {"python": {"path": "x"}}, [1]):
        await editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert await editor.complete(0, 4, uri=uri) == "abcde"
    said = {"midspan": {"completion": {"model": "other"}}, "python": {}}
    await editor.notify("workspace/didChangeConfiguration", {"settings": said})
    await editor.change((0, 0), (0, 1), "y", uri)
    assert await editor.complete(0, 4, uri=uri) == "abcde"
    assert started == [None, Path("other")]
    assert editor.notifications.empty()


async def test_a_folder_that_is_added_brings_its_settings(root, tmp_path):
    editor = InProcess(FakeEngine(lambda *_: "abcdefgh"))
    await editor.initialize(root=(tmp_path / "other").as_uri())
    write(root, "[completion]\nmax_tokens = 3\n")
    event = {"added": [{"uri": root.as_uri(), "name": "root"}], "removed": []}
    await editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    uri = (root / "a.py").as_uri()
    await editor.open("x = \n", uri)
    assert await editor.complete(0, 4, uri=uri) == "abc"


def test_a_file_that_is_written_while_it_is_read_is_read_again(user_file, root, monkeypatch):
    write(root, "")

    def load(*arguments):
        found = load_settings(*arguments)
        write(root, "[completion]\nmax_tokens = 3\n")  # the editor that saves it goes on
        return found

    monkeypatch.setattr(live_settings, "load_settings", load)
    live = LiveSettings(root, {}, pause_s=0)
    live.load([root])
    assert live.have_changed([root])


@pytest.mark.parametrize("options", [{"completion": []}, {"chat": None}, [], None])
def test_an_empty_section_is_no_mistake(options):
    assert apply_options(Settings(), options, HERE) == (Settings(), [])
