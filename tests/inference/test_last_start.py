"""A start of a model finds what the last one knew: the form of the weights, and the speed at which prompts are read."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace

import pytest
import torch

from inference import loader
from inference.api import EngineSettings, Request, Trace, Update
from inference.cache.commit_ahead import CommitAhead
from inference.cache.page_pool import PAGE_TOKENS
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt
from inference.speed import last_start
from inference.speed.last_start import LastStart, ReadingSpeed, keep_last_start, read_last_start
from inference.speed.machine_speed import MachineSpeed
from inference.speed.try_reading import TRIAL_TOKENS, try_reading
from tests.inference.engines import BOS
from tests.inference.folders import LITE, write_folder
from tests.inference.generate import collect, generate

START = LastStart("int8", "/weights", 900.0)
SETTINGS = EngineSettings()


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "midspan" / "last-starts.json"


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let each trial of a model find 250 tokens a second, and note it."""
    found: list[float] = []

    def try_once(*_arguments: object) -> float:
        found.append(250.0)
        return 250.0

    monkeypatch.setattr(loader, "try_reading", try_once)
    return found


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], LocalEngine]:
    folder = write_folder(tmp_path / "model", LITE)
    return lambda: LocalEngine(EngineSettings(model=folder, cache_bytes=8 << 20, chunk_tokens=64))


def cost(prefilled: int, read_ms: float, queue_ms: float = 0.0) -> Trace:
    return Trace(prefilled, 0, prefilled, 1, queue_ms + read_ms, queue_ms + read_ms, queue_ms=queue_ms)


def test_a_start_is_kept_for_its_model_its_settings_and_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_last_start(Path("/a"), SETTINGS) is None
    keep_last_start(Path("/a"), SETTINGS, START)
    keep_last_start(Path("/b"), SETTINGS, LastStart("int4", "/other", 1.5))
    assert read_last_start(Path("/a"), SETTINGS) == START
    assert read_last_start(Path("/a"), EngineSettings(quant="int4")) is None
    assert read_last_start(Path("/a"), EngineSettings(cache_dtype="int8")) is None
    monkeypatch.setattr(last_start, "machine_name", lambda: "another machine")
    assert read_last_start(Path("/a"), SETTINGS) is None
    keep_last_start(Path("/a"), SETTINGS, LastStart("wide", "/w", 7.0))
    monkeypatch.undo()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", '{"x": 1', '{"machine": 7}', '{"machine": {"/a auto auto auto": {"form": 1}}}'],
)
def test_a_broken_file_is_no_start_and_is_replaced(kept: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_start, "machine_name", lambda: "machine")
    kept.parent.mkdir(parents=True)
    kept.write_text(content)
    assert read_last_start(Path("/a"), SETTINGS) is None
    keep_last_start(Path("/a"), SETTINGS, START)
    assert read_last_start(Path("/a"), SETTINGS) == START


@pytest.mark.parametrize("speed", [0, -1, "fast", None])
def test_a_speed_that_is_none_is_not_believed(kept: Path, speed: object) -> None:
    keep_last_start(Path("/a"), SETTINGS, START)
    kept.write_text(kept.read_text().replace("900.0", json.dumps(speed)))
    assert read_last_start(Path("/a"), SETTINGS) is None


@pytest.mark.parametrize("pages", [-1, 0.5, "many", None])
def test_a_number_of_pages_that_is_none_is_not_believed(kept: Path, pages: object) -> None:
    keep_last_start(Path("/a"), SETTINGS, replace(START, cache_pages=512))
    kept.write_text(kept.read_text().replace("512", json.dumps(pages)))
    assert read_last_start(Path("/a"), SETTINGS) is None


def test_a_start_that_an_older_release_has_kept_is_believed(kept: Path) -> None:
    keep_last_start(Path("/a"), SETTINGS, START)
    kept.write_text(re.sub(r',\s*"cache_pages": 0', "", kept.read_text()))
    assert "cache_pages" not in kept.read_text()
    assert read_last_start(Path("/a"), SETTINGS) == START


def test_the_file_does_not_grow_without_end(kept: Path) -> None:
    for number in range(130):
        keep_last_start(Path(f"/{number}"), SETTINGS, START)
    assert len(next(iter(json.loads(kept.read_text()).values()))) == 100
    assert read_last_start(Path("/129"), SETTINGS) == START


