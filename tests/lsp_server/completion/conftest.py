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
def screen() -> Screen:
    return Screen("x = |\ny = 2\n")
