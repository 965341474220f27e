"""Prints the completion at a place: from the daemon, where one runs, or from an engine in this process."""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from context.documents.snapshot import Snapshot
from lsp_server.cli.input.place import root_of_place, snapshot_at
from lsp_server.cli.output.ghost_text_view import show_ghost_text
from lsp_server.daemon.completion_at_place import INDEX_WITHIN_S, CompletionAtPlace, complete_snapshot
from lsp_server.relay import handshake
from lsp_server.relay.launch import ask
from lsp_server.rpc.stdio import claim_stdout
from lsp_server.server.shared_workspaces import start_workspace
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import CompletionSettings
from lsp_server.telemetry.log_setup import set_up_logging
from lsp_server.telemetry.record import Record
from midspan import MidspanError, __version__

_LOAD_WITHIN_S = 600.0  # a large model that the daemon has not loaded yet


def complete_at(
    place: str, settings: CompletionSettings, flags: dict[str, str], *, as_json: bool, show: bool, is_asked: bool
) -> int:
    """Print what an editor would show unasked or, with `is_asked`, for a key; return the exit code.

    `settings` are those that the daemon reads with the same `flags`. Raises MidspanError.
    """
    stdout = claim_stdout()
    set_up_logging(logging.WARNING)  # the output is for a reader
    snapshot, completion = find_completion(place, settings, flags, is_asked=is_asked)
    texts = completion.texts or [""]
    if as_json:
        answer = {"text": texts[0], "others": texts[1:], "model": completion.model, "trace": completion.trace}
        output = json.dumps(answer, indent=2)
    elif show:
        grey = os.isatty(stdout.fileno()) and "NO_COLOR" not in os.environ
        views = [show_ghost_text(snapshot, text, in_grey=grey) for text in texts]
        costs = [f"{completion.model}: {completion.costs}"] if completion.costs else []
        output = "\n\n".join([*views, *costs])
    else:
        output = "\n---\n".join(texts)
    if not completion.texts:
        print(f"midspan: there is no completion here: {completion.why_none}.", file=sys.stderr)
    if completion.has_low_confidence:
        print("midspan: --all shows what the model wrote.", file=sys.stderr)
    stdout.write(f"{output}\n".encode())
    stdout.flush()
    return 0


def find_completion(
    place: str, settings: CompletionSettings, flags: dict[str, str], *, is_asked: bool
) -> tuple[Snapshot, CompletionAtPlace]:
    """Return the file with its cursor, and what an editor would show there, as `complete_at`. Raises MidspanError."""
    snapshot, root = snapshot_at(place), root_of_place(place)
    completion = _ask_daemon(place, snapshot, root, flags, is_asked=is_asked)
    if completion is None:
        completion = _complete_here(snapshot, root, settings, is_asked=is_asked)
    return snapshot, completion


def _ask_daemon(
    place: str, snapshot: Snapshot, root: Path, flags: dict[str, str], *, is_asked: bool
) -> CompletionAtPlace | None:
    """Return the daemon's completion; None where no daemon of this version runs."""
    status = ask(handshake.request_line("status"))
    if status is None:
        return None
    status[0].close()
    if status[1].get("version") != __version__:
        return None
    line, character = snapshot.document.position_at(snapshot.cursor)
    request: dict[str, Any] = {
        "file": os.path.abspath(place.rsplit(":", 2)[0]),
        "line": line,
        "character": character,
        "all": is_asked,
        "root": str(root),
        "settings": flags,
        "folder": os.getcwd(),
        "keys": handshake.keys_of_environment(),
    }
    answered = ask(handshake.request_line("complete", **request), _LOAD_WITHIN_S)
    if answered is None:
        return None
    connection, answer = answered
    connection.close()
    if "error" in answer:
        raise MidspanError(str(answer["error"]))
    return CompletionAtPlace(**answer)


def _complete_here(
    snapshot: Snapshot, root: Path, settings: CompletionSettings, *, is_asked: bool
) -> CompletionAtPlace:
    engine = start_engine(settings)
    # The workspace is indexed while the model loads.
    workspace = start_workspace(root, lambda done, total: None)
    try:
        engine.ready.result()
        if workspace is not None:
            workspace.wait_until_settled(INDEX_WITHIN_S)
        record = Record("completion", explicit=is_asked)
        return asyncio.run(complete_snapshot(engine, snapshot, workspace, settings, record))
    finally:
        engine.close()
        if workspace is not None:
            workspace.close()
