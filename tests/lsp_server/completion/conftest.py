from collections.abc import Iterator

import pytest

from inference.api import EngineSettings
from inference.local_engine import LocalEngine
from tests.lsp_server.completion.screen import Screen


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


@pytest.fixture
def screen() -> Screen:
    return Screen("x = |\ny = 2\n")
