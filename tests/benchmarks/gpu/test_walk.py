"""The benchmark's code runs here with small sizes: on the CPU, in Triton's interpreter, and on a made-up GPU."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from benchmarks.gpu import __main__ as program
from benchmarks.gpu import models
from benchmarks.gpu.clock import EventClock
from benchmarks.gpu.models import DECODED_TOKENS, FORMS, MeasuredModel
from benchmarks.gpu.random_weights import RandomWeights
from inference.devices.captured_step import CapturedSteps
from inference.devices.cards import Card
from inference.devices.token_reader import TokenReader
from tests.benchmarks.gpu.small_sizes import ROOFLINE, SIZES, Clock
from tests.inference.devices.fake_gpu import CUDA, EventStub, replace_kernels
from tests.inference.devices.made_up_gpu import made_up_gpu
from tests.inference.folders import LITE, QWEN, config_of

SMALL = {"DeepSeek-Coder-V2-Lite": config_of(LITE), "Qwen2.5-Coder-7B": config_of(QWEN)}


def test_a_whole_run_prints_its_table_and_writes_the_same_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("transformers")
    for name, small in (
        ("EventClock", lambda _device: Clock()),
        ("measure_roofline", lambda *_: ROOFLINE),
        ("runs_triton", lambda _tensor: True),
        ("Sizes", lambda: SIZES),
        ("MODELS", SMALL),
        ("CONTEXTS", (0, 40)),
        ("PEER_STEPS", (("decode", 1, 0), ("+16 behind 40", 16, 40), ("40 cold", 0, 40))),
        ("largest_context", lambda *_: 40),
    ):
        monkeypatch.setattr(program, name, small)
    file = tmp_path / "gpu.json"
    card = Card("cpu", "No card", 1 << 34, 1 << 34)
    assert program.measure(card, 3, 10, file) == 0
    found, words = json.loads(file.read_text()), capsys.readouterr().out
    assert (found["card"], found["seed"], found["wrong"], found["left_out"]) == ("No card", 3, [], [])
    assert len(found["kernels"]) > 30
    assert {(row["model"], row["form"]) for row in found["models"]} == {
        (name, form) for name in SMALL for form in FORMS
    }
    assert [*found["peers"].values()] == [1.0] * 6
    for row in found["kernels"]:
        assert row["name"] in words
    reached = {(goal["goal"], goal["is_reached"]) for goal in found["goals"]}
    assert ("H100: Lite bf16 decode behind 0", True) in reached
    assert ("H100: Lite bf16 +16 behind 32,768", None) in reached
    assert "not measured" in words


def test_the_kernels_of_all_cases_agree_with_their_references_in_the_interpreter(tmp_path: Path) -> None:
    environment = os.environ | {"TRITON_INTERPRET": "1", "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "tests.benchmarks.gpu.check_by_triton"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["wrong"] == {}
    assert found["count"] == 4 + 2 * (2 + 2) + 8 + 1
    kernels = {"page_write", "rope", "rmsnorm", "router", "latent_write", "key_value_write", "packed_linear", "experts"}
    assert kernels | {"mla_attention", "kv_attention", "expanded_attention"} <= {*found["launched"]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("raw", [LITE, QWEN], ids=["lite", "qwen"])
def test_a_model_is_measured_on_a_made_up_gpu(raw: dict[str, Any], form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    launched, events = replace_kernels(monkeypatch), list[str]()
    launch = CapturedSteps._launch

    def noted_launch(steps: CapturedSteps, *arguments: Any) -> None:
        events.append("launch")
        launch(steps, *arguments)

    def noted_read(reader: TokenReader) -> list[tuple[int, float]]:
        events.append("read")
        return [(1, -0.1)] * reader._count

    def capture(_device: torch.device) -> Callable[[Callable[[], None]], Callable[[], None]]:
        return lambda compute: compute

    monkeypatch.setattr(CapturedSteps, "_launch", noted_launch)
    monkeypatch.setattr(TokenReader, "receive", noted_read)
    monkeypatch.setattr(models, "CudaGraphs", capture)
    monkeypatch.setattr(models, "read_choices", lambda tokens, _logprobs: [(1, -0.1)] * len(tokens))
    monkeypatch.setattr(torch.cuda, "Event", EventStub)
    monkeypatch.setattr(torch, "Generator", lambda _device: SimpleNamespace(manual_seed=lambda _seed: None))
    monkeypatch.setattr(
        RandomWeights, "permutation", lambda _self, count: SimpleNamespace(tolist=lambda: [*range(count)])
    )
    with made_up_gpu():
        model = MeasuredModel("small", config_of(raw), form, CUDA, most_context=40)
        rows = list(model.rows((0, 40), (1, 16), Clock(), ROOFLINE))
    assert [row.what for row in rows] == ["decode", "decode", "+1", "+16", "cold"]
    decoded = ["launch", *["launch", "read"] * (DECODED_TOKENS - 1), "read"]
    assert events[: 2 * len(decoded)] == 2 * decoded
    assert "_rmsnorm_kernel" in launched


class TimedEvent:
    """Stands for a CUDA event, whose moments are its numbers."""

    made = 0

    def __init__(self, *, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        TimedEvent.made += 1
        self.moment = TimedEvent.made**2

    def elapsed_time(self, end: "TimedEvent") -> float:
        return float(end.moment - self.moment)


def test_a_time_is_the_median_of_runs_with_a_cold_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "Event", TimedEvent)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _device: None)
    ran = []
    assert EventClock(torch.device("cpu")).time_s(lambda: ran.append(1)) == (22**2 - 21**2) / 1000
    assert len(ran) == 21
