"""`midspan serve --standalone` with an engine whose answers a test writes: serve_scripted.py FOLDER

The engine reads FOLDER/answers.json at each request: {"end of the text before the cursor": "answer"}; the longest end
that fits counts. The engine appends each request to FOLDER/asked.jsonl; the log is FOLDER/midspan.log. An answer that
holds "ENDLESS" goes on for so long that a user can stop it. FOLDER/indexed is made when the Python files that are there
at the start have been indexed. Where FOLDER/next_edits.json is there at the start, next edits are those of
scripted_edits.py. With a file FOLDER/no-chat no chat model is set.
"""

import json
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from inference.api import OnUpdate, Request, Update
from lsp_server.daemon.build_server import build_server
from lsp_server.daemon.standalone import serve
from lsp_server.server.server import MidspanServer
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.settings.values import ModelSettings
from tests.e2e.scripted_edits import script
from tests.e2e.waiting import wait_until
from tests.fake_engine import FakeEngine, FakeGeneration

_QUICK_CHARACTERS = 200


def main() -> int:
    folder = Path(sys.argv[1])

    def answer(before: str, after: str) -> str:
        with (folder / "asked.jsonl").open("a") as asked:
            asked.write(json.dumps([before, after]) + "\n")
        answers: dict[str, str] = json.loads((folder / "answers.json").read_text())
        end = max((end for end in answers if before.endswith(end)), key=len, default=None)
        text = answers[end] if end is not None else ""
        return text.replace("ENDLESS", "and so on " * 10_000)

    def start(_settings: ModelSettings) -> FakeEngine:
        return _PacedEngine(answer)

    def build(*arguments: Any) -> MidspanServer:
        server = build_server(*arguments)
        if (folder / "next_edits.json").exists():
            script(server, folder)
        threading.Thread(target=_tell_indexed, args=(arguments[2], folder), daemon=True).start()
        return server

    settings: dict[str, object] = {"completion.look_ahead": False}
    if not (folder / "no-chat").exists():
        settings["chat.model"] = "fake"
    with patch("lsp_server.daemon.standalone.build_server", build):
        return serve(settings, folder / "midspan.log", start)


class _PacedEngine(FakeEngine):
    """Writes long answers slowly."""

    def submit(self, request: Request, on_update: OnUpdate) -> FakeGeneration:
        written = 0

        def tell(update: Update) -> None:
            nonlocal written
            written += len(update.text)
            if written > _QUICK_CHARACTERS:
                time.sleep(0.01)
            on_update(update)

        return super().submit(request, tell)


def _tell_indexed(workspaces: SharedWorkspaces, folder: Path) -> None:
    files = [path.name for path in folder.rglob("*.py")]

    def is_indexed() -> bool:
        with suppress(RuntimeError):  # another workspace is opened meanwhile
            return any(workspace.has_indexed(files) for workspace, _ in workspaces.opened())
        return False

    wait_until(is_indexed, lambda: "the workspace is not indexed")
    (folder / "indexed").touch()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
