"""`midspan setup` as a user meets it, with editors and a model that are made up."""

import hashlib
import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from inference.speed.machine_speed import MachineSpeed
from inference.store.catalogue import read_catalogue
from inference.store.model_store import user_store
from lsp_server.cli.main import main
from lsp_server.cli.setup import installation, set_up_model
from lsp_server.settings.source import user_settings_file
from midspan import __version__
from tests.bigram_folder import write_bigram_folder
from tests.fake_engine import FakeEngine

# It knows --version, --list-extensions, --install-extension and --uninstall-extension.
CODE = """#!/bin/sh
case "$1" in
  --version) echo 1.104.2 ;;
  --list-extensions) [ -e {state} ] && read -r it < {state} && echo "$it" ;;
  --install-extension) echo "midspan.midspan@{version}" > {state}; echo "$@" > {state}.said ;;
  --uninstall-extension) echo > {state}; echo "$@" > {state}.said ;;
esac
"""
SETTINGS = '{\n  // mine\n  "editor.fontSize": 13,\n}\n'

pytestmark = pytest.mark.usefixtures("no_daemon")


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file of a VS Code."""
    script = home.parent / "bin/code"
    script.write_text(CODE.format(state=home.parent / "code", version=__version__))
    script.chmod(0o755)
    settings = home / ".config/Code/User/settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(SETTINGS)
    extension = home.parent / "midspan.vsix"
    extension.touch()
    monkeypatch.setattr("lsp_server.cli.setup.set_up_editors.find_extension", lambda: extension)
    return settings


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lsp_server.cli.completion_at_place.start_engine", lambda _settings: FakeEngine(lambda *_: "width * height")
    )


def said_to_code(home: Path) -> str:
    file = home.parent / "code.said"
    return file.read_text().strip() if file.exists() else ""


def test_vs_code_gets_the_extension_and_the_program_and_loses_both_again(home, settings, tree, capsys):
    before = tree()
    assert main(["setup", "--yes", "--no-model"]) == 0
    program = home.parent / "bin/midspan"
    assert settings.read_text() == SETTINGS.replace("}", f'  "midspan.path": "{program}",\n}}')
    assert said_to_code(home) == f"--install-extension {home.parent}/midspan.vsix --force"
    said = capsys.readouterr().out
    assert f'+  "midspan.path": "{program}",' in said
    assert "return «width * height»" in said
    assert "Open a file in your editor and type" in said
    assert main(["setup", "--yes", "--no-model"]) == 0
    assert "It is set up already." in capsys.readouterr().out
    assert main(["setup", "--undo"]) == 0
    assert tree() == before
    assert said_to_code(home) == "--uninstall-extension midspan.midspan"


def test_an_extension_that_the_user_has_installed_stays(home, settings):
    (home.parent / "code").write_text(f"midspan.midspan@{__version__}\n")
    assert main(["setup", "--yes", "--no-model"]) == 0
    assert main(["setup", "--undo"]) == 0
    assert said_to_code(home) == ""


def test_a_dry_run_shows_the_diff_and_writes_nothing(home, settings, tree, capsys):
    before = tree()
    assert main(["setup", "--dry-run", "--no-model"]) == 0
    assert tree() == before
    assert (said_to_code(home), (home / ".local").exists()) == ("", False)
    said = capsys.readouterr().out
    assert "+++ ~/.config/Code/User/settings.json" in said
    assert "Nothing was written." in said


def test_without_an_extension_in_the_installation_setup_says_where_it_is(home, settings, monkeypatch, capsys):
    monkeypatch.setattr("lsp_server.cli.setup.set_up_editors.find_extension", lambda: None)
    assert main(["setup", "--yes", "--no-model"]) == 0
    assert "code --install-extension midspan.vsix" in capsys.readouterr().out
    assert "midspan.path" in settings.read_text()


def test_one_file_that_cannot_be_written_does_not_end_setup(home, settings, capsys):
    settings.chmod(0o444)
    codium = home.parent / "bin/codium"
    codium.write_text(CODE.format(state=home.parent / "codium", version=__version__))
    codium.chmod(0o755)
    assert main(["setup", "--yes", "--no-model"]) == 1
    said = capsys.readouterr().out
    assert "Not set up: ~/.config/Code/User/settings.json is read-only." in said
    assert settings.read_text() == SETTINGS
    assert "midspan.path" in (home / ".config/VSCodium/User/settings.json").read_text()


def test_an_editor_that_is_too_old_is_left_alone(home, settings, tree, capsys):
    script = home.parent / "bin/code"
    script.write_text(script.read_text().replace("1.104.2", "1.80.0"))
    before = tree()
    assert main(["setup", "--yes", "--no-model"]) == 0
    assert "Install 1.91 or newer" in capsys.readouterr().out
    assert tree() == before


def test_a_machine_without_editors_is_told_what_else_there_is(home, capsys):
    assert main(["setup", "--yes", "--no-model"]) == 0
    said = capsys.readouterr().out
    assert "No editor is here" in said
    assert "midspan serve" in said


def test_without_a_terminal_setup_asks_for_an_option(home, settings, tree, monkeypatch, capsys):
    before = tree()
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\ny\n"))
    assert main(["setup"]) == 1
    assert "--yes" in capsys.readouterr().err
    assert tree() == before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "installs", "writes"), [("n\nperhaps\n\n", False, True), ("Y\nNO\nY\n", True, False), ("", False, False)]
)
def test_the_user_says_what_is_done(home, settings, monkeypatch, typed, installs, writes):
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert main(["setup", "--no-model"]) == 0
    assert bool(said_to_code(home)) is installs
    assert ("midspan.path" in settings.read_text()) is writes


def test_the_program_is_the_one_that_was_started_links_and_all(home, monkeypatch):
    program = home.parent / "bin/midspan"
    assert installation.find_program() == program
    link = home / "midspan"
    link.symlink_to(program)
    monkeypatch.setattr(sys, "argv", [str(link)])
    assert installation.find_program() == link


class TestModel:
    """The proposal, on a machine that is fast enough for the models of a catalogue of two."""

    @pytest.fixture(autouse=True)
    def machine(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = write_bigram_folder(home.parent / "mirror", "wonderful")
        files = [
            {"name": f.name, "size_bytes": f.stat().st_size, "sha256": hashlib.sha256(f.read_bytes()).hexdigest()}
            for f in sorted(folder.iterdir())
        ]
        active = {"layers": 2, "any_form": 1_000_000, "head": 1_000}
        models = [
            {
                "name": name,
                "repository": f"nobody/{name}",
                "use": ["completion"],
                "parameters": parameters,
                "active": active,
                "licence": licence,
                "files": files,
                "mirrors": [{"kind": "folder", "path": str(folder)}] if name == "large" else [],
            }
            for name, parameters, licence in (("small", 1_000_000, ""), ("large", 2_000_000, "Apache-2.0"))
        ]
        file = home / ".config/midspan/catalogue.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"models": models}))
        monkeypatch.setattr(
            set_up_model,
            "read_catalogue",
            lambda path: {name: model for name, model in read_catalogue(path).items() if name in ("small", "large")},
        )
        speed = MachineSpeed(1e10, {"wide": 1e10, "int8": 1e10, "int4": 1e10}, 0.1)
        monkeypatch.setattr(set_up_model, "known_speed", lambda: speed)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody serves this port

    def test_the_largest_that_is_fast_enough_is_fetched_and_used_and_undo_takes_the_setting_back(self, home, capsys):
        user_settings_file().write_text("# mine\nstats = true\n")
        assert main(["setup", "--yes"]) == 0
        said = capsys.readouterr().out
        assert "1. large: " in said
        assert "licence Apache-2.0" in said
        assert "2. small: " in said
        assert user_store().names() == ["large"]
        assert user_settings_file().read_text() == '# mine\nstats = true\n\n[completion]\nmodel = "large"\n'
        assert main(["setup", "--yes"]) == 0
        assert "Your settings choose large, and that stays." in capsys.readouterr().out
        assert main(["setup", "--undo"]) == 0
        assert user_settings_file().read_text() == "# mine\nstats = true\n"
        assert user_store().names() == ["large"]

    def test_a_hub_that_is_not_reached_leaves_the_built_in_model(self, home, monkeypatch, capsys):
        monkeypatch.setattr(sys, "stdin", Terminal("2\n"))
        assert main(["setup"]) == 0
        said = capsys.readouterr().out
        assert "It cannot be fetched: " in said
        assert "The built-in model completes" in said
        assert "return «width * height»" in said
        assert not user_settings_file().exists()

    def test_a_model_that_is_here_takes_the_place_of_one_that_is_not_reached(self, home, capsys):
        assert main(["model", "import", str(home.parent / "mirror"), "--name", "small"]) == 0
        shutil.rmtree(home.parent / "mirror")
        assert main(["setup", "--yes"]) == 0
        assert 'model = "small"' in user_settings_file().read_text()
        assert "It cannot be fetched: " in capsys.readouterr().out

    def test_a_no_fetches_nothing(self, home, monkeypatch):
        monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
        assert main(["setup"]) == 0
        assert (user_store().names(), user_settings_file().exists()) == ([], False)
