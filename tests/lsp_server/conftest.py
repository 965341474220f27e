import os
from collections.abc import Iterator

import pytest

from inference.api import EngineSettings
from inference.local_engine import LocalEngine


@pytest.fixture(scope="session", autouse=True)
def user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the tests folders of their own: their indexes do not stay in the user's cache, and the user's settings and
    models change no test.
    """
    variables = [f"XDG_{kind}_HOME" for kind in ("CACHE", "CONFIG", "DATA")]
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= {name: str(tmp_path_factory.mktemp("user")) for name in variables}
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(scope="module")
def built_in() -> Iterator[LocalEngine]:
    """The built-in model, with little room for its cache."""
    engine = LocalEngine(EngineSettings(cache_bytes=20_000_000))
    engine.ready.result()
    yield engine
    engine.close()


@pytest.fixture
def long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no pause be long enough for looking ahead, however slow the machine is."""
    monkeypatch.setattr("lsp_server.completion.look_ahead._READING_AFTER_S", 1000)
