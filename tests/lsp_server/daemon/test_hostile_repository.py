"""A hostile repository in one editor, and a neighbour who types in another: one daemon serves both."""

import asyncio
import sys
import time

import psutil
import pytest

from tests.context.tree import write_tree
from tests.lsp_server.client import Stdio, until
from tests.lsp_server.daemons import Place, place
from tests.processes import has_ended

BOUND_S = 10.0  # on a busy machine; the bombs once took minutes
LINES = 150_000
NEIGHBOUR = "file:///elsewhere/b.py"
BOMBS = {
    "braces.js": "{\n" * LINES,
    "less.cpp": "a<\n" * LINES,
    "raw.rs": 'r#"\n' * LINES,
    "imports.js": "import a\n" * LINES,
    "nested.py": "(\n" * LINES,
    ".gitignore": "*a*a*a*a*a*ab\n" * 3000,
}
OPENED = {
    "open.cpp": ("cpp", "a<\n" * 100_000),
    "open.js": ("javascript", "/*\n" + "import a\n" * 40_000),
    "open.py": ("python", "x = [" + " " * 20_000 + "y\n" + 'f("\\"' * 100),
}


@pytest.fixture
def here(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with place(monkeypatch) as found:
        yield found


async def type_and_measure(editor: Stdio, until_done: "asyncio.Task[None]") -> float:
    """Type in a document of the neighbour's until the others are done; return the longest wait, in seconds."""
    await editor.open("x = \n", uri=NEIGHBOUR)
    longest, number = 0.0, 0
    while not until_done.done():
        number += 1
        await editor.change((0, 0), (0, 0), f"a{number}\n", uri=NEIGHBOUR)
        started = time.monotonic()
        await editor.complete(0, 2, uri=NEIGHBOUR)
        longest = max(longest, time.monotonic() - started)
        await asyncio.sleep(0.02)
    return longest


async def ask_in_all(editor: Stdio, folder: str) -> None:
    """Open each hostile document, and ask for all that the daemon does at a keystroke."""
    for name, (language, text) in OPENED.items():
        uri = f"{folder}/{name}"
        await editor.open(text, uri=uri, language=language)
        place = {"line": 0, "character": 5}
        for _ in range(3):
            await editor.complete(0, 5, uri=uri)
            await editor.change((0, 5), (0, 5), " ", uri=uri)
            await editor.request("midspan/status", {"textDocument": {"uri": uri}})
        where = {"range": {"start": place, "end": place}, "context": {"diagnostics": []}}
        await editor.request("textDocument/codeAction", {"textDocument": {"uri": uri}, **where})


@pytest.mark.timeout(200)
async def test_no_file_of_a_repository_holds_up_a_neighbours_keystroke(here: Place, tmp_path):
    root = write_tree(tmp_path / "root", {**BOMBS, "sub/good.py": "def known_one(): ...\n"})
    async with here.relay() as hostile, here.relay() as neighbour:
        await neighbour.initialize(root="file:///elsewhere")
        await hostile.initialize(root=root.as_uri())
        pid = here.daemon_status()["pid"]

        async def do_all() -> None:
            await ask_in_all(hostile, root.as_uri())
            await until(lambda: all(index["is_settled"] for index in here.daemon_status()["indexes"]), "not settled")

        doing = asyncio.ensure_future(do_all())
        longest = await type_and_measure(neighbour, doing)
        await doing  # raises what went wrong in it
        status = here.daemon_status()
        assert longest < BOUND_S
        assert status["pid"] == pid
        assert status["indexes"][0]["files"] >= len(BOMBS)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process by its command")
async def test_the_process_that_builds_indexes_is_a_child_of_the_daemon_and_ends_with_it(here: Place, tmp_path):
    root = write_tree(tmp_path / "root", {"a.py": "x = 1\n"})
    async with here.relay() as editor:
        await editor.initialize(root=root.as_uri())
        await editor.request("midspan/status")  # the workspace is open now
        await until(lambda: all(index["files"] for index in here.daemon_status()["indexes"]), "not indexed")
        daemon = psutil.Process(here.daemon_status()["pid"])
        (indexer,) = [child for child in daemon.children() if "context.index.indexer_main" in child.cmdline()]
        assert indexer.nice() >= 10
        daemon.kill()
        await until(lambda: has_ended(indexer.pid), "an orphan is left")
