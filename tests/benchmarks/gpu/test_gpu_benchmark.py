"""The benchmark for a GPU, with small sizes on the CPU and a clock that a test winds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import __main__ as program
from benchmarks.gpu.case import Case
from benchmarks.gpu.check import measure_kernel
from benchmarks.gpu.clock import Roofline, measure_roofline
from benchmarks.gpu.goals import GOALS, LITE_NAME, compare
from benchmarks.gpu.kernel_cases import kernel_cases
from benchmarks.gpu.models import FORMS, QWEN_7B, MeasuredModel, ModelRow, largest_context
from benchmarks.gpu.random_weights import RandomWeights
from benchmarks.gpu.report import Report
from benchmarks.native.lite_shape import LITE
from inference.devices.cards import Card, Cards
from inference.loader import wanted_tensors
from tests.benchmarks.gpu.small_sizes import ROOFLINE, SIZES, Clock
from tests.inference.folders import LITE as SMALL_LITE
from tests.inference.folders import QWEN, config_of

CPU = torch.device("cpu")
GIB = 1 << 30


def cases(seed: int = 0) -> list[Case]:
    return [make() for make in kernel_cases(RandomWeights("wide", CPU, seed), SIZES)]


@pytest.mark.parametrize("seed", range(2))
def test_each_case_agrees_with_its_reference(seed: int) -> None:
    rows = [measure_kernel(case, Clock(), ROOFLINE) for case in cases(seed)]
    assert {row.name: row.error for row in rows if not row.is_right} == {}
    assert len({row.name for row in rows}) == len(rows) == 2 * (4 + 2 * (4 + 2) + 8) + 2


def test_a_kernel_that_is_wrong_or_not_a_number_is_told() -> None:
    right = cases()[0]
    for broken in (lambda: right.run() * 1.05, lambda: right.run() * float("nan")):
        assert not measure_kernel(replace(right, run=broken), Clock(), ROOFLINE).is_right


def test_the_work_is_counted() -> None:
    by_name = {case.name: (case.moved_bytes, case.flop) for case in cases()}
    assert by_name["mla_attention wide +5 on 100"] == (100 * 48 * 2, 2 * 5 * 4 * 100 * (48 + 32))
    assert by_name["mla_attention int8 +5 on 100"] == (100 * (48 + 2 * 3), 2 * 5 * 4 * 100 * (48 + 32))
    assert by_name["kv_attention wide +1 on 40"] == (40 * 128 * 2, 4 * 6 * 40 * 32)
    assert by_name["packed_linear int8 +5"] == (64 * 64 + 64 * 4, 2 * 5 * 64 * 64)
    # Codes, scales and offsets, and two units for each row; fifth bits.
    assert by_name["packed_linear int4 +1"][0] == 64 * (32 + 2 * 2 + 8)
    assert by_name["packed_linear int5 +1"][0] == 64 * (32 + 2 * 2 + 8 + 8)
    assert by_name["packed_experts wide +1"] == (3 * 3 * 64 * 32 * 2, 2 * 3 * 3 * 64 * 32)  # of the chosen ones


def test_the_roofline_is_that_of_the_slower_of_bytes_and_products() -> None:
    roofline = measure_roofline(Clock(), CPU, copy_bytes=1000, matrix=10)
    assert roofline == Roofline(2 * 1000 / 0.001, 2 * 10**3 / 0.001)
    assert ROOFLINE.least_s(10**9, 10**9) == pytest.approx(0.001)
    assert ROOFLINE.least_s(10**3, 10**12) == pytest.approx(0.001)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("raw", [SMALL_LITE, QWEN], ids=["lite", "qwen"])
def test_a_model_is_measured_behind_each_context(raw: dict[str, Any], form: Any) -> None:
    model = MeasuredModel("small", config_of(raw), form, CPU, most_context=40)
    with torch.inference_mode():
        rows = list(model.rows((0, 40), (1, 16), Clock(), ROOFLINE))
    steps = [(row.what, row.context_tokens, round(row.tokens_per_s)) for row in rows]
    assert steps == [
        ("decode", 0, 16000),
        ("decode", 40, 16000),
        ("+1", 40, 1000),
        ("+16", 40, 16000),
        ("cold", 0, 40000),
    ]
    config = config_of(raw)
    read = config.active_weights.bytes_in(form) + config.num_hidden_layers * config.page_width * 2 * 41
    assert rows[1].least_ms == pytest.approx(1000 * read / ROOFLINE.bytes_per_s)
    assert rows[1].share == pytest.approx(rows[1].least_ms / rows[1].time_ms)


@pytest.mark.parametrize(
    ("config", "form", "free_gib", "context"),
    [(LITE, "wide", 80, 131072), (LITE, "wide", 24, None), (LITE, "int4", 24, 131072), (QWEN_7B, "wide", 20, 32768)],
)
def test_a_card_gets_the_models_and_contexts_that_it_holds(
    config: Any, form: Any, free_gib: int, context: int | None
) -> None:
    size = wanted_tensors(config).sizes_bytes(2)[form]
    assert largest_context(config, size, free_gib * GIB) == context


def test_the_table_and_the_json_say_the_same_and_name_what_is_wrong() -> None:
    right = measure_kernel(cases()[0], Clock(), ROOFLINE)
    report = Report("A card", {"torch": "2"}, 7, ROOFLINE, [right], [], {"Lite": "transformers is not installed"})
    assert "Every kernel that was run agrees" in report.in_words()
    report.kernels.append(replace(right, name="bad", is_right=False, time_us=1234.56))
    report.left_out.append("Qwen as wide: the card has too little memory")
    words, found = report.in_words(), json.loads(json.dumps(report.as_json()))
    assert words.startswith("A card: a copy moves 1,000 GB/s, a product of bf16 matrices reaches 1,000 TFLOP/s")
    for part in (
        "(seed 7)",
        "WRONG: bad",
        "1,234.6",
        "transformers, Lite: transformers is not installed",
        "not measured: Qwen",
    ):
        assert part in words
    assert (found["wrong"], found["kernels"][1]["time_us"]) == (["bad"], 1234.56)


def test_each_goal_stands_beside_what_the_card_allows() -> None:
    rows = [
        ModelRow(LITE_NAME, "wide", "decode", 0, 2.0, 500.0, 1.6, 0.8),
        ModelRow(LITE_NAME, "int8", "decode", 0, 2.0, 500.0, 1.0, 0.5),
        ModelRow(LITE_NAME, "wide", "decode", 32768, 2.5, 400.0, 1.75, 0.7),
        ModelRow(LITE_NAME, "wide", "+16", 32768, 16.0, 1000.0, 4.0, 0.25),
        ModelRow("Qwen2.5-Coder-7B", "int4", "decode", 0, 2.0, 500.0, 1.0, 0.5),
    ]
    found = compare(rows)
    assert [(row.found, row.roofline, row.is_reached) for row in found] == [
        (500.0, 625.0, True),
        (500.0, 1000.0, False),
        (0.7, 1.0, True),
        (16.0, 4.0, False),
        (None, None, None),
    ]
    assert [row.wanted for row in found] == [goal.wanted for goal in GOALS] == [350, 600, 0.6, 15, 150]


def test_without_a_gpu_one_line_says_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks.gpu"])
    monkeypatch.setattr(program, "find_cards", lambda _driver: Cards(absence="this torch is built for CPUs alone"))
    assert program.main() == 1
    assert capsys.readouterr().out == "There is no GPU to measure: this torch is built for CPUs alone.\n"


def test_a_run_ends_with_its_time_and_hides_no_kernel_behind_a_failed_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = cases()[0]

    def failing() -> Case:
        raise RuntimeError("out of shared memory\nat line 3")

    monkeypatch.setattr(program, "kernel_cases", lambda *_: iter([failing, lambda: good]))
    report = Report("A card", {}, 0, ROOFLINE)
    run = program.Run(Card("cpu", "A card", 24 * GIB, 24 * GIB), Clock(), report, ends_s=0.0)
    run.measure_kernels(SIZES)
    run.measure_models()
    run.measure_peers()
    assert [row.name for row in report.kernels] == [good.name]
    assert report.left_out[0] == "a kernel's inputs: RuntimeError: out of shared memory"
    assert report.left_out[1:4] == [
        "DeepSeek-Coder-V2-Lite as wide: the card has too little memory",
        "DeepSeek-Coder-V2-Lite as int8: the time was over",
        "DeepSeek-Coder-V2-Lite as int4: the time was over",
    ]
    assert set(report.peers.values()) == {"the time was over"}
