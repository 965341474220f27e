from collections.abc import Callable, Iterator

import pytest

from inference.remote.address import parse_address
from inference.remote.engine import RemoteEngine
from inference.remote.patience import Patience
from tests.inference.remote.api_server import Answer, ApiServer

StartServer = Callable[..., ApiServer]
Connect = Callable[..., RemoteEngine]

# Longer than any test waits for a stalled server, so that only the test ends a request.
HASTE = Patience(connect_s=10, silence_s=120, retries=1, longest_pause_s=2)


@pytest.fixture
def serve() -> Iterator[StartServer]:
    servers = []

    def start(*answers: Answer) -> ApiServer:
        servers.append(ApiServer(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    engines = []

    def start(url: str, model: str = "#qwen-coder", patience: Patience = HASTE) -> RemoteEngine:
        engines.append(RemoteEngine(parse_address(f"remote:{url}{model}"), patience))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()
