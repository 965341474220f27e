"""The measured speed of a machine is kept for it, and says how long a token takes."""

import json
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from inference import measure_speed
from inference.loader import measure_machine
from inference.speed import machine_speed
from inference.speed.machine_speed import MachineSpeed, keep_speed, read_kept_speed
from inference.weights.active_weights import ActiveWeights

SPEED = MachineSpeed(40e9, {"wide": 30e9, "int8": 36e9, "int4": 20e9}, layer_ms=0.1)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "midspan" / "machine-speed.json"


def test_a_measurement_is_kept_for_its_machine(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_kept_speed() is None
    keep_speed(SPEED)
    assert read_kept_speed() == SPEED
    monkeypatch.setattr(machine_speed, "processor_name", lambda: "another processor")
    assert read_kept_speed() is None
    keep_speed(SPEED)
    assert len(json.loads(kept.read_text())) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"x": 1', "null", b"\xff\xfe".decode("latin-1")])
def test_a_broken_file_is_no_measurement_and_is_replaced(kept: Path, content: str) -> None:
    kept.parent.mkdir()
    kept.write_text(content)
    assert read_kept_speed() is None
    keep_speed(SPEED)
    assert read_kept_speed() == SPEED


def test_figures_of_another_kind_are_no_measurement(kept: Path) -> None:
    keep_speed(SPEED)
    (machine,) = json.loads(kept.read_text())
    for figures in ({"gigabytes": 3}, [1], 7):
        kept.write_text(json.dumps({machine: figures}))
        assert read_kept_speed() is None


def test_a_token_takes_the_time_to_read_its_weights_and_a_part_for_each_layer() -> None:
    active = ActiveWeights(layers=10, any_form=1_000_000_000, head=100_000_000, latent=50_000_000)
    assert active.bytes_in("wide") == 2_300_000_000
    assert active.bytes_in("int8") == 1_111_000_000 + 50_500_000
    assert active.bytes_in("int4") == 570_000_000 + 101_000_000 + 50_500_000  # head and latents are int8 in int4 too
    assert SPEED.token_ms(active, "int8") == pytest.approx(10 * 0.1 + (1161.5 - 50.5) / 36)  # half of the head


def test_the_fastest_of_two_measurements_counts() -> None:
    other = MachineSpeed(44e9, {"wide": 10e9, "int8": 40e9, "int4": 10e9}, layer_ms=0.2)
    best = MachineSpeed(44e9, {"wide": 30e9, "int8": 40e9, "int4": 20e9}, layer_ms=0.1)
    assert SPEED.fastest_of(other) == other.fastest_of(SPEED) == best


def measure(others_share: float, found: MachineSpeed, monkeypatch: pytest.MonkeyPatch) -> MachineSpeed:
    """Measure `found` in a second, of which other programs take a share of all cores."""
    cores = psutil.cpu_count() or 1
    monkeypatch.setattr(measure_speed, "perf_counter", iter([0.0, 1.0]).__next__)
    monkeypatch.setattr(measure_speed, "process_time", iter([0.0, 0.2]).__next__)
    monkeypatch.setattr(measure_speed, "_busy_s", iter([5.0, 5.2 + others_share * cores]).__next__)
    monkeypatch.setattr(measure_speed, "measure_speed", lambda _build: found)
    return measure_machine()


def test_a_measurement_beside_busy_programs_counts_until_a_better_one(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = MachineSpeed(8e9, {"wide": 5e9, "int8": 5e9, "int4": 5e9}, layer_ms=2.0)
    assert measure(0.9, slow, monkeypatch) == replace(slow, is_disturbed=True) == read_kept_speed()
    assert measure(0.1, SPEED, monkeypatch) == SPEED == read_kept_speed()
    assert measure(0.9, slow, monkeypatch) == SPEED == read_kept_speed()


def test_each_figure_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_speed, "_busy_s", lambda: 0.0)
    measured = measure_machine()
    assert measured == read_kept_speed()
    assert set(measured.product_bytes_per_s) == {"wide", "int8", "int4"}
    assert min(measured.memory_bytes_per_s, measured.layer_ms, *measured.product_bytes_per_s.values()) > 0
