"""What a daemon says of itself: `midspan status` and the dashboard."""

import asyncio
import os
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from context.index.workspace import Workspace
from inference.api import Engine
from lsp_server.server.engines import EngineKey, Engines
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from lsp_server.server.shared_workspaces import SharedWorkspaces
from midspan import __version__


@dataclass(frozen=True)
class Serving:
    """All that a process serves with, and for whom. `began_at` is a reading of the monotonic clock."""

    servers: Collection[MidspanServer]
    engines: Engines
    workspaces: SharedWorkspaces
    began_at: float


async def account(serving: Serving) -> dict[str, Any]:
    """Counts and names, for people; no text of theirs. `requests` are those that run now."""
    sessions = [server.session for server in serving.servers]
    indexes = await asyncio.to_thread(_indexes, serving.workspaces.opened())
    models = [
        _model(key, engine, serving.engines.idle_s(key), sessions) for key, engine in serving.engines.running().items()
    ]
    return {
        "version": __version__,
        "pid": os.getpid(),
        "uptime_s": round(time.monotonic() - serving.began_at, 1),
        "memory_bytes": psutil.Process().memory_info().rss,
        "sessions": len(sessions),
        "editors": [_editor(server) for server in serving.servers],
        "workspaces": serving.workspaces.count,
        "indexes": indexes,
        "requests": sum(model["running_requests"] + model["waiting_requests"] for model in models),
        "models": models,
    }


def _editor(server: MidspanServer) -> dict[str, Any]:
    session = server.session
    return {
        "name": str(session.editor),
        "roots": [str(root) for root in session.roots],
        "documents": len(session.documents),
        "running_requests": server.status.read()["running_requests"],
    }


def _indexes(opened: list[tuple[Workspace, tuple[int, int]]]) -> list[dict[str, Any]]:
    return [
        {"root": str(workspace.root), **asdict(workspace.state()), "read_files": done, "files_to_read": total}
        for workspace, (done, total) in opened
    ]


def _model(key: EngineKey, engine: Engine, idle_s: float, sessions: list[Session]) -> dict[str, Any]:
    """`for`: what sessions use it for."""
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
        "dtype": stats.dtype,
        "quant": stats.quant,
        "weights_bytes": stats.weights_bytes,
        "cache_bytes": stats.cache_bytes,
        "pages_total": stats.pages_total,
        "pages_free": stats.pages_free,
        "pages_cached": stats.pages_cached,
    }
