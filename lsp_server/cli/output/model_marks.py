"""Marks in the list of models: what is fast enough on this machine, recommended, and used now."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inference.store.model_store import ModelStore, find_folder
from midspan import ModelError

# With fewer tokens a second a line takes more than a second, and suggestions come too late. An answer is read while it
# is written: so fast do people read.
LEAST_TOKENS_PER_S: Mapping[str, float] = {"completion": 15.0, "chat": 6.0, "next edits": 15.0}
BUILTIN = "built-in"
_VERBS = {"completion": "complete", "chat": "chat", "next edits": "propose next edits"}


def mark_models(listing: dict[str, Any], current: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the result of `list_models` in which each model says its uses that are fast enough, recommended, current.

    `current` is the name of the model for each use, None for none; the result has it too. Of the models that are fast
    enough the largest is recommended, and one in its own format before a GGUF file of fewer bits.
    """
    models = [*listing["here"], *listing["catalogue"]]
    best = {use: _best(models, use) for use in LEAST_TOKENS_PER_S}

    def marked(model: dict[str, Any]) -> dict[str, Any]:
        name, uses = model["name"], model.get("use", [])
        return model | {
            "fast_enough": [use for use in uses if _is_fast(model, use)],
            "recommended": [use for use in uses if best[use] == name],
            "current": [use for use in LEAST_TOKENS_PER_S if current.get(use) == name],
        }

    return {
        **listing,
        "here": [marked(model) for model in listing["here"]],
        "catalogue": [marked(model) for model in listing["catalogue"]],
        "current": dict(current),
    }


def marks_in_words(model: Mapping[str, Any]) -> str:
    """Return the marks of a model: "now completes, recommended to chat, too slow to complete"."""
    words = [f"now used to {_VERBS[use]}" for use in model["current"]]
    words += [f"recommended to {_VERBS[use]}" for use in model["recommended"]]
    if model.get("tokens_per_s"):
        slow = [_VERBS[use] for use in model["use"] if use not in model["fast_enough"]]
        words += [f"slow to {' and '.join(slow)}"] if slow else []
    return ", ".join(words)


def current_name(model: object, store: ModelStore) -> str:
    """Return the name of a setting's model as the list has it: its name in the store, or else what the setting says."""
    if model is None:
        return BUILTIN
    if isinstance(model, Path):
        try:
            folder = find_folder(store, model)
        except ModelError:
            return str(model)
        return next((name for name in store.names() if store.folder(name) == folder), str(model))
    return str(model)


def _is_fast(model: Mapping[str, Any], use: str) -> bool:
    tokens_per_s = model.get("tokens_per_s")
    return tokens_per_s is not None and tokens_per_s >= LEAST_TOKENS_PER_S[use]


def _best(models: Sequence[Mapping[str, Any]], use: str) -> str | None:
    fast = [model for model in models if use in model.get("use", []) and _is_fast(model, use)]
    best = max(fast, key=lambda model: (not has_few_bits(model), model["parameters"]), default=None)
    return best["name"] if best is not None else None


def has_few_bits(model: Mapping[str, Any]) -> bool:
    """Return whether a model comes in so few bits that another format of the same model answers better."""
    return "-q" in model["name"].lower().rpartition("instruct")[2]
