import json
import os
from pathlib import Path

import pytest

from lsp_server.server.engines import key_of
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.model_content import AllowedModel, read_content, stamp_of
from lsp_server.settings.model_setting import UntrustedModelError, recognize_models
from lsp_server.settings.sources import load_settings
from lsp_server.settings.trusted_models import TrustedModels, trusted_models
from lsp_server.settings.values import Settings
from midspan import ModelError, SettingsError


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "state"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    write_model(root / "m")
    (root / "midspan.toml").write_text('[completion]\nmodel = "./m"\nmax_tokens = 7\n[chat]\nmodel = "m"\n')
    return root


def write_model(folder: Path, config: str = "{}") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config)
    (folder / "tokenizer.json").write_text("{}")
    header = b'{"a": 1}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 100)


def allow(folder: Path) -> None:
    trusted_models().remember(folder, read_content(folder), is_allowed=True)


def models(root: Path) -> tuple[object, object]:
    """Return the models that hold; for one of the workspace, that the user has allowed, its folder."""
    settings, _ = load_settings([root], [])
    completion, chat = (
        model.folder if isinstance(model, AllowedModel) else model
        for model in (settings.completion.model, settings.chat.model)
    )
    return completion, chat


def test_a_workspaces_own_model_waits_for_the_users_word_and_its_other_settings_hold(root):
    settings, errors = load_settings([root], [])
    assert (settings.completion.model, settings.chat.model, settings.completion.max_tokens) == (None, None, 7)
    assert all(isinstance(error, UntrustedModelError) for error in errors)
    assert [error.name for error in errors if isinstance(error, UntrustedModelError)] == [
        "completion.model",
        "chat.model",
    ]
    assert all(f"midspan trust {root / 'm'}" in str(error) for error in errors)


def test_until_then_the_users_own_model_serves(root, tmp_path):
    user_file = tmp_path / "config/midspan/midspan.toml"
    user_file.parent.mkdir(parents=True)
    user_file.write_text('completion.model = "/models/mine"\n')
    assert models(root) == (Path("/models/mine"), None)


def test_what_the_user_has_allowed_is_loaded(root, state):
    allow(root / "m")
    assert models(root) == (root / "m", root / "m")
    file = state / "midspan/trusted_models.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors", "more.json"])
def test_another_content_is_another_model(root, name):
    allow(root / "m")
    with (root / "m" / name).open("ab") as file:
        file.write(b" ")
    assert models(root) == (None, None)
    assert not recognize_models(load_settings([root], [])[1])


def test_other_weights_of_the_same_size_are_another_model(root):
    allow(root / "m")
    weights = root / "m/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"1")
    assert not recognize_models(load_settings([root], [])[1])


def test_the_same_content_in_files_that_were_written_anew_is_known(root):
    allow(root / "m")
    write_model(root / "m", "{} ")
    assert models(root) == (None, None)
    write_model(root / "m")
    os.replace(root / "m/config.json", root / "m/before")
    (root / "m/before").unlink()
    write_model(root / "m")
    errors = load_settings([root], [])[1]
    assert errors
    assert recognize_models(errors)
    assert models(root) == (root / "m", root / "m")


def test_a_content_that_is_swapped_after_the_check_is_not_loaded(root):
    """The check of the settings and the load are seconds apart, and the load takes seconds."""
    allow(root / "m")
    settings, _ = load_settings([root], [])
    write_model(root / "m", '{"model_type": "other"}')
    engine = start_engine(settings.completion)
    with pytest.raises(ModelError, match="changed after you allowed it"):
        engine.ready.result(timeout=60)
    engine.close()


def test_the_same_content_in_other_files_is_the_same_model_for_the_engines(root):
    allow(root / "m")
    before, _ = load_settings([root], [])
    write_model(root / "m")
    assert recognize_models(load_settings([root], [])[1])
    after, _ = load_settings([root], [])
    assert key_of(before.completion) == key_of(after.completion)
    write_model(root / "m", "{} ")
    allow(root / "m")
    assert key_of(load_settings([root], [])[0].completion) != key_of(before.completion)


def test_the_same_content_elsewhere_is_not_allowed(root, tmp_path):
    allow(root / "m")
    write_model(tmp_path / "other/m")
    (tmp_path / "other/midspan.toml").write_text('completion.model = "./m"\n')
    assert models(tmp_path / "other") == (None, None)


def test_a_refusal_is_kept_and_loads_nothing(root):
    content = read_content(root / "m")
    trusted_models().remember(root / "m", content, is_allowed=False)
    assert models(root) == (None, None)
    assert trusted_models().recognize(root / "m", content) is False


def test_an_answer_that_is_revoked_is_gone(root, tmp_path):
    allow(root / "m")
    (tmp_path / "link").symlink_to(root / "m")
    assert trusted_models().revoke(tmp_path / "link") == 1
    assert models(root) == (None, None)
    assert trusted_models().revoke(root / "m") == 0


def test_a_folder_without_a_model_cannot_be_allowed(tmp_path):
    with pytest.raises(SettingsError, match="holds no model"):
        read_content(tmp_path)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_content(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_regular_file_is_not_read(root, name, make):
    (root / "m" / name).unlink()
    make(root / "m" / name)
    with pytest.raises(SettingsError, match="is no regular file"):
        read_content(root / "m")
    assert models(root) == (None, None)


def test_a_model_that_is_larger_than_a_repository_is_not_read(root):
    with (root / "m/model.safetensors").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SettingsError, match="larger than 8 GB"):
        read_content(root / "m")


def test_a_folder_of_many_files_is_no_model(root):
    for number in range(1001):
        (root / "m" / f"{number}.json").touch()
    with pytest.raises(SettingsError, match="over 1000 files"):
        read_content(root / "m")
    assert stamp_of(root / "m") == ""


@pytest.mark.parametrize("text", ["", "[]", '{"models": [1]}', '{"models": [{"folder": "/x"}]}', "[" * 100_000, "\xff"])
def test_a_broken_file_of_answers_allows_nothing_and_is_made_again(root, state, text):
    file = trusted_models().file
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert trusted_models().answers() == []
    assert models(root) == (None, None)
    allow(root / "m")
    assert models(root) == (root / "m", root / "m")


def test_a_file_that_others_may_write_allows_nothing(root):
    allow(root / "m")
    trusted_models().file.chmod(0o666)
    assert models(root) == (None, None)


def test_answers_of_several_processes_are_all_kept(tmp_path):
    one, other = TrustedModels(tmp_path / "answers.json"), TrustedModels(tmp_path / "answers.json")
    for number, writer in enumerate((one, other, one, other)):
        write_model(tmp_path / str(number))
        writer.remember(tmp_path / str(number), read_content(tmp_path / str(number)), is_allowed=True)
    assert [Path(answer.folder).name for answer in one.answers()] == ["0", "1", "2", "3"]
    assert json.loads((tmp_path / "answers.json").read_text())["models"][0]["is_allowed"] is True


def test_a_name_in_the_users_store_needs_no_word(root, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    stored = tmp_path / "data/midspan/models/qwen"
    stored.mkdir(parents=True)
    (root / "midspan.toml").write_text('[completion]\nmodel = "qwen"\n')
    settings, errors = load_settings([root], [])
    assert (settings.completion.model, errors) == (stored, [])


def test_the_defaults_hold_without_any_of_this(tmp_path):
    assert load_settings([tmp_path], []) == (Settings(), [])
