"""The request midspan/status."""

from typing import Any

from lsp_server.server.server import MidspanServer


def register(server: MidspanServer) -> None:
    """Add the request to a server."""

    @server.feature("midspan/status")
    def status(params: Any) -> dict[str, Any]:
        uri = getattr(params, "uri", None)
        return server.status.read(uri if isinstance(uri, str) else None)
