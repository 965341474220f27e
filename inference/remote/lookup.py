"""Looks up the model on its server: the name and the context."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.remote.address import RemoteAddress
from midspan import ModelError

if TYPE_CHECKING:  # imports openai, which only the engine's thread may do
    from inference.remote.server import Server

_NAMES_SHOWN = 8
# Assumed when neither the server nor the setting tells it: every code model has this much.
UNTOLD_CONTEXT_TOKENS = 4096


@dataclass(frozen=True)
class FoundModel:
    """A model on a server. `names` has all its names, to find its family by."""

    name: str
    names: str
    context_tokens: int


async def look_up(server: "Server", address: RemoteAddress) -> FoundModel:
    """Look up the model. Raises MidspanError when the server fails, or lists several and the setting names none."""
    listed = await server.models()
    meant = next((model for model in listed if model.name == address.model), None)
    if meant is None and len(listed) == 1:
        meant = listed[0]  # llama-server has one model and answers to every name
    name = address.model or (meant.name if meant else None)
    if name is None:
        names = ", ".join(server.explainer.quote(model.name) for model in listed[:_NAMES_SHOWN])
        several = f"lists {len(listed)} models ({names})" if listed else "does not list its models"
        raise ModelError(f"{address.url} {several}. Write the one to use after a #: remote:{address.url}#MODEL.")
    told = meant.context_tokens if meant else None
    names = f"{name} {meant.name}" if meant else name
    return FoundModel(name, names, address.context_tokens or told or UNTOLD_CONTEXT_TOKENS)
