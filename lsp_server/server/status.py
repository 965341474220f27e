"""midspan/status: what the daemon is doing, and whether it completes and chats; midspan/statusChanged tells of it."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from inference.api import Engine
from inference.remote.address import RemoteAddress
from lsp_server.server.server import MidspanServer
from lsp_server.server.status_changes import StatusChanges
from lsp_server.settings.values import ModelSettings
from midspan import MidspanError

CHANGED = "midspan/statusChanged"

# "off" is completion's alone, "idle" and "none" are chat's.
State = tuple[Literal["ready", "loading", "off", "idle", "none", "error"], str | None]


def register(server: MidspanServer) -> None:
    """Adds the request and the notification to a server."""

    @server.feature("midspan/status")
    def status(params: Any) -> dict[str, Any]:
        uri = getattr(params, "uri", None)
        return status_of(server, uri if isinstance(uri, str) else None)

    def notify(status: dict[str, Any]) -> None:
        server.protocol.notify(CHANGED, status)

    server.status_changes = StatusChanges(lambda: status_of(server), notify)


def status_of(server: MidspanServer, uri: str | None = None) -> dict[str, Any]:
    """For one document or, without a URI, as far as it is the same for all."""
    session = server.session
    known = {
        "documents": len(session.documents),
        "running_requests": len(session.requests),
        "accepted_items": session.shown.accepted_items,
        "completion": _completion(server, uri),
        "chat": _chat(server),
        "busy": server.protocol.running_requests,
    }
    engine = session.running_engine
    if engine is None:
        return known | {"ready": False, "error": server.reported or "No model is loaded; a completion loads it."}
    if engine.ready.done() and (error := engine.ready.exception()) is not None:
        return known | {"ready": False, "error": str(error)}
    return known | asdict(engine.stats()) | {"ready": engine.ready.done(), "model": engine.info.name}


def _completion(server: MidspanServer, uri: str | None) -> dict[str, str | None]:
    session = server.session
    settings, engine = session.settings.completion, session.running_engine
    why_off = session.why_off(uri)
    state: State
    if why_off is not None:
        state = "off", f"Nothing is completed here: {why_off}." if uri else f"Nothing is completed: {why_off}."
    elif engine is not None:
        state = _state(engine, lambda: engine.fim_prompt("", "", ""))
    elif server.reported:
        state = "error", server.reported
    else:
        state = "ready", "The model is not loaded; the next completion loads it."
    return _as_object(state, settings, engine)


def _chat(server: MidspanServer) -> dict[str, str | None]:
    settings, engine = server.session.settings.chat, server.session.running_chat_engine
    if settings.model is None:
        return {"state": "none", "reason": "The setting chat.model names no model.", "model": ""}
    if engine is not None:
        return _as_object(_state(engine, lambda: engine.chat_prompt(())), settings, engine)
    return _as_object(("idle", "The model is not loaded; the next question loads it."), settings, engine)


def _state(engine: Engine, try_prompt: Callable[[], object]) -> State:
    """`try_prompt` is refused by a model that was not trained for this."""
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


def _as_object(state: State, settings: ModelSettings, engine: Engine | None) -> dict[str, str | None]:
    model = engine.info.name if engine is not None else _name(settings)
    return {"state": state[0], "reason": state[1], "model": model}


def _name(settings: ModelSettings) -> str:
    """What is known of a model's name while it is not loaded."""
    match settings.model:
        case None:
            return "built-in"
        case Path():
            return settings.model.name
        case RemoteAddress():
            return str(settings.model)
