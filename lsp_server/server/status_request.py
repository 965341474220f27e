"""The request midspan/status."""

from dataclasses import dataclass
from typing import Any

from lsp_server.server.server import MidspanServer


@dataclass(frozen=True)
class StatusParams:
    """The document whose status is asked for; without one, only what is the same for all documents is told."""

    uri: str | None = None


def register(server: MidspanServer) -> None:
    """Add the request to a server."""

    @server.feature("midspan/status")
    def status(params: StatusParams) -> dict[str, Any]:
        return server.status.read(params.uri)
