"""An editor whose chat model answers what a test says."""

from pathlib import Path
from typing import Any

from lsp_server.server.engines import Engines
from tests.lsp_server.actions.actions_client import RICH
from tests.lsp_server.client import InProcess, position
from tests.lsp_server.in_process import settled_workspace
from tests.lsp_server.two_models import TwoModels

EDIT, FIX = "refactor.rewrite.midspan.edit", "quickfix.midspan.fix"
TESTS, EXPLAIN, REVIEW = (f"refactor.midspan.{kind}" for kind in ("tests", "explain", "review"))
TEXT = "import os\n\n\ndef double(a):\n    b = 2\n    return b * a\n\n\ndef other():\n    return 1\n"
OPENS = {**RICH, "window": {"showDocument": {"support": True}}}


async def editor_for(models: TwoModels, root: Path, capabilities: Any = OPENS, chat: str | None = "/m") -> InProcess:
    editor = InProcess(Engines(models))
    await editor.initialize(options={"chat": {"model": chat}}, root=root.as_uri(), capabilities=capabilities)
    await settled_workspace(editor, root.as_uri())
    return editor


def edit_params(uri: str, start: tuple[int, int], end: tuple[int, int], **more: Any) -> dict[str, Any]:
    ends = {"start": position(*start), "end": position(*end)}
    return {"textDocument": {"uri": uri}, "version": 1, "range": ends, **more}
