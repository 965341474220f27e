"""The status of the daemon, which `midspan status` and the dashboard show."""

import asyncio
import os
import time
from dataclasses import asdict
from typing import Any

import psutil

from context.index.kept_pages import kept_bytes, user_pages_folder
from context.index.workspace import Workspace
from inference.api import Engine
from lsp_server.server.engines import EngineKey, Engines
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from lsp_server.server.shared_workspaces import SharedWorkspaces
from midspan import __version__


async def read_status(
    servers: list[MidspanServer], engines: Engines, workspaces: SharedWorkspaces, began_at: float
) -> dict[str, Any]:
    """Return counts and names, and no text of a user's document. `began_at` is of the monotonic clock.

    `requests` counts those that run or wait now.
    """
    sessions = [server.session for server in servers]
    indexes = await asyncio.to_thread(_indexes, workspaces.opened())
    models = [_model(key, engine, engines.idle_s(key), sessions) for key, engine in engines.running().items()]
    return {
        "version": __version__,
        "pid": os.getpid(),
        "uptime_s": round(time.monotonic() - began_at, 1),
        "memory_bytes": psutil.Process().memory_info().rss,
        "sessions": len(sessions),
        "editors": [_editor(server) for server in servers],
        "workspaces": workspaces.count,
        "indexes": indexes,
        "kept_pages_bytes": await asyncio.to_thread(kept_bytes, user_pages_folder()),
        "requests": sum(model["running_requests"] + model["waiting_requests"] for model in models),
        "models": models,
    }


def _editor(server: MidspanServer) -> dict[str, Any]:
    session = server.session
    return {
        "name": str(session.editor),
        "roots": [str(root) for root in session.roots],
        "documents": len(session.documents),
        "untrusted_models": sorted({str(error.folder) for error in session.untrusted_models}),
        "running_requests": server.status.read()["running_requests"],
    }


def _indexes(opened: list[tuple[Workspace, tuple[int, int]]]) -> list[dict[str, Any]]:
    return [
        {"root": str(workspace.root), **asdict(workspace.state()), "read_files": done, "files_to_read": total}
        for workspace, (done, total) in opened
    ]


def _model(key: EngineKey, engine: Engine, idle_s: float, sessions: list[Session]) -> dict[str, Any]:
    """Return the status of one engine. `for` lists what the sessions use it for."""
    is_done = engine.ready.done() and not engine.ready.cancelled()
    error = engine.ready.exception() if is_done else None
    stats = engine.stats()
    uses = [session.engine_keys for session in sessions]
    return {
        "name": engine.info.name,
        "for": sorted({use for found in uses for use, used in found.items() if used == key}),
        "ready": engine.ready.done(),
        "error": str(error) if error is not None else None,
        "sessions": sum(key in found.values() for found in uses),
        "idle_s": round(idle_s, 1),
        "running_requests": stats.live_requests,
        "waiting_requests": stats.waiting_requests,
        "context_tokens": engine.info.context_tokens,
        "device": stats.device,
        "device_reason": stats.device_reason,
        "dtype": stats.dtype,
        "quant": stats.quant,
        "weights_bytes": stats.weights_bytes,
        "cache_bytes": stats.cache_bytes,
        "cache_dtype": stats.cache_dtype,
        "pages_total": stats.pages_total,
        "pages_free": stats.pages_free,
        "pages_cached": stats.pages_cached,
        "pages_read": stats.pages_read,
    }
