"""The check of the machine's speed: how fast each model is expected to write."""

from inference.models.description import read_description
from inference.speed.machine_speed import MachineSpeed, processor_name
from inference.store.catalogue import Catalogue
from inference.store.fit import fit_model
from inference.store.manifest import read_manifest
from inference.store.model_store import ModelStore
from inference.weights.machine_memory import weights_budget_bytes
from inference.weights.memory_speed import physical_cores
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.model_listing import DISTURBED
from lsp_server.cli.output.model_marks import LEAST_TOKENS_PER_S
from midspan import ModelError

_SUBJECT = "speed"
_LEAST_TOKENS_PER_S = round(LEAST_TOKENS_PER_S["completion"])


def check_speed(store: ModelStore, catalogue: Catalogue, speed: MachineSpeed) -> list[Finding]:
    """Estimate each model of the store, and name the largest of the catalogue that is fast enough."""
    memory = f"{speed.memory_bytes_per_s / 1e9:.0f} GB/s"
    machine = f"{processor_name()}: {physical_cores()} cores read {memory} of memory."
    fix = DISTURBED if speed.is_disturbed else ""
    return [Finding(_SUBJECT, machine, fix=fix), *_check_models(store, speed), *_recommend(catalogue, speed)]


def _check_models(store: ModelStore, speed: MachineSpeed) -> list[Finding]:
    found = []
    for name in store.names():
        folder = store.folder(name)
        try:
            parameters, active = read_manifest(folder).parameters, read_description(folder).config.active_weights
        except ModelError:
            continue  # `midspan model list` names the problem
        fit = fit_model(parameters, active, weights_budget_bytes(), speed)
        speaks = f"about {fit.tokens_per_s:.0f} tokens a second as {fit.form}" if fit.tokens_per_s else "does not fit"
        found.append(Finding(_SUBJECT, f"{name}: {speaks}."))
    return found


def _recommend(catalogue: Catalogue, speed: MachineSpeed) -> list[Finding]:
    fits = [(m, fit_model(m.parameters, m.active, weights_budget_bytes(), speed)) for m in catalogue.values()]
    fast = [
        (model, fit)
        for model, fit in fits
        if "completion" in model.use and fit.tokens_per_s and fit.tokens_per_s >= _LEAST_TOKENS_PER_S
    ]
    if not fast:
        what = f"No model of the catalogue writes {_LEAST_TOKENS_PER_S} tokens a second here."
        return [Finding(_SUBJECT, what, fix="The built-in model completes Python; or use a model on a server.")]
    model, fit = max(fast, key=lambda pair: pair[0].parameters)
    what = (
        f"The largest model of the catalogue that completes at {_LEAST_TOKENS_PER_S} tokens a second or more here: "
        f"{model.name}, about {fit.tokens_per_s:.0f} as {fit.form}."
    )
    return [Finding(_SUBJECT, what, fix="All of them: midspan model list")]
