"""midspan/status: what the daemon is doing, for the curious and for the tests."""

from dataclasses import asdict
from typing import Any

from lsp_server.server import MidspanServer
from midspan import MidspanError


def register(server: MidspanServer) -> None:
    """Adds the request to a server."""

    @server.feature("midspan/status")
    def status(_params: Any) -> dict[str, Any]:
        session = server.session
        known = {
            "documents": len(session.documents),
            "running_requests": len(session.requests),
            "accepted_items": session.shown.accepted_items,
        }
        try:
            engine = session.engine
        except MidspanError as error:
            return known | {"ready": False, "error": str(error)}
        return known | asdict(engine.stats()) | {"ready": engine.ready.done(), "model": engine.info.name}
