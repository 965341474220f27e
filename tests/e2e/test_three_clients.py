"""Neovim, Emacs and a scripted client on one daemon, while a chat streams."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.bigram_folder import write_bigram_folder
from tests.e2e import emacs as an_emacs
from tests.e2e import neovim as a_neovim
from tests.e2e.emacs import emacs
from tests.e2e.neovim import ROOT, neovim
from tests.e2e.waiting import WAIT_S
from tests.lsp_server.client import Stdio, stdio_server
from tests.lsp_server.daemons import daemon_status

WORD = "wonderful"
URI = "file:///scripted/price.py"

# In CI a missing editor is a failure: the project's own scripts install them.
pytestmark = pytest.mark.skipif(
    not (an_emacs.PROGRAM.exists() and a_neovim.PROGRAM.exists()) and not os.environ.get("CI"),
    reason="an editor is not installed: make .tools/nvim/nvim .tools/emacs/emacs",
)


class Scripted:
    """A client that chats without a pause and completes meanwhile, on a thread of its own."""

    def __init__(self, model: Path, chat_model: Path) -> None:
        self._model = model
        self._chat_model = chat_model
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.pieces = 0  # parts of answers that have come
        self.completions: list[str | None] = []
        self.text = ""  # the text of its document at the end
        self.streams = threading.Event()
        self.ends = threading.Event()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self.ends.set()
            self._thread.join(WAIT_S)

    async def _run(self) -> None:
        async with stdio_server("-m", "lsp_server.cli", "serve", "--model", self._model) as editor:
            await editor.initialize(options={"chat": {"model": str(self._chat_model)}}, root="file:///scripted")
            await editor.open("x = \n", uri=URI)
            listening = asyncio.ensure_future(self._listen(editor))
            chatting = asyncio.ensure_future(self._chat(editor))
            async with asyncio.timeout(4 * WAIT_S):
                while not self.ends.is_set():
                    await editor.change((0, 0), (0, 1), chr(ord("a") + len(self.completions) % 26), uri=URI)
                    self.completions.append(await editor.complete(0, 4, uri=URI))
                    await asyncio.sleep(0.05)
            found = await editor.request("midspan/document", {"textDocument": {"uri": URI}})
            self.text = found["text"]
            chatting.cancel()
            listening.cancel()

    async def _chat(self, editor: Stdio) -> None:
        question = {"messages": [{"role": "user", "content": "Why?"}], "partialResultToken": "why"}
        while not self.ends.is_set():
            with suppress(TimeoutError):  # an answer without an end, where the machine is slow
                await editor.request("midspan/chat", question)

    async def _listen(self, editor: Stdio) -> None:
        while not self.ends.is_set():
            message = await editor.message()
            if message["method"] == "$/progress" and message["params"]["token"] == "why":
                self.pieces += 1
                self.streams.set()


def test_three_clients_on_one_daemon_complete_while_a_chat_streams(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    model = write_bigram_folder(tmp_path / "model", WORD)
    chat_model = write_bigram_folder(tmp_path / "tiny-instruct", "talk", endless=True)
    files = {}
    for name in ("vim", "mac"):
        (tmp_path / name).mkdir()
        files[name] = tmp_path / name / "area.py"
        files[name].write_text(f"{name} = 1\n")
    scripted = Scripted(model, chat_model)
    arguments = "--model", model
    with (
        scripted.at_work(),
        neovim(tmp_path / "vim", files["vim"], *arguments) as vim,
        emacs(tmp_path / "mac", files["mac"], *arguments, text="z = ") as mac,
    ):
        vim.until(mac.is_connected, "Emacs does not connect")
        assert scripted.streams.wait(WAIT_S)
        # The daemon may still hold models of other tests, without a session.
        used = [(entry["sessions"], entry["name"]) for entry in daemon_status()["models"] if entry["sessions"]]
        assert sorted(used) == [(1, "tiny-instruct"), (3, "model")]
        pieces, completions = scripted.pieces, len(scripted.completions)
        mac.go()
        vim.type("<Esc>Goy = ")
        vim.until(lambda: vim.ghost_text() == WORD, "no ghost text")
        vim.type("<Tab>")
        vim.until(lambda: vim.lines() == ["vim = 1", f"y = {WORD}"], "Tab did not accept")
        vim.until(lambda: WORD in files["mac"].read_text(), "Emacs has saved nothing")
        vim.until(lambda: scripted.pieces > pieces, "the chat stands still")
        vim.until(lambda: len(scripted.completions) > completions, "the scripted client gets nothing")
        assert vim.status()["documents"] == 1
        assert daemon_status()["sessions"] == 3
        mac.end()
    assert files["mac"].read_text() == f"mac = 1\nz = {WORD}\n"
    assert set(scripted.completions) == {WORD}
    assert scripted.text[1:] == " = \n"
