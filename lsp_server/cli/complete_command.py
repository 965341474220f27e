"""`midspan complete FILE:LINE:COL`: one completion without an editor, on the editor's way."""

import asyncio
import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

from context.documents.document import read_document
from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from lsp_server.cli.output.ghost_text_view import show_fill
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.pipeline import FillJob, fill
from lsp_server.completion.triggers import BLOCK_LINES
from lsp_server.rpc.stdio import claim_stdout
from lsp_server.server.shared_workspaces import start_workspace
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import Settings
from lsp_server.telemetry.log_setup import set_up_logging
from lsp_server.telemetry.outcome import reason
from lsp_server.telemetry.record import Record, format_trace
from midspan import DocumentError, SettingsError

_INDEX_SECONDS = 10.0  # what is not indexed by then is not known to this completion


def complete_at(place: str, settings: Settings, *, as_json: bool, show: bool) -> int:
    """Prints the completion; the exit code. Raises MidspanError."""
    stdout = claim_stdout()
    set_up_logging(logging.WARNING)  # what comes out is for the eye
    snapshot = snapshot_at(place)
    engine = start_engine(settings.completion)
    # It is indexed while the model is loaded.
    workspace = start_workspace(root_of(Path(place.rsplit(":", 2)[0])), lambda done, total: None)
    try:
        engine.ready.result()
        if workspace is not None:
            workspace.wait_until_settled(_INDEX_SECONDS)
        source = PromptSource(ContextPacker(workspace, keeps_placement=False))
        job = FillJob(snapshot, source, settings.completion, BLOCK_LINES)
        filled = asyncio.run(fill(engine, job, Record("completion")))
        found, trace = filled.candidates[0], filled.greedy.trace
        text = found.text
        assert trace is not None  # only a closed engine gives none
        if as_json:
            answer = {"text": text, "model": engine.info.name, "trace": asdict(trace)}
            output = json.dumps(answer, indent=2)
        elif show:
            grey = os.isatty(stdout.fileno()) and "NO_COLOR" not in os.environ
            shown = show_fill(snapshot, text, in_grey=grey)
            output = f"{shown}\n\n{engine.info.name}: {format_trace(trace)}"
        else:
            output = text
        if not text:
            print(f"midspan: nothing to fill in here: {reason(found.outcome, found.detail)}.", file=sys.stderr)
        stdout.write(f"{output}\n".encode())
        stdout.flush()
    finally:
        engine.close()
        if workspace is not None:
            workspace.close()
    return 0


def snapshot_at(place: str) -> Snapshot:
    """The file and the cursor of FILE:LINE:COL. Raises DocumentError, or SettingsError for another form."""
    path, *numbers = place.rsplit(":", 2)
    if len(numbers) != 2 or not path or not all(number.isdecimal() for number in numbers):
        raise SettingsError(f"{place!r} is not FILE:LINE:COL. Write for example src/app.py:12:5.")
    line, column = map(int, numbers)
    if line < 1 or column < 1:
        raise DocumentError(f"{place}: lines and columns count from 1.")
    document = read_document(path, root_of(Path(path)))
    return Snapshot(document, document.offset_at(line - 1, column - 1))


def root_of(path: Path) -> Path:
    """The repository that holds the file; without one, its folder."""
    folder = Path(os.path.abspath(path)).parent
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)
