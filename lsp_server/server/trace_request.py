"""midspan/trace: the last requests, of all the editors that the process serves."""

from dataclasses import dataclass
from typing import Any

from lsp_server.rpc.converter import UInteger
from lsp_server.server.server import MidspanServer
from lsp_server.telemetry.traces import to_json


@dataclass(frozen=True)
class TraceParams:
    """The traces that a client wants: the `limit` newest, of those with a higher id than `after`."""

    limit: UInteger | None = None
    after: UInteger | None = None


def register(server: MidspanServer) -> None:
    """Add the request to a server."""

    @server.feature("midspan/trace")
    def trace(params: TraceParams) -> dict[str, Any]:
        return to_json(server.session.journal.traces.newest(params.limit, params.after or 0))
