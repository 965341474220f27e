"""The models of the store and of the catalogue, as `midspan model list` and `info` print them."""

from dataclasses import asdict
from typing import Any

from inference.models.description import read_description
from inference.store.catalogue import Catalogue, CatalogueModel
from inference.store.fit import widest_that_fits
from inference.store.manifest import read_manifest
from inference.store.model_store import ModelStore
from inference.weights.machine_memory import weights_budget_bytes
from lsp_server.cli.output.sizes import size_in_words
from midspan import ModelError
from midspan.visible_text import visible_line


def list_models(store: ModelStore, catalogue: Catalogue) -> dict[str, Any]:
    """JSON values: the models `here`, the pulls that have `begun`, the `catalogue`, and the memory for weights."""
    here = store.names()
    budget_bytes = weights_budget_bytes()
    return {
        "here": [_installed(store, name, budget_bytes) for name in here],
        "begun": [asdict(pull) for pull in store.unfinished()],
        "catalogue": [_offered(model, budget_bytes) for name, model in catalogue.items() if name not in here],
        "weights_budget_bytes": budget_bytes,
    }


def listing_in_words(listing: dict[str, Any]) -> str:
    """A table of the result of `list_models`."""
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
    lines += ["", f"The last column is the widest form that fits the {budget} this machine has for weights."]
    return "\n".join(map(visible_line, lines))


def describe_model(store: ModelStore, catalogue: Catalogue, name: str) -> dict[str, Any]:
    """JSON values about one model. Raises ModelError for a model that is neither here nor in the catalogue."""
    budget_bytes = weights_budget_bytes()
    if name in store.names():
        return _installed(store, name, budget_bytes)
    if name in catalogue:
        model = catalogue[name]
        places = [f"hub {model.repository}", *map(str, model.mirrors)]
        files = [file.name for file in model.files]
        return _offered(model, budget_bytes) | {"repository": model.repository, "places": places, "files": files}
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


def _installed(store: ModelStore, name: str, budget_bytes: int) -> dict[str, Any]:
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
        "use": [*(["completion"] if identity.fim_orders else []), *([] if identity.chat_advice else ["chat"])],
        "parameters": manifest.parameters,
        "size_bytes": manifest.size_bytes,
        "context_tokens": identity.context_tokens,
        "fits_as": widest_that_fits(manifest.parameters, budget_bytes),
        "source": manifest.source,
        "files": list(manifest.files),
    }


def _offered(model: CatalogueModel, budget_bytes: int) -> dict[str, Any]:
    return {
        "name": model.name,
        "use": list(model.use),
        "parameters": model.parameters,
        "size_bytes": model.download_bytes,
        "fits_as": widest_that_fits(model.parameters, budget_bytes),
    }


def _row(model: dict[str, Any]) -> str:
    if "problem" in model:
        return f"  {model['name']}: {model['problem']}"
    billions = f"{model['parameters'] / 1e9:.1f} B"
    fits = model["fits_as"] or "too large"
    use = " and ".join(model["use"])
    return f"  {model['name']:36} {billions:>7} {size_in_words(model['size_bytes']):>8}  {use:20} {fits}"
