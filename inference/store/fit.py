"""Chooses the form of a model by its number of parameters, before it is fetched."""

from dataclasses import dataclass

from inference.speed.machine_speed import MachineSpeed
from inference.weights.active_weights import ActiveWeights
from inference.weights.default_form import DefaultForm, choose_form

# int8 has a scale for each row. int4 has a scale and an offset for each 32 values; embedding and head stay in int8.
BYTES_PER_PARAMETER: dict[DefaultForm, float] = {"wide": 2.0, "int8": 1.01, "int4": 0.60}


@dataclass(frozen=True)
class Fit:
    """The form that Midspan gives a model here, and the expected speed of a decoded token at the begin of a context.

    `form` None: not even the smallest form fits. `tokens_per_s` None: the model does not fit, or says nothing of the
    weights that a token reads.
    """

    form: DefaultForm | None
    tokens_per_s: float | None


def fit_model(parameters: int, active: ActiveWeights | None, budget_bytes: int, speed: MachineSpeed) -> Fit:
    """Choose as the engine does when no setting says otherwise."""
    known = active or ActiveWeights(0, parameters, 0)  # as if a token read all of them
    sizes = {form: max(int(parameters * each), known.bytes_in(form)) for form, each in BYTES_PER_PARAMETER.items()}
    form = choose_form(sizes, budget_bytes, lambda form: speed.token_ms(known, form))
    if sizes[form] > budget_bytes:
        return Fit(None, None)
    return Fit(form, round(1000 / speed.token_ms(active, form), 1) if active else None)
