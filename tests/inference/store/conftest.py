from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.store.model_store import ModelStore
from tests.inference.folders import write_folder
from tests.inference.store.catalogues import REPOSITORY
from tests.inference.store.command import Home
from tests.inference.store.hub_server import Hub, serving


@pytest.fixture
def hub(released: Path) -> Iterator[Hub]:
    """A hub that has the released model."""
    hub = Hub()
    hub.add_folder(REPOSITORY, released)
    with serving(hub):
        yield hub


@pytest.fixture
def home(tmp_path: Path, hub: Hub) -> Home:
    """A user whose HF_ENDPOINT is the test's hub."""
    return Home(tmp_path / "home", {"HF_ENDPOINT": hub.endpoint})


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A released folder of a megabyte."""
    return write_folder(tmp_path / "Tiny-Base")


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")
