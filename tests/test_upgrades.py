"""A user of an older version loses nothing: what older code has written is read, or made again."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from context.index.database import Database, index_path
from context.index.workspace import Workspace
from inference.speed.machine_speed import MachineSpeed, keep_speed, read_kept_speed
from inference.store.manifest import read_manifest, verify
from inference.store.model_check import check_model
from inference.store.model_store import user_store
from lsp_server.chat.conversations import user_conversations
from lsp_server.settings.model_content import read_content
from lsp_server.settings.source import Source, user_settings_file
from lsp_server.settings.sources import load_settings
from lsp_server.settings.table import TABLE
from lsp_server.settings.trusted_models import trusted_models
from lsp_server.settings.values import Settings
from lsp_server.telemetry.usage_file import Group, add_counts, read_counts, usage_file
from tests.older_state import COMMITS, unpack_state

LATEST = COMMITS[-1]


@pytest.fixture(params=COMMITS)
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in unpack_state(request.param, tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


latest = pytest.mark.parametrize("home", [LATEST], indirect=True)


def test_every_setting_is_read(home):
    settings, errors = load_settings([], [])
    assert errors == []
    written = [line.partition(" = ")[0] for line in user_settings_file().read_text().splitlines() if " = " in line]
    assert len(written) >= 12
    assert settings.completion.model == settings.chat.model == user_store().folder("tiny")
    assert (settings.completion.in_comments, settings.log_level == Settings().log_level) == (False, False)


@latest
def test_no_setting_has_lost_its_name_or_a_value(home):
    settings, errors = load_settings([], [])
    assert errors == []
    names = {line.partition(" = ")[0] for line in user_settings_file().read_text().splitlines()[1:]}
    assert names <= {setting.name for setting in TABLE}
    assert [name for name in names if settings.value(name) == Settings().value(name)] == []


def test_names_from_before_there_were_sections_are_told_their_section():
    """Editors gave such names until commit d5d19e8, before settings had files."""
    for name, value in (("quant", "int8"), ("max_tokens", 40), ("cache_bytes", 1_000_000)):
        _, (error,) = load_settings([], [({name: value}, Source(Path("/")))])
        assert f"'completion.{name}'" in str(error)


def test_the_models_of_the_store_are_whole_and_a_stopped_pull_goes_on(home):
    store = user_store()
    assert store.names() == ["tiny"]
    folder = store.folder("tiny")
    assert verify(folder, read_manifest(folder), lambda _bytes: None) == []
    check_model(folder, "tiny")
    (begun,) = store.unfinished()
    assert (begun.name, begun.size_bytes, begun.command) == ("begun", 5, "midspan model pull begun")


def test_the_counts_of_usage_stay_and_grow(home):
    day = time.strftime("%Y-%m-%d")
    (group,) = read_counts(usage_file(), day)
    counts = read_counts(usage_file(), day)[group]
    assert (group.language, group.editor) == ("python", "neovim")
    assert (counts["accepted"], counts["typed"], counts["prompt_tokens"]) == (1, 1, 1000)
    add_counts(usage_file(), {Group(group.day, "python", "neovim"): counts})
    assert read_counts(usage_file(), day)[group]["prompt_tokens"] == 2000


def format_of(path: Path) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()


def test_an_older_index_is_used_or_made_again(home):
    path = index_path(home / "shop")
    assert path.exists()
    workspace = Workspace(home / "shop")
    workspace.start()
    try:
        assert workspace.wait_until_settled(60)
        assert workspace.read_index("SELECT name FROM symbols") == [("add_prices",)]
        assert len(workspace.read_index("SELECT path FROM files")) == 2
    finally:
        workspace.close()
    assert [file.name for file in path.parent.glob("*.sqlite3")] == [path.name]
    Database(home / "new.sqlite3").close()
    assert format_of(path) == format_of(home / "new.sqlite3")


@latest
def test_the_speed_of_another_machine_stays_beside_this_one(home):
    speed = MachineSpeed(1e10, {"wide": 1e10, "int8": 1e10, "int4": 1e10}, 0.5)
    keep_speed(speed)
    assert read_kept_speed() == speed
    assert len(json.loads((home / ".cache/midspan/machine-speed.json").read_text())) == 2


@latest
def test_a_conversation_goes_on(home):
    kept = user_conversations().read(home / "shop")
    assert [message["content"] for message in kept] == ["What adds prices?", "add_prices"]


@latest
def test_a_trusted_model_stays_trusted(home):
    folder = home / "theirs/m"
    assert trusted_models().recognize(folder, read_content(folder)) is True
    assert trusted_models().find_allowed(folder) is not None
