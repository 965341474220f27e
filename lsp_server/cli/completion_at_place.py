"""A completion at a place in a file, made as an editor's completions are."""

import asyncio
import json
import logging
import os
import sys
from dataclasses import asdict

from context.packer import ContextPacker
from lsp_server.cli.input.place import root_of_place, snapshot_at
from lsp_server.cli.output.ghost_text_view import show_ghost_text
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

_INDEX_WITHIN_S = 10.0  # files that are not indexed by then are not known to this completion


def complete_at(place: str, settings: Settings, *, as_json: bool, show: bool) -> int:
    """Print the completion; return the exit code. Raises MidspanError."""
    stdout = claim_stdout()
    set_up_logging(logging.WARNING)  # the output is for a reader
    snapshot = snapshot_at(place)
    engine = start_engine(settings.completion)
    # The workspace is indexed while the model loads.
    workspace = start_workspace(root_of_place(place), lambda done, total: None)
    try:
        engine.ready.result()
        if workspace is not None:
            workspace.wait_until_settled(_INDEX_WITHIN_S)
        source = PromptSource(ContextPacker(workspace, keeps_placement=False))
        job = FillJob(snapshot, source, settings.completion, BLOCK_LINES)
        filled = asyncio.run(fill(engine, job, Record("completion")))
        found, trace = filled.candidates[0], filled.greedy.trace
        text = found.text
        if as_json:
            answer = {"text": text, "model": engine.info.name, "trace": asdict(trace) if trace is not None else None}
            output = json.dumps(answer, indent=2)
        elif show:
            grey = os.isatty(stdout.fileno()) and "NO_COLOR" not in os.environ
            view = show_ghost_text(snapshot, text, in_grey=grey)
            output = view if trace is None else f"{view}\n\n{engine.info.name}: {format_trace(trace)}"
        else:
            output = text
        if not text:
            print(f"midspan: there is no completion here: {reason(found.outcome, found.detail)}.", file=sys.stderr)
        stdout.write(f"{output}\n".encode())
        stdout.flush()
    finally:
        engine.close()
        if workspace is not None:
            workspace.close()
    return 0
