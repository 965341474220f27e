"""midspan/status: what the daemon is doing, for the curious and for the tests."""

from dataclasses import asdict
from typing import Any

from lsp_server.server import MidspanServer


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
        engine = session.running_engine
        if engine is None:
            return known | {"ready": False, "error": server.reported or "No model is loaded; a completion loads it."}
        if engine.ready.done() and (error := engine.ready.exception()) is not None:
            return known | {"ready": False, "error": str(error)}
        return known | asdict(engine.stats()) | {"ready": engine.ready.done(), "model": engine.info.name}
