"""midspan/status: what the server is doing, as its features tell it; midspan/statusChanged tells of changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from inference.api import Engine
from inference.remote.address import RemoteAddress
from lsp_server.rpc.endpoint import MidspanProtocol
from lsp_server.server.session import Session
from lsp_server.server.status_changes import StatusChanges
from lsp_server.settings.model_content import AllowedModel
from lsp_server.settings.values import ModelSettings
from midspan import MidspanError

CHANGED = "midspan/statusChanged"

# "off" is completion's alone, "idle" and "none" are chat's.
State = tuple[Literal["ready", "loading", "off", "idle", "none", "error"], str | None]


class ServerStatus:
    """The status of one connection: a JSON object, to which each feature adds its part."""

    def __init__(self, session: Session, protocol: MidspanProtocol) -> None:
        # Each is given the URI of a document, or None for what is the same in all.
        self.parts: list[Callable[[str | None], dict[str, Any]]] = []
        self.changes = StatusChanges(self.read, lambda status: protocol.notify(CHANGED, status))
        self._session = session
        self._protocol = protocol

    def read(self, uri: str | None = None) -> dict[str, Any]:
        """Return the status in one document or, without a URI, as far as it is the same in all."""
        known: dict[str, Any] = {
            "documents": len(self._session.documents),
            "busy": self._protocol.running_requests,
        }
        for part in self.parts:
            known |= part(uri)
        return known


def model_state(engine: Engine, try_prompt: Callable[[], object]) -> State:
    """Return the state of an engine. `try_prompt` is refused by a model that was not trained for the task."""
    if not engine.ready.done():
        return "loading", None
    if engine.ready.cancelled():
        return "loading", "The model is being unloaded."
    if (error := engine.ready.exception()) is not None:
        known = isinstance(error, MidspanError)
        return "error", str(error) if known else "The model failed unexpectedly; the log says where."
    try:
        try_prompt()
    except MidspanError as refusal:
        return "error", str(refusal)
    return "ready", None


def state_as_json(state: State, settings: ModelSettings, engine: Engine | None) -> dict[str, str | None]:
    """Return the state with its reason, and the name of the model."""
    model = engine.info.name if engine is not None else _name(settings)
    return {"state": state[0], "reason": state[1], "model": model}


def _name(settings: ModelSettings) -> str:
    """Return what is known of a model's name while it is not loaded."""
    match settings.model:
        case None:
            return "built-in"
        case Path():
            return settings.model.name
        case AllowedModel():
            return settings.model.folder.name
        case RemoteAddress():
            return str(settings.model)
