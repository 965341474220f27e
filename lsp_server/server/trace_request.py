"""midspan/trace: the last requests, of all the editors that the process serves."""

from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.server.server import MidspanServer
from lsp_server.telemetry.traces import to_json


def register(server: MidspanServer) -> None:
    """Adds the request to a server."""

    @server.feature("midspan/trace")
    def trace(params: Any) -> dict[str, Any]:
        limit, after = _number(params, "limit"), _number(params, "after")
        return to_json(server.session.journal.traces.newest(limit, after or 0))


def _number(params: Any, name: str) -> int | None:
    """From what pygls makes of the JSON. Raises JsonRpcInvalidParams."""
    value = getattr(params, name, None)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise JsonRpcInvalidParams(f"{name!r} is a whole number, or is left out.")
    return value
