"""`midspan doctor` says how fast the models are on this machine, as it was measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from inference.store.catalogue import read_catalogue
from inference.store.model_store import ModelStore
from lsp_server.cli.checks import speed_check
from lsp_server.cli.checks.speed_check import check_speed
from lsp_server.cli.output.model_listing import list_models, listing_in_words
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
    assert "deepseek-coder-v2-lite-base, about 28 as int4" in said[1]
    slow = [str(finding) for finding in check_speed(ModelStore(tmp_path), MODELS, machine(10))]
    assert "qwen2.5-coder-0.5b" in slow[1]
    hopeless = [str(finding) for finding in check_speed(ModelStore(tmp_path), MODELS, machine(1))]
    assert "No model of the catalogue writes 15 tokens a second here." in hopeless[1]


def test_the_list_says_the_speed_of_each_model_of_the_catalogue(tmp_path: Path) -> None:
    listing = list_models(ModelStore(tmp_path), MODELS, machine(44))
    speeds = {model["name"]: (model["form"], model["tokens_per_s"]) for model in listing["catalogue"]}
    assert speeds["deepseek-coder-v2-lite-base"] == ("int4", 27.7)
    assert speeds["qwen2.5-coder-7b"][0] == "int4"
    words = listing_in_words(listing)
    assert "int4  28 tokens/s" in words
    assert "int4  10 tokens/s" in words


def test_a_measurement_beside_busy_programs_says_so(tmp_path: Path) -> None:
    disturbed = replace(machine(44), is_disturbed=True)
    assert "Other programs" in str(check_speed(ModelStore(tmp_path), MODELS, disturbed)[0])
    assert "Other programs" in listing_in_words(list_models(ModelStore(tmp_path), MODELS, disturbed))
