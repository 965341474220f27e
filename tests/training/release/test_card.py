"""The card has the losses of the logs and the results of exactly these weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from evaluation.line_chart import COLOURS
from evaluation.results import digest_model
from training.corpus.tokenizer import TextEncoder
from training.model.checkpoints import Progress, run_folder
from training.model.deepseek_v2 import Model
from training.model.shape import ModelShape
from training.release import curve
from training.release.card import write_card
from training.release.curve import read_curve, thin_out
from training.release.export import export_model


def write_log(path: Path, lines: list[dict[str, float]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def line(step: int, loss: float, **more: float) -> dict[str, float]:
    return {"step": step, "tokens": step * 1000, "loss": loss, "tok_per_s": 10.0, **more}


def test_a_resumed_run_counts_no_step_twice(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", [line(20, 5.0), line(40, 4.5), line(60, 4.4), line(40, 4.6), line(60, 4.0)])
    found = read_curve(log)
    assert [(point.step, point.loss) for point in found.points] == [(20, 5.0), (40, 4.6), (60, 4.0)]
    assert found.hours == pytest.approx(40_000 / 10 / 3600)


def test_the_curve_of_a_branch_s_origin_ends_at_the_branch(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", [line(20, 5.0, val_fim=4.0), line(40, 4.0, val_fim=3.0)])
    found = read_curve(log, last_step=20)
    assert [point.step for point in found.points] == [20]
    assert found.validation == {"val_fim": 4.0}
    assert read_curve(tmp_path / "missing.jsonl").points == ()


def test_the_curves_of_two_runs_are_a_small_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for run, loss in (("stable", 5.0), ("decayed", 2.0)):
        folder = run_folder(run)
        write_log(folder / "log.jsonl", [line(20 * i, loss / i, val_middle=loss) for i in range(1, 60)])
    path = tmp_path / "curve.png"
    monkeypatch.setattr("sys.argv", ["curve", "--out", str(path), "stable", "decayed"])
    curve.main()
    assert path.stat().st_size < 100_000
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=int)
    for colour in COLOURS[:4]:  # two lines of each run
        assert (np.abs(pixels - colour).sum(axis=2) < 40).sum() > 50
    monkeypatch.setattr("sys.argv", ["curve", "--out", str(path), "missing"])
    with pytest.raises(SystemExit, match="missing"):
        curve.main()


def test_a_thinned_curve_keeps_its_end(tmp_path: Path) -> None:
    found = read_curve(write_log(tmp_path / "log.jsonl", [line(step, 1.0) for step in range(20, 520, 20)]))
    steps = [point.step for point in thin_out(found.points, 10)]
    assert steps[-1] == 500
    assert 5 <= len(steps) <= 10


def test_the_card_has_the_results_of_these_weights_only(
    tiny_shape: ModelShape, encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stable = write_log(tmp_path / "stable" / "log.jsonl", [line(20, 5.0), line(40, 4.25), line(60, 9.9)])
    decay = write_log(tmp_path / "decay" / "log.jsonl", [line(50, 3.75, val_plain=2.5, val_fim=2.25)])
    torch.manual_seed(0)
    model, out = Model(tiny_shape), tmp_path / "out"
    export_model(model, encoder, Progress(sequence_tokens=128), out)
    results = tmp_path / "results"
    results.mkdir()
    monkeypatch.setattr("training.release.card.RESULTS", results)
    mine, changed = digest_model(out), {"completion.copy": False, "completion.known_lines": "any"}
    for name, weights, settings, share in (
        ("mine", mine, {}, 0.125),
        ("changed", mine, changed, 0.25),
        ("theirs", "other", {}, 0.5),
    ):
        summary = {"n": 8, "exact_match": share}
        asked = {"weights": weights, "command": f"midspan eval {name}", "settings": settings}
        result = {**asked, **summary, "ways": {"user": summary}}
        (results / f"{name}.json").write_text(json.dumps(result))
    progress = Progress(step=50, tokens=50_000, run_steps=10, run_tokens=1_500_000, sequence_tokens=128)
    write_card((stable, decay), model, progress, out)
    card = (out / "README.md").read_text("utf-8")
    assert "| 50, 10 |" in card
    assert "1.5 million |" in card
    assert "2.25 nats" in card
    assert "| stable | 40 | 0.0 | 4.25 |\n| decay | 50 | 0.1 | 3.75 |" in card
    assert "9.90" not in card
    assert "| layers | experts |" in card
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "`midspan eval mine`:\n" in card
    title = '`midspan eval changed` with `completion.copy = false` and `completion.known_lines = "any"`:'
    assert f"{title}\n\n| asked | n | exact_match |\n|---|---|---|\n| user | 8 | 25.0% |" in card
    assert "12.5%" in card
    assert "50.0%" not in card
