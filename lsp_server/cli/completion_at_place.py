"""A completion at a place in a file, made as an editor's completions are."""

import asyncio
import json
import logging
import os
import sys
from dataclasses import asdict

from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from inference.api import Engine
from lsp_server.cli.input.place import root_of_place, snapshot_at
from lsp_server.cli.output.ghost_text_view import show_ghost_text
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.candidates import generate_one, generate_several
from lsp_server.completion.kept_prompts import KeptPrompts
from lsp_server.completion.pipeline import FillJob, fill
from lsp_server.completion.triggers import Skip, decide
from lsp_server.rpc.stdio import claim_stdout
from lsp_server.server.shared_workspaces import start_workspace
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import Settings
from lsp_server.telemetry.log_setup import set_up_logging
from lsp_server.telemetry.outcome import Outcome, reason
from lsp_server.telemetry.record import Record, format_trace

_INDEX_WITHIN_S = 10.0  # files that are not indexed by then are not known to this completion


def complete_at(place: str, settings: Settings, *, as_json: bool, show: bool, is_asked: bool) -> int:
    """Print what an editor would show unasked or, with `is_asked`, for a key; return the exit code.

    Raises MidspanError.
    """
    stdout = claim_stdout()
    set_up_logging(logging.WARNING)  # the output is for a reader
    snapshot = snapshot_at(place)
    engine = start_engine(settings.completion)
    # The workspace is indexed while the model loads.
    workspace = start_workspace(root_of_place(place), lambda done, total: None)
    record = Record("completion")
    try:
        engine.ready.result()
        if workspace is not None:
            workspace.wait_until_settled(_INDEX_WITHIN_S)
        kept_prompts = KeptPrompts(workspace, settings.completion.disk_cache_bytes)
        source = PromptSource(ContextPacker(workspace, keeps_placement=False), kept_prompts=kept_prompts)
        texts = asyncio.run(_texts(engine, snapshot, source, settings, record, is_asked=is_asked))
        if as_json:
            trace = asdict(record.trace) if record.trace is not None else None
            answer = {"text": texts[0], "others": texts[1:], "model": engine.info.name, "trace": trace}
            output = json.dumps(answer, indent=2)
        elif show:
            grey = os.isatty(stdout.fileno()) and "NO_COLOR" not in os.environ
            views = [show_ghost_text(snapshot, text, in_grey=grey) for text in texts]
            costs = [f"{engine.info.name}: {format_trace(record.trace)}"] if record.trace is not None else []
            output = "\n\n".join([*views, *costs])
        else:
            output = "\n---\n".join(texts)
        if not texts[0]:
            why = reason(record.outcome, record.detail)
            print(f"midspan: there is no completion here: {why}.", file=sys.stderr)
        if record.outcome is Outcome.LOW_CONFIDENCE:
            print("midspan: --all shows what the model wrote.", file=sys.stderr)
        stdout.write(f"{output}\n".encode())
        stdout.flush()
    finally:
        engine.close()
        if workspace is not None:
            workspace.close()
    return 0


async def _texts(
    engine: Engine,
    snapshot: Snapshot,
    source: PromptSource,
    settings: Settings,
    record: Record,
    *,
    is_asked: bool,
) -> list[str]:
    """Return the texts that an editor would be given, or one empty text, and then the record says why."""
    trigger = decide(snapshot, explicit=is_asked)
    if isinstance(trigger, Skip):
        record.ends(trigger.outcome, trigger.detail)
        return [""]
    generate = generate_several if is_asked else generate_one
    job = FillJob(snapshot, source, settings.completion, trigger.max_lines, generate=generate)
    filled = await fill(engine, job, record)
    if not filled.texts:
        record.ends(filled.candidates[0].outcome, filled.candidates[0].detail)
    elif filled.has_low_confidence and not is_asked:
        record.ends(Outcome.LOW_CONFIDENCE)
    else:
        return filled.texts
    return [""]
