"""Which of a server's models is meant, and what the server tells of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.remote.address import RemoteAddress
from midspan import ModelError

if TYPE_CHECKING:  # it imports openai, which the engine's thread does
    from inference.remote.server import Server

_NAMES_SHOWN = 8
# Where neither the server nor the setting tells: every code model takes as much.
UNTOLD_CONTEXT_TOKENS = 4096


@dataclass(frozen=True)
class FoundModel:
    """`names` is all that it is called, for whoever looks for its family."""

    name: str
    names: str
    context_tokens: int


async def look_up(server: "Server", address: RemoteAddress) -> FoundModel:
    """Raises MidspanError when the server cannot be asked, or when the setting names no model and there are several."""
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
