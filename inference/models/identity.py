"""The name of a model, and the uses that it was trained for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr  # shortens a long value to what fits in a message
from typing import Any

from inference.models.config_json import MOST_CONTEXT_TOKENS, MOST_WIDTH, read_integer
from inference.prompts.families import Family
from midspan import ModelError
from midspan.visible_text import visible_line

FIM_ORDERS = ("psm", "spm")
# The 236B DeepSeek-Coder-V2 is known by its width: Lite has 2048.
_WIDTH_OF_236B = 5120
_MOST_NAME_CHARACTERS = 200


@dataclass(frozen=True)
class ModelIdentity:
    """The name, the abilities and the context of a model."""

    name: str
    # The first order is preferred; empty: the model cannot fill a hole, and `fim_advice` says why.
    fim_orders: tuple[str, ...]
    # A sentence for users: why the model cannot fill a hole or does so less well, and a better model; None: it can.
    fim_advice: str | None
    chat_advice: str | None  # likewise for chat
    context_tokens: int


def parse_identity(config: Mapping[str, Any], folder: Path, family: Family) -> ModelIdentity:
    """Read the `midspan` block of our own folders, or go by a released folder's name and shape. Raises ModelError."""
    path = folder / "config.json"
    block = config.get("midspan") or {}
    if not isinstance(block, Mapping):
        raise ModelError(f"{path}: midspan must be an object")
    name = block.get("name") or name_of_folder(folder)
    if not isinstance(name, str) or len(name) > _MOST_NAME_CHARACTERS:
        raise ModelError(f"{path}: the name in midspan must be a text of at most {_MOST_NAME_CHARACTERS} characters")
    name = visible_line(name)
    is_tuned = block.get("tuned_for_chat", is_tuned_by_name(name))
    if not isinstance(is_tuned, bool):
        raise ModelError(f"{path}: tuned_for_chat in midspan must be true or false")
    width = read_integer(config, "hidden_size", path, most=MOST_WIDTH)
    orders, advice = _fim_of_released(width, name, family, is_tuned)
    if "fim_orders" in block:
        orders = _read_orders(block["fim_orders"], path)
        advice = None if orders else f"{name} was not trained to fill a hole; take {family.fim_model} for completion"
    limit = read_integer(config, "max_position_embeddings", path, most=MOST_CONTEXT_TOKENS)
    context_tokens = read_integer(block, "context_tokens", path, limit, most=MOST_CONTEXT_TOKENS)
    return ModelIdentity(name, orders, advice, _chat_advice(name, family, is_tuned), min(limit, context_tokens))


def _read_orders(orders: object, path: Path) -> tuple[str, ...]:
    if not isinstance(orders, list):
        raise ModelError(f"{path}: fim_orders must be a list of psm and spm")
    if unknown := [order for order in orders if order not in FIM_ORDERS]:
        raise ModelError(f"{path}: unknown FIM order {repr(unknown[0])}; write psm or spm")
    return tuple(dict.fromkeys(orders))


def name_of_folder(folder: Path) -> str:
    """Return the model's name. The hub's cache keeps a model as models--OWNER--NAME/snapshots/REVISION."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.rpartition("--")[2]
    return folder.name


def is_tuned_by_name(name: str) -> bool:
    """Return whether a model's name says that it is tuned for chat."""
    return any(word in name.lower() for word in ("instruct", "chat"))  # nothing else in a released folder says so


def _chat_advice(name: str, family: Family, is_tuned: bool) -> str | None:
    if is_tuned and family.chat is not None:
        return None
    reason = "was not trained to chat, or its name does not say so"
    if family.chat is None:
        reason = f"is a {family.name} model, and Midspan does not know how these are asked to chat"
    return (
        f"{name} {reason}. `midspan model pull {family.chat_model}` "
        f"fetches one that was: set chat.model to its name. `midspan model list` shows others"
    )


def _fim_of_released(width: int, name: str, family: Family, is_tuned: bool) -> tuple[tuple[str, ...], str | None]:
    """Return the FIM orders and the advice."""
    take = f"take {family.fim_model} for completion"
    if family.model_type == "deepseek_v2" and width >= _WIDTH_OF_236B:
        # DeepSeek-Coder-V2's issue 18.
        return (), f"{name} is the 236B model, which was not trained to fill a hole; use it for chat, and {take}"
    if not is_tuned:
        return family.fim_orders, None
    if family.instruct_fills:
        return family.fim_orders, f"{name} is tuned for chat and fills holes less well than a base model; {take}"
    return (), f"{name} was tuned for chat and can no longer fill a hole; {take}"
