from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.api import EngineSettings
from inference.local_engine import LocalEngine
from tests.inference.folders import LITE, QWEN, write_folder


@pytest.fixture(scope="session", params=["lite", "qwen"])
def model_folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder for each kind of cache: latents, and keys with values."""
    config = {"lite": LITE, "qwen": QWEN}[request.param]
    return write_folder(tmp_path_factory.mktemp("models") / request.param, config)


@pytest.fixture
def engine(model_folder: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine(EngineSettings(model=model_folder, cache_bytes=8 << 20, chunk_tokens=64))
    engine.ready.result(timeout=60)
    yield engine
    engine.close()
