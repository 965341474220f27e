"""The models of the store and of the catalogue, as `midspan model list` and `info` print them."""

from dataclasses import asdict
from typing import Any

from inference.models.description import ModelDescription, read_description
from inference.prompts.edit_forms import edit_form_of
from inference.speed.machine_speed import MachineSpeed
from inference.store.catalogue import Catalogue, CatalogueModel
from inference.store.fit import fit_model
from inference.store.manifest import read_manifest
from inference.store.model_store import ModelStore
from inference.weights.active_weights import ActiveWeights
from inference.weights.machine_memory import weights_budget_bytes
from lsp_server.cli.output.model_marks import marks_in_words
from lsp_server.cli.output.sizes import size_in_words
from midspan import ModelError
from midspan.visible_text import visible_line

DISTURBED = (
    "Other programs kept the cores busy during the measurement, so this machine is faster than that; "
    "midspan doctor measures again."
)


def list_models(store: ModelStore, catalogue: Catalogue, speed: MachineSpeed) -> dict[str, Any]:
    """JSON values: the models `here`, the pulls that have `begun`, the `catalogue`, and what this machine has."""
    here = store.names()
    return {
        "here": [_installed(store, name, speed) for name in here],
        "begun": [asdict(pull) for pull in store.unfinished()],
        "catalogue": [_offered(model, speed) for name, model in catalogue.items() if name not in here],
        "weights_budget_bytes": weights_budget_bytes(),
        "memory_bytes_per_s": round(speed.memory_bytes_per_s),
        "speed_is_disturbed": speed.is_disturbed,
    }


def listing_in_words(listing: dict[str, Any]) -> str:
    """A table of the result of `mark_models`."""
    lines = ["Here:", *(_row(model) for model in listing["here"])] if listing["here"] else ["No model is here yet."]
    if listing["begun"]:
        lines += ["", "Unfinished:"]
        lines += [
            f"  {pull['name']}: {size_in_words(pull['size_bytes'])} fetched; `{pull['command']}` continues it, "
            f"`midspan model remove {pull['name']}` deletes it"
            for pull in listing["begun"]
        ]
    lines += ["", "In the catalogue, for `midspan model pull NAME`:", *(_row(model) for model in listing["catalogue"])]
    budget = size_in_words(listing["weights_budget_bytes"])
    lines += [
        "",
        f"The last columns are the form in which Midspan runs the model, within the {budget} that this machine has for",
        "weights, and the speed to expect in a short file, from a measurement of this machine. More tokens of context",
        "make it slower.",
    ]
    if listing["speed_is_disturbed"]:
        lines += [DISTURBED]
    return "\n".join(map(visible_line, lines))


def describe_model(store: ModelStore, catalogue: Catalogue, name: str, speed: MachineSpeed) -> dict[str, Any]:
    """JSON values about one model. Raises ModelError for a model that is neither here nor in the catalogue."""
    if name in store.names():
        return _installed(store, name, speed)
    if name in catalogue:
        model = catalogue[name]
        places = [f"hub {model.repository}", *map(str, model.mirrors)]
        files = [file.name for file in model.files]
        return _offered(model, speed) | {"repository": model.repository, "places": places, "files": files}
    raise ModelError(f"{name} is neither here nor in the catalogue; `midspan model list` lists both")


def description_in_words(description: dict[str, Any]) -> str:
    """The result of `describe_model`, a line for each value."""
    width = max(map(len, description))
    rows = (f"{key.replace('_', ' '):{width}}  {_value(key, value)}" for key, value in description.items())
    return "\n".join(map(visible_line, rows))


def _value(key: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return size_in_words(value) if key.endswith("_bytes") and isinstance(value, int) else str(value)


def _installed(store: ModelStore, name: str, speed: MachineSpeed) -> dict[str, Any]:
    """A broken folder gives its `problem` and raises nothing: the other models are still listed."""
    folder = store.folder(name)
    try:
        manifest, description = read_manifest(folder), read_description(folder)
    except ModelError as error:
        return {"name": name, "folder": str(folder), "problem": str(error)}
    identity = description.identity
    return {
        "name": name,
        "folder": str(folder),
        "family": description.family.name,
        "use": _uses(description),
        "parameters": manifest.parameters,
        "size_bytes": manifest.size_bytes,
        "context_tokens": identity.context_tokens,
        **_fit(manifest.parameters, description.config.active_weights, speed),
        "source": manifest.source,
        "files": list(manifest.files),
    }


def _uses(description: ModelDescription) -> list[str]:
    """A model that was trained for next edits may still fill holes, but nobody would choose it for that."""
    identity = description.identity
    if edit_form_of(identity.name, description.family) is not None:
        return ["next edits"]
    return [*(["completion"] if identity.fim_orders else []), *([] if identity.chat_advice else ["chat"])]


def _offered(model: CatalogueModel, speed: MachineSpeed) -> dict[str, Any]:
    return {
        "name": model.name,
        "licence": model.licence,
        "use": list(model.use),
        "parameters": model.parameters,
        "size_bytes": model.download_bytes,
        **_fit(model.parameters, model.active, speed),
    }


def _fit(parameters: int, active: ActiveWeights | None, speed: MachineSpeed) -> dict[str, Any]:
    return asdict(fit_model(parameters, active, weights_budget_bytes(), speed))


def _row(model: dict[str, Any]) -> str:
    if "problem" in model:
        return f"  {model['name']}: {model['problem']}"
    billions = f"{model['parameters'] / 1e9:.1f} B"
    use = " and ".join(model["use"])
    fit = f"{model['form']}  {_speed_in_words(model['tokens_per_s'])}" if model["form"] else "too large"
    row = f"  {model['name']:36} {billions:>7} {size_in_words(model['size_bytes']):>8}  {use:20} {fit:18}"
    return f"{row}  {marks_in_words(model)}".rstrip()


def _speed_in_words(tokens_per_s: float | None) -> str:
    if tokens_per_s is None:
        return "of unknown speed"
    return f"{tokens_per_s:.0f} tokens/s" if tokens_per_s >= 10 else f"{tokens_per_s:.1f} tokens/s"
