"""Reports of the daemon: the answers to `midspan status`, `trace` and `dashboard`, and the state of the dashboard."""

import asyncio
import os
from collections.abc import Collection
from typing import Any

from lsp_server.daemon.daemon_session import DaemonSession, SharedServices
from lsp_server.daemon.daemon_status import read_status
from lsp_server.daemon.dashboard import Dashboard
from lsp_server.telemetry.traces import to_json
from lsp_server.telemetry.usage_report import summarize_days

_MAX_WAIT_S = 30.0
_DASHBOARD_TRACES = 100
_USAGE_DAYS = 7


class DaemonReports:
    """Answers clients that want no session. `sessions` are the open ones; `began_at` is of the monotonic clock."""

    def __init__(self, services: SharedServices, sessions: Collection[DaemonSession], began_at: float) -> None:
        self._services = services
        self._sessions = sessions
        self._began_at = began_at
        self._dashboard = Dashboard(self._read_dashboard_state)

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the daemon's line for a client's line of the handshake that wants no session."""
        match request["wants"]:
            case "trace":
                return await self._read_traces(request)
            case "dashboard":
                try:
                    return {"url": await self._dashboard.url()}
                except OSError as error:
                    return {"error": f"The dashboard cannot listen on this machine: {error.strerror}."}
            case _:
                return await self._read_status()

    def close(self) -> None:
        """Close the dashboard."""
        self._dashboard.close()

    async def _read_status(self) -> dict[str, Any]:
        servers = [session.server for session in self._sessions]
        return await read_status(servers, self._services.engines, self._services.workspaces, self._began_at)

    async def _read_traces(self, request: dict[str, Any]) -> dict[str, Any]:
        limit, after, wait_s, pid = (request.get(name) for name in ("limit", "after", "wait_s", "pid"))
        after = after if isinstance(after, int) and pid in (None, os.getpid()) else 0
        traces = self._services.journal.traces
        if isinstance(wait_s, int):
            await traces.wait_for_news(after, min(wait_s, _MAX_WAIT_S))
        found = traces.newest(limit if isinstance(limit, int) else None, after)
        return {"pid": os.getpid(), **to_json(found)}

    async def _read_dashboard_state(self, after: int, pid: int) -> dict[str, Any]:
        """Return the status, the usage, and the traces that a page lacks which has those of `pid` up to `after`."""
        traces = self._services.journal.traces.newest(_DASHBOARD_TRACES, after if pid == os.getpid() else 0)
        usage = await asyncio.to_thread(summarize_days, _USAGE_DAYS)
        return {"status": await self._read_status(), "usage": usage, **to_json(traces)}
