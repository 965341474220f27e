"""The weights of the copy distribution are those that fit, and the file that holds them is read as it was written."""

import json
from pathlib import Path

import pytest
import torch

from evaluation.held_out_packages import HeldOutPackage
from inference.copying.weights import BUCKETS, COPYING_FILE, MOST_WEIGHT, read_copy_weights
from inference.local_engine import BUILTIN_MODEL
from midspan import ModelError
from training.release import fit_copying
from training.release.fit_copying import NO_TOKEN, Step, fit, measure, write_weights

RIGHT = Step((4, 1, 2), 5, {5: (0.1, 1.0), 6: (0.5, 0.0)})
WRONG = Step((1, 2, 0), 6, {6: (0.5, 0.0), 7: (0.1, 1.0)})
END = Step(None, NO_TOKEN, {NO_TOKEN: (0.9, 0.0)})


def test_a_bucket_that_is_always_right_gets_weight_and_one_that_is_not_gets_none() -> None:
    lines = [[RIGHT, WRONG, END]] * 200
    weights = fit(lines)
    assert weights[4, 1, 2] > 0.9
    assert weights[1, 2, 0] < 0.05
    assert weights[4, 1, 2] > weights[4, 2, 0] > weights[1, 0, 2] > weights[1, 2, 0], "others are as their length"
    (alone, none), (mixed, all_) = measure(lines, {}), measure(lines, weights)
    assert mixed > alone
    assert (none, all_) == (0, 200)


def test_a_few_tokens_do_not_decide_alone() -> None:
    weights = fit([[RIGHT, END], *[[WRONG, END]] * 50])
    assert 0.05 < weights[4, 1, 2] < 0.9


def test_the_file_is_read_as_it_was_written_and_a_broken_one_is_refused_by_name(tmp_path: Path) -> None:
    assert read_copy_weights(tmp_path) is None
    weights = fit([[RIGHT, WRONG, END]] * 20)
    write_weights(tmp_path, weights, {"lines": 20})
    found = read_copy_weights(tmp_path)
    assert found is not None
    assert found.weights == weights
    file = tmp_path / COPYING_FILE
    written = json.loads(file.read_text())
    for rows in (
        written["weights"][1:],
        [[*bucket, 1.0] for bucket in BUCKETS],
        [[*bucket, -0.1] for bucket in BUCKETS],
        [[*bucket, True] for bucket in BUCKETS],
        [[*bucket, "0.5"] for bucket in BUCKETS],
        {"a": 1},
    ):
        file.write_text(json.dumps({"weights": rows}))
        with pytest.raises(ModelError, match=r"copying\.json"):
            read_copy_weights(tmp_path)
    assert max(weights.values()) <= MOST_WEIGHT


def test_the_command_writes_the_file_that_the_built_in_model_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "".join(f"blorf_{i} = hraknel.mikzo(wimpf, zuqwip)\nzuqwip.send(wimpf, {i})\n\n\n" for i in range(40))
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "code.py").write_text(text)
    package = HeldOutPackage("package", tmp_path / "package", {"code.py": text})
    monkeypatch.setattr(fit_copying, "load_packages", lambda _folder, _pins: [package])
    monkeypatch.setattr(torch, "set_num_threads", lambda _count: None)  # other tests run in this process
    monkeypatch.setattr("sys.argv", ["fit_copying", "--lines", "12", "--out", str(tmp_path)])
    fit_copying.main()
    printed = capsys.readouterr()
    written = json.loads((tmp_path / COPYING_FILE).read_text())
    figures = json.loads(printed.out)
    assert {name: written["made"][name] for name in figures} == figures
    assert written["made"]["command"] == "python -m training.release.fit_copying --lines 12 --seed 3"
    assert figures["lines"] == 12
    assert figures["loglikelihood_mixed"] > figures["loglikelihood_alone"], "all lines stand there already"
    assert printed.err == "", "progress is for a terminal"

    shipped = BUILTIN_MODEL / COPYING_FILE
    known = json.loads(shipped.read_text())
    assert list(known["made"]) == list(written["made"])
    write_weights(tmp_path, {tuple(bucket): weight for *bucket, weight in known["weights"]}, known["made"])
    assert (tmp_path / COPYING_FILE).read_bytes() == shipped.read_bytes()
