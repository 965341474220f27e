"""`midspan doctor` says how fast the models are on this machine, as it was measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from inference.store.catalogue import read_catalogue
from inference.store.model_store import ModelStore
from lsp_server.cli.checks import speed_check
from lsp_server.cli.checks.speed_check import check_speed
from lsp_server.cli.output.model_listing import list_models, listing_in_words
from lsp_server.cli.output.model_marks import current_name, mark_models, marks_in_words
from tests.inference.speeds import machine

MODELS = read_catalogue(Path("no user's file"))


@pytest.fixture(autouse=True)
def _plenty_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lsp_server.cli.checks.speed_check", "lsp_server.cli.output.model_listing"):
        monkeypatch.setattr(f"{module}.weights_budget_bytes", lambda: 40 << 30)


def test_the_largest_model_that_is_fast_enough_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_check, "processor_name", lambda: "A Processor")
    said = [str(finding) for finding in check_speed(ModelStore(tmp_path), MODELS, machine(44))]
    assert said[0].startswith("A Processor: ")
    assert "read 44 GB/s of memory" in said[0]
    assert "deepseek-coder-v2-lite-base, about 30 as int4" in said[1]
    slow = [str(finding) for finding in check_speed(ModelStore(tmp_path), MODELS, machine(10))]
    assert "qwen2.5-coder-0.5b" in slow[1]
    hopeless = [str(finding) for finding in check_speed(ModelStore(tmp_path), MODELS, machine(1))]
    assert "No model of the catalogue writes 15 tokens a second here." in hopeless[1]


def test_the_list_says_the_speed_of_each_model_of_the_catalogue(tmp_path: Path) -> None:
    listing = list_models(ModelStore(tmp_path), MODELS, machine(44))
    speeds = {model["name"]: (model["form"], model["tokens_per_s"]) for model in listing["catalogue"]}
    assert speeds["deepseek-coder-v2-lite-base"] == ("int4", 29.7)
    assert speeds["qwen2.5-coder-7b"][0] == "int4"
    words = listing_in_words(mark_models(listing, {}))
    assert "int4  30 tokens/s" in words
    assert "int4  10 tokens/s" in words


def test_a_measurement_beside_busy_programs_says_so(tmp_path: Path) -> None:
    disturbed = replace(machine(44), is_disturbed=True)
    assert "Other programs" in str(check_speed(ModelStore(tmp_path), MODELS, disturbed)[0])
    assert "Other programs" in listing_in_words(mark_models(list_models(ModelStore(tmp_path), MODELS, disturbed), {}))


def test_the_list_marks_what_is_fast_enough_recommended_and_current(tmp_path: Path) -> None:
    current = {"completion": "built-in", "chat": "qwen2.5-coder-7b-instruct"}
    listing = mark_models(list_models(ModelStore(tmp_path), MODELS, machine(44)), current)
    marked = {model["name"]: model for model in listing["catalogue"]}
    assert marked["qwen2.5-coder-7b-instruct"]["fast_enough"] == ["chat"], "10 tokens a second are read, not waited for"
    assert marked["qwen2.5-coder-7b-instruct"]["current"] == ["chat"]
    assert marked["qwen2.5-coder-1.5b-instruct"]["fast_enough"] == ["completion", "chat"]
    recommended = {use: name for name, model in marked.items() for use in model["recommended"]}
    assert recommended == {
        "completion": "deepseek-coder-v2-lite-base",
        "chat": "deepseek-coder-v2-lite-instruct",
        "next edits": "sweep-next-edit-1.5b",
    }
    assert listing["current"] == current
    words = listing_in_words(listing)
    assert "now used to chat, slow to complete" in words
    assert "recommended to chat" in words


@pytest.mark.parametrize(("speed", "name"), [(20, "qwen2.5-coder-1.5b-instruct"), (4, "qwen2.5-coder-0.5b-instruct")])
def test_of_models_of_one_size_that_with_more_bits_is_recommended(tmp_path: Path, speed: int, name: str) -> None:
    small = {key: model for key, model in MODELS.items() if "qwen" in key and "7b" not in key}
    listing = mark_models(list_models(ModelStore(tmp_path), small, machine(speed)), {})
    assert [model["name"] for model in listing["catalogue"] if "chat" in model["recommended"]] == [name]


def test_where_nothing_is_fast_enough_nothing_is_recommended(tmp_path: Path) -> None:
    listing = mark_models(list_models(ModelStore(tmp_path), MODELS, machine(0.1)), {})
    assert not [model for model in listing["catalogue"] if model["recommended"] or model["fast_enough"]]
    assert all("slow to" in marks_in_words(model) for model in listing["catalogue"] if model["tokens_per_s"])


def test_the_current_model_is_called_as_the_list_calls_it(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert current_name(None, store) == "built-in"
    assert current_name(Path("/models/mine"), store) == "/models/mine"
    assert current_name(Path("not-here"), store) == "not-here"


def test_every_use_in_the_catalogue_has_its_marks(tmp_path: Path) -> None:
    listing = mark_models(list_models(ModelStore(tmp_path), MODELS, machine(44)), {})
    marked = {use for model in listing["catalogue"] for use in model["fast_enough"]}
    assert marked == {use for model in listing["catalogue"] for use in model["use"]}
    assert listing_in_words(listing)
