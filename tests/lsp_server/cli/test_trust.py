import json
import re
from pathlib import Path

import pytest

from lsp_server.cli.output.status_words import status_in_words
from lsp_server.daemon.daemon_status import read_status
from lsp_server.server.engines import Engines
from lsp_server.server.shared_workspaces import SharedWorkspaces
from tests.fake_engine import FakeEngine
from tests.lsp_server.cli.run_fake import midspan
from tests.lsp_server.client import InProcess

pytestmark = pytest.mark.usefixtures("no_daemon")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("STATE", "CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    root = tmp_path / "root"
    (root / ".git").mkdir(parents=True)
    (root / "m").mkdir()
    (root / "m/config.json").write_text("{}")
    (root / "midspan.toml").write_text('completion.model = "./m"\n')
    (root / "a.py").write_text("x = \n")
    return root


@pytest.mark.parametrize("arguments", [["trust"], ["trust", "."], ["trust", "m"]])
def test_a_model_is_trusted_by_its_folder_or_by_its_workspace(root, arguments):
    before = midspan("complete", "a.py:1:5", cwd=root)
    assert before.returncode == 0
    assert f"To trust the model: midspan trust {root / 'm'}" in before.stderr
    done = midspan(*arguments, cwd=root)
    assert (done.returncode, done.stdout) == (0, f"Trusted: {root / 'm'}, 1 files, 0 MB.\n")
    after = midspan("complete", "a.py:1:5", cwd=root)  # the fake engine loads no folder
    assert "the folder is empty" in after.stderr


def test_answers_are_listed_and_revoked(root):
    assert "no model" in midspan("trust", "--list", cwd=root).stdout
    (answer,) = json.loads(midspan("trust", "--json", cwd=root).stdout)
    assert answer["folder"] == str(root / "m")
    assert midspan("trust", "--list", cwd=root).stdout == f"allowed  {root / 'm'}\n"
    (listed,) = json.loads(midspan("trust", "--list", "--json", cwd=root).stdout)
    assert listed == answer | {"is_allowed": True, "is_unchanged": True}
    (root / "m/config.json").write_text("{ }")
    assert "written since" in midspan("trust", "--list", cwd=root).stdout
    done = midspan("trust", "--revoke", "m", cwd=root)
    assert (done.returncode, done.stdout.startswith("Revoked: m")) == (0, True)
    assert json.loads(midspan("trust", "--list", "--json", cwd=root).stdout) == []
    assert midspan("trust", "--revoke", "m", cwd=root).returncode == 1


def test_there_may_be_nothing_to_trust(root):
    (root / "midspan.toml").unlink()
    done = midspan("trust", cwd=root)
    assert (done.returncode, done.stdout) == (0, "No model of this workspace waits for your trust.\n")
    assert midspan("trust", "nowhere", cwd=root).returncode == 1


def test_the_doctor_says_what_waits_and_that_is_nothing_wrong(root):
    found = json.loads(midspan("doctor", "--json", cwd=root).stdout)
    (finding,) = [finding for finding in found["findings"] if finding["subject"] == "settings"]
    assert f"midspan trust {root / 'm'}" in finding["what"]
    assert not finding["is_wrong"]


async def test_the_status_says_what_waits(root):
    editor = InProcess(FakeEngine(lambda *_: ""))
    await editor.initialize(root=root.as_uri())
    engines = Engines(lambda _settings: FakeEngine(lambda *_: ""))
    words = status_in_words(await read_status([editor.server], engines, SharedWorkspaces(), 0))
    editor.server.session.close()
    assert re.search(rf"(?m)^trust +{root / 'm'} .* midspan trust {root / 'm'}$", words)


def test_an_error_shows_no_character_that_would_steer_a_terminal(root):
    done = midspan("trust", "\x1b]0;owned\x07", cwd=root)
    assert done.returncode == 1
    assert done.stderr.rstrip("\n").isprintable()
    (root / "midspan.toml").write_text('"\\u001b[2J" = 1\n')
    done = midspan("complete", "a.py:1:5", cwd=root)
    assert "\x1b" not in done.stderr
    assert "There is no setting" in done.stderr


def test_a_workspace_may_have_a_config_json_of_its_own(root):
    (root / "config.json").write_text("{}")
    assert midspan("trust", ".", cwd=root).stdout == f"Trusted: {root / 'm'}, 1 files, 0 MB.\n"