def test_the_speed_is_that_of_reading_and_not_of_waiting_for_the_model() -> None:
    speed = ReadingSpeed(None)
    speed.note(cost(500, 1000, queue_ms=9000))
    assert speed.tokens_per_s == pytest.approx(500)
    for _ in range(30):
        speed.note(cost(500, 250))
    assert speed.tokens_per_s == pytest.approx(2000, rel=0.01)
    speed.note(cost(20, 5000))  # of few tokens, the time says nothing
    assert speed.tokens_per_s == pytest.approx(2000, rel=0.01)


def test_a_model_that_was_never_tried_here_reads_some_tokens_before_it_serves(
    start: Callable[[], LocalEngine], trials: list[float]
) -> None:
    engine = start()
    engine.ready.result(timeout=60)
    assert (engine.reading_tokens_per_s, trials) == (250.0, [250.0])
    engine.close()


def test_the_next_start_knows_the_speed_as_soon_as_the_folder_is_read(
    start: Callable[[], LocalEngine], trials: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    first.ready.result(timeout=60)
    first.close()
    engine = start()
    engine.describe()
    assert engine.reading_tokens_per_s == 250.0
    engine.ready.result(timeout=60)
    assert len(trials) == 1
    engine.close()


def test_a_model_whose_weights_have_another_form_now_is_tried_again(
    start: Callable[[], LocalEngine], trials: list[float], kept: Path
) -> None:
    first = start()
    first.ready.result(timeout=60)
    first.close()
    kept.write_text(kept.read_text().replace('"wide"', '"int4"'))
    second = start()
    second.ready.result(timeout=60)
    second.close()
    assert len(trials) == 2


def test_what_requests_teach_is_kept_for_the_next_start(
    start: Callable[[], LocalEngine], trials: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReadingSpeed, "note", lambda self, trace: setattr(self, "tokens_per_s", 1000.0))
    engine = start()
    engine.ready.result(timeout=60)
    generate(engine, [BOS, *range(80)])
    engine.close()
    again = start()
    again.describe()
    assert again.reading_tokens_per_s == 1000.0
    again.close()


def test_the_next_start_commits_the_pages_that_this_run_has_used(
    start: Callable[[], LocalEngine], trials: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    monkeypatch.setattr(CommitAhead, "go_on", lambda self, known_pages=0: commits.append(known_pages))
    first = start()
    first.ready.result(timeout=60)
    generate(first, [BOS, *range(80)])
    first.close()
    assert set(commits) == {0}
    again = start()
    again.ready.result(timeout=60)
    again.close()
    assert max(commits) > len(range(80)) // PAGE_TOKENS


def test_a_background_request_teaches_nothing(
    start: Callable[[], LocalEngine], trials: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReadingSpeed, "note", lambda self, trace: setattr(self, "tokens_per_s", 1.0))
    engine = start()
    engine.ready.result(timeout=60)
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(Request(TokenPrompt((BOS, *range(80))), 2, background=True), updates.put)
    collect(updates)
    engine.close()
    assert engine.reading_tokens_per_s == 250.0


def test_the_trial_reads_the_same_few_tokens_and_counts_the_fastest_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.2, 1.0, 1.1, 2.0, 2.4])
    monkeypatch.setattr("inference.speed.try_reading.perf_counter", lambda: next(clock))
    seen = []
    model = SimpleNamespace(forward=lambda batch, memory: seen.append(batch.tokens.tolist()))
    speed = try_reading(model, torch.zeros(1, 8, 16, 4))
    assert speed == pytest.approx(TRIAL_TOKENS / 0.1)
    assert seen == [list(range(TRIAL_TOKENS))] * 2


def test_a_busy_machine_is_measured_once_for_each_model(
    start: Callable[[], LocalEngine], trials: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disturbed measurement is repeated for the choice of a form, but not at each start of a model that has one."""
    disturbed = MachineSpeed(1e9, {"wide": 1e9, "int8": 1e9, "int4": 1e9}, 0.1, is_disturbed=True)
    measured: list[int] = []

    def measure() -> MachineSpeed:
        measured.append(1)
        return disturbed

    monkeypatch.setattr("inference.weights.default_form.TINY_BYTES", 0)
    monkeypatch.setattr(loader, "measure_machine", measure)
    monkeypatch.setattr(loader, "read_kept_speed", lambda: disturbed)
    for _ in range(3):
        engine = start()
        engine.ready.result(timeout=120)
        engine.close()
    assert len(measured) == 1
