"""`midspan model list` names form and speed of a model before it is fetched."""

from pathlib import Path

import pytest

from inference.models.deepseek_v2_config import parse_deepseek_v2
from inference.store.catalogue import read_catalogue
from inference.store.fit import Fit, fit_model
from inference.weights.active_weights import ActiveWeights
from tests.inference.speeds import machine
from tests.inference.weights.quantized import RELEASED_LITE

MODELS = read_catalogue(Path("no user's file"))
GIB = 1 << 30


@pytest.mark.parametrize("name", [name for name in MODELS if "v2-lite" not in name])
def test_a_token_reads_all_matrices_of_a_dense_model(name: str) -> None:
    model = MODELS[name]
    assert model.active is not None
    rest = model.parameters - model.active.parameters
    norms_and_biases = 1e-3 * model.parameters
    assert 0 < rest < norms_and_biases or 0 < rest - model.active.head < norms_and_biases  # an embedding of its own


def test_a_token_reads_the_chosen_experts_of_lite() -> None:
    config = parse_deepseek_v2(RELEASED_LITE, Path("config.json"))
    assert MODELS["deepseek-coder-v2-lite-base"].active == config.active_weights


def test_the_speed_of_a_model_is_known_before_it_is_fetched() -> None:
    lite = MODELS["deepseek-coder-v2-lite-base"]
    assert fit_model(lite.parameters, lite.active, 40 * GIB, machine(44)) == Fit("int4", 29.7)
    assert fit_model(lite.parameters, lite.active, 40 * GIB, machine(100)) == Fit("int8", 40.0)
    assert fit_model(lite.parameters, lite.active, 14 * GIB, machine(100)) == Fit("int4", 64.3)
    assert fit_model(lite.parameters, lite.active, 8 * GIB, machine(100)) == Fit(None, None)


def test_a_model_of_unknown_weights_has_no_speed_and_is_judged_as_if_a_token_read_all() -> None:
    assert fit_model(1_000_000_000, None, 8 * GIB, machine(44)) == Fit("int8", None)
    assert fit_model(3_000_000_000, None, 8 * GIB, machine(44)) == Fit("int4", None)
    assert fit_model(7_000_000, None, 8 * GIB, machine(44)) == Fit("wide", None)


def test_a_users_entry_may_name_the_active_weights(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(
        '{"models": [{"name": "mine", "repository": "me/Mine", "use": ["completion"], "parameters": 5, "files": [], '
        '"active": {"layers": 1, "any_form": 3, "head": 2}}]}'
    )
    assert read_catalogue(file)["mine"].active == ActiveWeights(1, 3, 2)
