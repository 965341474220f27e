import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.bigram_folder import write_bigram_folder
from tests.e2e import fake_midspan
from tests.e2e.vscode import ROOT, VSCode, chromium, vscode
from tests.inference.remote.api_server import Answer, ApiServer
from tests.lsp_server.conftest import user_folders  # noqa: F401 -- a fixture for all tests here
from tests.lsp_server.daemons import Place, place

USERS_WORD = "wonderful"  # the text of the user's model
THEIR_WORD = "mag"  # the text of the model that came with a folder


@pytest.hookimpl(tryfirst=True)  # before pytest selects tests by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of files with a browser, and leave them to the end.

    The browser's driver runs an event loop, and no other loop can run beside it.
    """
    with_browser = {item.path for item in items if isinstance(item, pytest.Function) and "browser" in item.fixturenames}
    items.sort(key=lambda item: item.path in with_browser)
    for item in items:
        if item.path in with_browser:
            item.add_marker("browser")


@pytest.fixture(scope="package")
def daemon_place() -> Iterator[Place]:
    """The runtime folder with the daemon of the `editor`."""
    with pytest.MonkeyPatch.context() as monkeypatch, place(monkeypatch) as here:
        yield here


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def editor(browser: Browser, daemon_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    """A VS Code with a fake engine, which all tests share; each test works in a file of its own."""
    folder = tmp_path_factory.mktemp("vscode")
    log_file = folder / "midspan.log"
    program = folder / "bin/midspan"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = serve ]; then exec {sys.executable} -P {fake_midspan.__file__} {log_file}; fi\n'
        f'cd {ROOT}; exec {sys.executable} -m lsp_server.cli "$@"\n'
    )
    program.chmod(0o755)
    with vscode(browser, folder, program, log_file, {"midspan.chat.model": "fake-chat"}, model="fake") as editor:
        yield editor


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A runtime folder for one test."""
    with place(monkeypatch) as here:
        yield here


@pytest.fixture
def folder(tmp_path: Path, here: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that somebody else has written, and a user with a model."""
    folder = tmp_path / "theirs"
    (folder / ".git").mkdir(parents=True)
    configuration = tmp_path / "CONFIG/midspan"
    configuration.mkdir(parents=True)
    model = write_bigram_folder(tmp_path / "mine", USERS_WORD)
    (configuration / "midspan.toml").write_text(f"[completion]\nmodel = {json.dumps(str(model))}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "CONFIG"))
    return folder


def hostile(server: ApiServer) -> str:
    """Return the setting that sends the code to this server."""
    return f"remote:{server.url}#m"


def bring_model(workspace: Path) -> None:
    """Put a model into the workspace, and have its settings name the model."""
    workspace.mkdir(exist_ok=True)
    write_bigram_folder(workspace / "m", THEIR_WORD)
    (workspace / "midspan.toml").write_text('completion.model = "./m"\n')


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A server that somebody else has chosen."""
    server = ApiServer(Answer(["evil"]))
    yield server
    server.close()
