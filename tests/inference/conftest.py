from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.engine import Engine, EngineSettings
from tests.inference.folders import write_folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("models") / "lite")


@pytest.fixture
def engine(model_folder: Path) -> Iterator[Engine]:
    engine = Engine(EngineSettings(model=model_folder, cache_bytes=4 << 20, chunk_tokens=64))
    engine.ready.result(timeout=60)
    yield engine
    engine.close()
