"""Each editor's requests go to a server with the key of that editor, though one daemon serves all editors."""

from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from inference.remote.address import RemoteAddress
from tests.inference.remote.api_server import Answer, ApiServer
from tests.lsp_server.client import INVOKED, stdio_server
from tests.lsp_server.daemons import Place, leave

VARIABLE = "MIDSPAN_KEY_127_0_0_1"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    server = ApiServer(Answer(["hello()"]))
    yield server
    server.close()


async def test_each_editor_asks_with_its_own_key(
    here: Place, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("-m", "lsp_server.cli", "serve", "--model", f"remote:{server.url}#coder")
    async with AsyncExitStack() as stack:
        editors = []
        for key in ("of-ada", "of-bob", None):
            with monkeypatch.context() as environment:
                if key is not None:
                    environment.setenv(VARIABLE, key)
                editor = await stack.enter_async_context(stdio_server(*command))
                await editor.initialize()
                await editor.open("x = \n")
                editors.append((editor, key))
        for editor, key in [*editors, editors[0]]:
            asked = len(server.posts)
            assert await editor.complete(0, 4, INVOKED) == "hello()"
            sent = {received.headers.get("authorization") for received in server.posts[asked:]}
            assert sent == {f"Bearer {key}" if key is not None else None}
        assert here.daemon_status()["sessions"] == 3
        for editor, _ in editors:
            assert await leave(editor) == 0


def test_no_text_of_an_address_holds_its_key() -> None:
    address = RemoteAddress("http://gpu/v1", "gpu", key="secret")
    assert "secret" not in f"{address} {address!r}"
