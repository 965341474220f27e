"""The name of a model, and the uses that it was trained for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.models.config_json import positive_number
from inference.prompts.families import Family
from midspan import ModelError

FIM_ORDERS = ("psm", "spm")
# The 236B DeepSeek-Coder-V2 is known by its width: Lite has 2048.
_WIDTH_OF_236B = 5120


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
    name = str(block.get("name") or name_of_folder(folder))
    orders, advice = _fim_of_released(config, name, family)
    if "fim_orders" in block:
        orders = tuple(block["fim_orders"])
        advice = None if orders else f"{name} was not trained to fill a hole; take {family.fim_model} for completion"
    if unknown := [order for order in orders if order not in FIM_ORDERS]:
        raise ModelError(f"{path}: unknown FIM order {unknown[0]!r}; write psm or spm")
    limit = positive_number(config, "max_position_embeddings", int, path)
    return ModelIdentity(
        name, orders, advice, _chat_advice(name, family), min(limit, int(block.get("context_tokens", limit)))
    )


def name_of_folder(folder: Path) -> str:
    """Return the model's name. The hub's cache keeps a model as models--OWNER--NAME/snapshots/REVISION."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.rpartition("--")[2]
    return folder.name


def _is_tuned_for_chat(name: str) -> bool:
    return any(word in name.lower() for word in ("instruct", "chat"))  # nothing else in a released folder says so


def _chat_advice(name: str, family: Family) -> str | None:
    if _is_tuned_for_chat(name):
        return None
    return (
        f"{name} was not trained to chat, or its name does not say so. `midspan model pull {family.chat_model}` "
        f"fetches one that was: set chat.model to its name. `midspan model list` shows others"
    )


def _fim_of_released(config: Mapping[str, Any], name: str, family: Family) -> tuple[tuple[str, ...], str | None]:
    """Return the FIM orders and the advice."""
    take = f"take {family.fim_model} for completion"
    if family.model_type == "deepseek_v2" and config.get("hidden_size", 0) >= _WIDTH_OF_236B:
        # DeepSeek-Coder-V2's issue 18.
        return (), f"{name} is the 236B model, which was not trained to fill a hole; use it for chat, and {take}"
    if not _is_tuned_for_chat(name):
        return ("psm",), None
    if family.instruct_fills:
        return ("psm",), f"{name} is tuned for chat and fills holes less well than a base model; {take}"
    return (), f"{name} was tuned for chat and can no longer fill a hole; {take}"
