"""The form in which a model is held, by the machine's memory and speed, and the sizes that the choice goes by."""

import logging
from collections import namedtuple
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from inference.loader import wanted_tensors
from inference.weights.default_form import DefaultForm, choose_form
from inference.weights.machine_memory import weights_budget_bytes
from tests.inference.folders import QWEN, config_of, write_folder
from tests.inference.speeds import machine
from tests.inference.weights.quantized import RELEASED_0_5B, RELEASED_1_5B, RELEASED_LITE, find

Memory = namedtuple("Memory", ["total", "available"])


@pytest.mark.parametrize(
    ("config", "gb_per_s", "total_gb", "available_gb", "quant"),
    [
        (RELEASED_LITE, 100, 64, 60, "int8"),
        (RELEASED_LITE, 100, 64, 22, "int8"),  # the others' memory is not taken
        (RELEASED_LITE, 100, 24, 24, "int4"),  # int8 does not fit
        (RELEASED_LITE, 44, 64, 60, "int4"),  # a token would take 58 ms
        (RELEASED_1_5B, 44, 64, 60, "int8"),
        (RELEASED_1_5B, 44, 4, 3, "int8"),
        (RELEASED_1_5B, 25, 64, 60, "int4"),
        (RELEASED_1_5B, 2, 64, 60, "int4"),  # nothing is fast here, and int4 is fastest
        (QWEN, 2, 64, 60, "wide"),  # tiny
    ],
)
def test_the_default_is_what_a_user_waits_for_within_what_fits(
    config: dict[str, Any],
    gb_per_s: float,
    total_gb: int,
    available_gb: int,
    quant: DefaultForm,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = Memory(total_gb * 10**9, available_gb * 10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    parsed = config_of(config)
    sizes_bytes = wanted_tensors(parsed).sizes_bytes(wide_itemsize=2)
    chosen = choose_form(
        sizes_bytes, weights_budget_bytes(), partial(machine(gb_per_s).token_ms, parsed.active_weights)
    )
    assert chosen == quant
    assert sizes_bytes[quant] < memory.available


@pytest.mark.parametrize(
    ("config", "is_tied", "theirs_bytes"),
    [
        (RELEASED_0_5B, False, 491_400_064),
        (RELEASED_0_5B, True, 398_000_000),
        (RELEASED_1_5B, False, 1_117_320_768),
        (RELEASED_1_5B, True, 986_000_000),
    ],
)
def test_int4_takes_no_more_bytes_than_a_q4_k_m_file(config: dict[str, Any], is_tied: bool, theirs_bytes: int) -> None:
    parsed = config_of(config | {"tie_word_embeddings": is_tied})
    assert 0.9 * theirs_bytes < wanted_tensors(parsed).sizes_bytes(wide_itemsize=2)["int4"] < theirs_bytes


def test_a_choice_of_the_user_asks_for_no_measurement(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    assert find(folder, QWEN, "none")[1] == "wide"
    assert find(folder, QWEN, "int8")[1] == "int8"
    assert find(folder, QWEN, "auto")[1] == "wide"  # it is tiny


def test_a_model_that_does_not_fit_is_loaded_as_small_as_can_be_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1000, 1000))
    with caplog.at_level(logging.WARNING):
        assert find(folder, QWEN, "auto")[1] == "int4"
    assert "take a smaller model" in caplog.text
