"""The weights of the copy distribution are those that fit, and the file that holds them is read as it was written."""

import json
import random
from pathlib import Path

import pytest
import torch

from evaluation.held_out_packages import HeldOutPackage
from inference.copying.weights import BUCKETS, COPYING_FILE, IN_LITTLE_TEXT, MOST_WEIGHT, read_copy_weights
from inference.local_engine import BUILTIN_MODEL
from midspan import ModelError
from training.release import fit_copying
from training.release.cut_lines import cut_functions
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


def test_in_little_text_only_a_long_suffix_gets_weight_and_changes_no_other() -> None:
    """A function that stands alone says nothing of a repository."""
    little = [[Step((length, IN_LITTLE_TEXT, 0), 5, {5: (0.1, 1.0), 6: (0.5, 0.0)}), END] for length in (3, 4)]
    weights = fit([*[[RIGHT, WRONG, END]] * 200, *little * 200])
    assert weights[3, IN_LITTLE_TEXT, 0] == 0
    assert weights[4, IN_LITTLE_TEXT, 0] > 0.9
    alone = fit([[RIGHT, WRONG, END]] * 200)
    assert all(weights[bucket] == alone[bucket] for bucket in BUCKETS if bucket[1] != IN_LITTLE_TEXT)


def test_a_function_stands_alone_in_its_snapshot_and_its_line_goes_on_as_it_did() -> None:
    text = '''class A:
    @staticmethod
    def first(a, b):
        """Say
        nothing."""
        # a comment that is long enough
        total = a + b
        if total:
            return 1

    async def second(c): return c


def third(d):
    x = 1
    y = 2
    return d.something(x, y)
'''
    package = HeldOutPackage("package", Path(), {"code.py": text})
    head = 'def first(a, b):\n    """Say\n    nothing."""\n    # a comment that is long enough\n'
    first = f"{head}    total = a + b\n    if total:\n        return 1\n"
    third = "def third(d):\n    x = 1\n    y = 2\n    return d.something(x, y)\n"
    lines = {first: {"total = a + b", "if total:", "return 1"}, third: {"return d.something(x, y)"}}
    found = [each for seed in range(30) for each in cut_functions(package, 9, random.Random(seed))]
    drawn = [(s.document.text[: s.cursor] + rest + s.document.text[s.cursor :], s, rest) for s, rest in found]
    assert {whole for whole, _, _ in drawn} == set(lines)
    for whole, snapshot, rest in drawn:
        begun = snapshot.document.text[: snapshot.cursor].rpartition("\n")[2].lstrip()
        assert begun + rest in lines[whole]
        assert len(begun) <= len(begun + rest) // 2


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
    body = "".join(f"    blorf_{i} = hraknel.mikzo(wimpf, zuqwip)\n    zuqwip.send(wimpf, {i})\n" for i in range(9))
    text = "".join(f"def fraz_{i}(wimpf, zuqwip):\n{body}\n\n" for i in range(9))
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
    assert figures["functions_lines"] == 9
    assert figures["functions_loglikelihood_mixed"] > figures["functions_loglikelihood_alone"]
    assert printed.err == "", "progress is for a terminal"

    shipped = BUILTIN_MODEL / COPYING_FILE
    known = json.loads(shipped.read_text())
    assert list(known["made"]) == list(written["made"])
    write_weights(tmp_path, {tuple(bucket): weight for *bucket, weight in known["weights"]}, known["made"])
    assert (tmp_path / COPYING_FILE).read_bytes() == shipped.read_bytes()
