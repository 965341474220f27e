"""The completion at a place in a file, made as an editor's completions are; `midspan complete` asks for it."""

import asyncio
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from context.documents.document import read_document
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.packer import ContextPacker
from inference.api import Engine
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.confidence.confidence_table import confidence_table
from lsp_server.completion.kept_prompts import KeptPrompts
from lsp_server.completion.outputs.candidates import generate_one, generate_several
from lsp_server.completion.pipeline import FillJob, fill
from lsp_server.completion.triggers import Skip, decide
from lsp_server.daemon.daemon_session import SharedServices
from lsp_server.relay.handshake import keys_in
from lsp_server.server.engines import with_key
from lsp_server.settings.command_settings import read_settings
from lsp_server.settings.switches import Switches
from lsp_server.settings.values import CompletionSettings
from lsp_server.telemetry.journal import EditorName
from lsp_server.telemetry.outcome import Outcome, reason
from lsp_server.telemetry.record import Record, format_trace
from midspan import MidspanError

INDEX_WITHIN_S = 10.0  # files that are not indexed by then are not known to this completion
_CLIENT = EditorName("midspan complete")


@dataclass(frozen=True)
class CompletionAtPlace:
    """The texts that an editor would be given, and their cost."""

    model: str
    texts: list[str]  # the best first
    why_none: str  # a phrase, where there is no text
    has_low_confidence: bool  # the reason why there is no text
    trace: dict[str, Any] | None
    costs: str  # the trace in words


async def answer_completion(request: dict[str, Any], services: SharedServices) -> dict[str, Any]:
    """Return the members of a `CompletionAtPlace` for a client's line that wants one, or an error in words."""
    root, folder = Path(str(request.get("root"))), Path(str(request.get("folder")))
    line, character = request.get("line"), request.get("character")
    if not isinstance(line, int) or not isinstance(character, int):
        return {"error": "The place has no line and character."}

    def follow(_done: int, _total: int) -> None:
        """The client has no place for the progress."""

    workspace = services.workspaces.acquire(root, follow)
    try:
        flags = request.get("settings")
        settings = read_settings(flags if isinstance(flags, dict) else {}, root, folder)[0].completion
        settings = with_key(settings, keys_in(request))
        document = read_document(str(request.get("file")), root)
        snapshot = Snapshot(document, document.offset_at(line, character))
        await asyncio.wait([asyncio.wrap_future(services.engines.engine_for(settings).ready)])
        if workspace is not None:
            await asyncio.to_thread(workspace.wait_until_settled, INDEX_WITHIN_S)
        engine = services.engines.engine_for(settings)
        engine.ready.result()
        record = Record("completion", position=(line, character), explicit=bool(request.get("all")))
        completion = await complete_snapshot(engine, snapshot, workspace, settings, record)
        services.journal.note(record, _CLIENT, is_counted=False)
        return asdict(completion)
    except MidspanError as error:
        return {"error": str(error)}
    finally:
        services.workspaces.release(follow)


async def complete_snapshot(
    engine: Engine, snapshot: Snapshot, workspace: Workspace | None, settings: CompletionSettings, record: Record
) -> CompletionAtPlace:
    """Return what an editor would show unasked or, for an explicit record, for a key. Raises MidspanError."""
    record.is_about(snapshot.document)
    texts = await _texts(engine, snapshot, workspace, settings, record)
    if texts:
        record.shows(len(texts[0]))
    return CompletionAtPlace(
        engine.info.name,
        texts,
        "" if texts else reason(record.outcome, record.detail),
        record.outcome is Outcome.LOW_CONFIDENCE,
        asdict(record.trace) if record.trace is not None else None,
        format_trace(record.trace) if record.trace is not None else "",
    )


async def _texts(
    engine: Engine, snapshot: Snapshot, workspace: Workspace | None, settings: CompletionSettings, record: Record
) -> list[str]:
    if (why_off := Switches().why_off_in(snapshot.document, settings)) is not None:
        record.ends(Outcome.SWITCHED_OFF, why_off)
        return []
    table = confidence_table(engine.info.folder)
    trigger = decide(snapshot, record.explicit, table=table)
    if isinstance(trigger, Skip):
        record.ends(trigger.outcome, trigger.detail)
        return []
    kept_prompts = KeptPrompts(workspace, settings.disk_cache_bytes)
    source = PromptSource(ContextPacker(workspace, keeps_placement=False), kept_prompts=kept_prompts)
    generate = generate_several if record.explicit else generate_one
    job = FillJob(snapshot, source, settings, trigger.max_lines, table=table, eagerness=settings.eagerness)
    filled = await fill(engine, replace(job, generate=generate), record)
    if not filled.texts:
        record.ends(filled.candidates[0].outcome, filled.candidates[0].detail)
    elif record.explicit:
        return filled.texts
    elif filled.unasked:
        return [filled.unasked]
    else:
        record.ends(Outcome.LOW_CONFIDENCE)
    return []
