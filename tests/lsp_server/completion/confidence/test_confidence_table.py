"""The table of a model's confidence: read with suspicion, shipped with models, and a chance for each probability."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inference.local_engine import BUILTIN_MODEL
from inference.model_files import CONFIDENCE_FILE
from lsp_server.completion.confidence.confidence_table import (
    UNCALIBRATED,
    ConfidenceTable,
    confidence_table,
)

GOOD: dict[str, Any] = {
    "languages": ["go"],
    "least": {"low": 0.7, "medium": 0.5, "high": 0.3},
    "chances": {"start": [[0.2, 0.1], [0.6, 0.5]], "word": [[0.5, 0.5]], "inside": [[0.0, 0.2], [1.0, 0.9]]},
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    confidence_table.cache_clear()
    yield
    confidence_table.cache_clear()


def table_of(folder: Path, found: object) -> ConfidenceTable:
    (folder / CONFIDENCE_FILE).write_text(json.dumps(found), encoding="utf-8")
    return confidence_table(folder)


def test_between_two_points_the_chance_is_between_theirs(tmp_path: Path) -> None:
    table = table_of(tmp_path, GOOD)
    assert [table.chance("start", p) for p in (0.0, 0.2, 0.4, 0.6, 1.0)] == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5])
    assert table.chance("word", 0.1) == 0.5
    assert table.writes("go")
    assert not table.writes("python")


def test_the_probability_without_hope_is_just_below_what_is_shown_at_the_place(tmp_path: Path) -> None:
    chances = {"start": [[0.2, 0.1], [0.6, 0.9]], "word": [[0.3, 0.1], [0.5, 0.4]], "inside": [[0.3, 0.95]]}
    table = table_of(tmp_path, GOOD | {"chances": chances, "least": {"low": 0.7, "medium": 0.5, "high": 0.3}})
    for eagerness, least in table.least.items():
        hopeless = table.least_probability("start", eagerness)
        assert table.chance("start", hopeless - 1e-9) < least <= table.chance("start", hopeless + 1e-9)
    assert table.least_probability("word", "high") < 0.5
    assert table.least_probability("word", "medium") == 1, "no text is ever sure enough there"
    assert table.least_probability("inside", "low") == 0, "each is"


@pytest.mark.parametrize(
    "change",
    [
        {"least": {"low": 0.7}},
        {"least": {"low": 2, "medium": 0.5, "high": 0.3}},
        {"chances": {}},
        {"chances": GOOD["chances"] | {"word": []}},
        {"chances": GOOD["chances"] | {"word": [[0.5, 0.5], [0.4, 0.6]]}},
        {"chances": GOOD["chances"] | {"word": [["a", 0.5]]}},
        {"chances": GOOD["chances"] | {"word": [[0.1, 0.5], [0.4, float("nan")]]}},
    ],
)
def test_a_broken_table_is_told_of_and_left_out(
    change: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert table_of(tmp_path, GOOD | change) is UNCALIBRATED
    assert "midspan eval calibration" in caplog.text


@pytest.mark.parametrize(("layers", "width"), [(24, 896), (28, 1536)])
def test_qwen_has_a_shipped_table_until_its_folder_has_one(layers: int, width: int, tmp_path: Path) -> None:
    config = {"model_type": "qwen2", "num_hidden_layers": layers, "hidden_size": width}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shipped = confidence_table(tmp_path)
    assert shipped is not UNCALIBRATED
    assert shipped.writes("rust")
    assert shipped.least["high"] < shipped.least["medium"] < shipped.least["low"]
    confidence_table.cache_clear()
    assert table_of(tmp_path, GOOD).languages == ("go",)


def test_the_built_in_model_is_asked_in_languages_that_it_has_not_learned_too() -> None:
    """The model copies what the code says in like places, and its table says how sure that is."""
    assert all(map(confidence_table(BUILTIN_MODEL).writes, ("python", "go", "typescript", "rust")))


def test_a_table_names_the_languages_of_its_model(tmp_path: Path) -> None:
    table = table_of(tmp_path, GOOD)
    assert table.writes("go")
    assert not table.writes("typescript")


def test_another_model_is_taken_at_its_word(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "../../x"}', encoding="utf-8")
    assert confidence_table(tmp_path) is confidence_table(None) is UNCALIBRATED
