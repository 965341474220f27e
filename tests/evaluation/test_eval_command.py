"""`midspan eval` prints and writes its figures, and continues after an interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from evaluation import evaluate, suites
from evaluation.held_out_packages import HeldOutPackage
from evaluation.next_edit.evaluate_next_edits import NEXT_EDIT
from evaluation.suites import Choices
from inference.local_engine import BUILTIN_MODEL
from lsp_server.cli.eval import SUITES as OFFERED_SUITES
from lsp_server.settings.values import CompletionSettings
from midspan import SettingsError
from tests.bigram_folder import write_bigram_folder
from tests.evaluation.test_needle import FILES, look_up
from tests.fake_engine import FakeEngine

ROOT = Path(__file__).parents[2]
TASKS = 8


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Tasks of which every second is solved by "abc", which the model of these tests writes into every hole."""
    lines = []
    for number in range(TASKS):
        task = {
            "task_id": f"SingleLineInfilling/{number}",
            "entry_point": "f",
            "prompt": f"abc = {number}\ndef f():\n    return ",
            "canonical_solution": "abc\n",
            "suffix": "",
            "test": f"def check(candidate):\n    assert candidate() == {number if number % 2 else -1}\n",
        }
        lines.append(json.dumps(task) + "\n")
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def command(tmp_path: Path, tasks: Path) -> list[str]:
    folder = write_bigram_folder(tmp_path / "model", "abc")
    midspan = [sys.executable, "-m", "lsp_server.cli"]
    return [*midspan, "eval", "humaneval-infilling", "--model", str(folder), "--tasks", str(tasks), "--json"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def start(command: Sequence[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_results(tmp_path: Path, count: int) -> Path:
    deadline_s = time.monotonic() + 120
    while time.monotonic() < deadline_s:
        for path in (tmp_path / "cache" / "midspan" / "quality").glob("humaneval*.jsonl"):
            if len(path.read_text(encoding="utf-8").splitlines()) > count:
                return path
        time.sleep(0.02)
    raise AssertionError("no results came")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_stopped_in_the_middle_the_same_command_goes_on(
    number: signal.Signals, code: int, command: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    stopped = start(command, environment)
    path = wait_for_results(tmp_path, 4)
    stopped.send_signal(number)
    output, errors = stopped.communicate(timeout=60)
    assert (stopped.returncode, output) == (code, "")
    assert ("the same command goes on" in errors) == (number is signal.SIGINT)
    before = path.read_text(encoding="utf-8")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    figures = json.loads(done.stdout)
    assert (figures["n"], figures["exact_match"], figures["pass_at_1"]) == (TASKS, 1.0, 0.5)
    assert figures["ways"]["user"]["pass_at_1"] == 0.5
    after = path.read_text(encoding="utf-8")
    assert after.startswith(before)
    asked = [(result["case"], result["way"]) for line in after[len(before) :].split("\n") if (result := parse(line))]
    known = [(result["case"], result["way"]) for line in before.split("\n") if (result := parse(line))]
    assert len(known) >= 4
    assert sorted(known + asked) == sorted(
        (f"SingleLineInfilling/{i}", way) for i in range(TASKS) for way in ("plain", "user")
    )


def parse(line: str) -> dict[str, str] | None:
    """The result in a line, or None for a line that was cut off."""
    try:
        parsed: dict[str, str] = json.loads(line)
    except ValueError:
        return None
    return parsed


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packages = [HeldOutPackage("package", tmp_path / "package", FILES)]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MIDSPAN_EVAL", "")
    monkeypatch.setattr(suites, "load_packages", lambda folder: packages)
    monkeypatch.setattr(evaluate, "start_engine", lambda settings: make_engine())


def make_engine() -> FakeEngine:
    engine = FakeEngine(lambda before, after: look_up(before, after) if "depot" in before else "")
    engine.folder = BUILTIN_MODEL
    return engine


@pytest.mark.usefixtures("fake")
def test_all_is_one_json_one_table_and_one_plot(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    choices = Choices(limit=2)
    assert evaluate.evaluate("all", CompletionSettings(), choices, as_json=True, folder=tmp_path / "out") == 0
    figures = json.loads(capfdbinary.readouterr().out)
    assert figures == json.loads((tmp_path / "out" / "all.json").read_text(encoding="utf-8"))
    assert figures["suites"]["needle"]["points"][-1] == [8192, 1.0]
    assert figures["suites"]["names"]["n"] == 2
    assert "--tasks FILE" in figures["skipped"]["humaneval-infilling"]
    table = (tmp_path / "out" / "all.md").read_text(encoding="utf-8")
    assert "| 8K | 2 | 100.0% | 100.0% |" in table
    with Image.open(tmp_path / "out" / "needle.png") as plot:
        assert (plot.format, plot.size) == ("PNG", (900, 500))


@pytest.mark.usefixtures("fake")
def test_results_of_another_form_of_the_cache_are_kept_apart(tmp_path: Path) -> None:
    for settings in (CompletionSettings(), CompletionSettings(cache_dtype="int8")):
        evaluate.evaluate("names", settings, Choices(limit=1), as_json=True, folder=None)
    assert len([*(tmp_path / "cache").rglob("names-*.jsonl")]) == 2


def test_the_command_line_offers_every_suite() -> None:
    assert (*suites.SUITES, *evaluate.TYPED, NEXT_EDIT, evaluate.ALL) == OFFERED_SUITES


@pytest.mark.usefixtures("fake")
def test_without_the_tasks_it_says_how_to_give_them() -> None:
    with pytest.raises(SettingsError, match="--tasks FILE"):
        evaluate.evaluate("humaneval-infilling", CompletionSettings(), Choices(), as_json=True, folder=None)


@pytest.mark.usefixtures("fake")
def test_without_pillow_all_but_the_plot_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    for name in ("evaluation.line_chart", "evaluation.needle_plot"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(SettingsError, match=r"midspan\[eval\]"):
        evaluate.evaluate("needle", CompletionSettings(), Choices(limit=1), as_json=True, folder=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "needle.json").read_text(encoding="utf-8"))["n"] == 1
