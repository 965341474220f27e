import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Tests run beside other work; a second thread of torch would wait for a core at every operation.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts the tests in the background has them ignore SIGINT, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No test meets the daemon of the user who runs it. The path is short: the address of a socket may not be long.
_RUNTIME = tempfile.mkdtemp(prefix="mid")
os.environ["XDG_RUNTIME_DIR"] = os.environ["XDG_STATE_HOME"] = _RUNTIME
# Copies of the tests' models do not stay in the user's cache, and what the user has there changes no test.
os.environ["XDG_CACHE_HOME"] = os.path.join(_RUNTIME, "cache")


def pytest_sessionfinish() -> None:
    """End the daemons that the real editors have shared."""
    from tests.lsp_server.daemons import kill_daemons

    kill_daemons(Path(_RUNTIME))
    shutil.rmtree(_RUNTIME, ignore_errors=True)


@pytest.fixture
def no_daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the daemons of other tests from a test's commands."""
    with tempfile.TemporaryDirectory(prefix="mid") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield
