import os
from collections.abc import Iterator

import pytest

from tests.lsp_server.daemons import USER_FOLDERS, Place, place


@pytest.fixture(scope="session", autouse=True)
def user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the tests folders of their own, as the user's settings and models may change no test."""
    variables = USER_FOLDERS[:2]  # tests/conftest.py sets the others
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= {name: str(tmp_path_factory.mktemp("user")) for name in variables}
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A runtime folder of the test's own, whose daemons end with it."""
    with place(monkeypatch) as found:
        yield found
