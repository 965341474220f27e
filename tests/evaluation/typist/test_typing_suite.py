"""A typist in an editor of ours, with an engine whose answers a test writes."""

import asyncio
import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation import evaluate, results
from evaluation.suites import Choices
from evaluation.typist import calibration, repositories, typing_suite
from evaluation.typist.kept_answers import KeptAnswers
from evaluation.typist.repositories import Archive
from evaluation.typist.typing_suite import TypedLines
from inference.api import ModelInfo, Request
from inference.model_files import CONFIDENCE_FILE
from lsp_server.completion.confidence.confidence_table import confidence_table
from lsp_server.server.generate import generate
from lsp_server.settings.values import CompletionSettings
from tests.fake_engine import Answer, FakeEngine

LINES = ["def load(name):", "    found = open(name)", "    return found.read()"]
CODE = "import os\n\n\n" + "\n".join(LINES) + "\n"
Run = Callable[..., dict[str, Any]]


def rest_of_line(before: str, _after: str) -> str:
    """Write what comes, as long as the prompt ends within a line of the code."""
    line = before.rpartition("\n")[2]
    known = [each for each in [*CODE.split("\n")] if each.startswith(line) and each != line]
    return known[0][len(line) :] if known and line.strip() else ""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a suite over one repository of one file."""
    for suite, times in (("HELD_OUT", 1), ("CALIBRATION", 8)):
        with zipfile.ZipFile(tmp_path / f"{suite}.whl", "w") as wheel:
            wheel.writestr("made/code.py", CODE * times)
        digest = hashlib.sha256((tmp_path / f"{suite}.whl").read_bytes()).hexdigest()
        archive = Archive(f"made_{suite}", "pip", "made==1", f"{suite}.whl", digest, ".py")
        monkeypatch.setattr(typing_suite, suite, (archive,))
    monkeypatch.setattr(evaluate, "digest_weights", lambda engine, settings: "digest")
    for module in (repositories, results, typing_suite):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")

    def run_suite(suite: str, engine: FakeEngine, settings: CompletionSettings | None = None) -> dict[str, Any]:
        monkeypatch.setattr(evaluate, "start_engine", lambda _settings: engine)
        choices, out = Choices(typed=TypedLines(0, 3, tmp_path)), tmp_path / "out"
        settings = settings or CompletionSettings()
        assert evaluate.evaluate(suite, settings, choices, as_json=True, folder=out) == 0
        found: dict[str, Any] = json.loads((out / f"{suite}.json").read_text(encoding="utf-8"))
        return found

    return run_suite


def engine_in(folder: Path, answer: Answer, confidence: float | None = 0.9) -> FakeEngine:
    engine = FakeEngine(answer, confidence=confidence)
    engine.info = ModelInfo("fake", folder, "fake", ("psm",), context_tokens=8192)
    return engine


def test_who_is_shown_what_comes_saves_nearly_every_key(run: Run, tmp_path: Path) -> None:
    figures = run("typing", engine_in(tmp_path, rest_of_line))
    assert figures["right_of_shown"] == 1.0
    assert figures["flicker"] == 0
    assert figures["saved_per_100"] > 50
    assert figures["lines"] == figures["repositories"]["made_HELD_OUT"]["lines"] == 4
    assert figures["command"] == "midspan eval typing --lines 0 --seed 3"
    assert (figures["model"], figures["eagerness"], figures["missing"]) == ("fake", "medium", {})


def test_a_wrong_text_is_taken_away_by_the_next_key_and_is_not_shown_again(run: Run, tmp_path: Path) -> None:
    figures = run("typing", engine_in(tmp_path, lambda _before, _after: "never()"))
    assert (figures["shown"], figures["wrong"], figures["flicker"], figures["saved_per_100"]) == (2, 2, 1.0, 0)


def test_what_is_left_of_a_text_is_judged_once(run: Run, tmp_path: Path) -> None:
    """The typist pauses behind "found.", where the rest of the text is still on the screen."""

    def answer(before: str, _after: str) -> str:
        return "found.~~" if before.endswith("return ") else ""

    figures = run("typing", engine_in(tmp_path, answer))
    assert (figures["shown"], figures["harmless"], figures["flicker"]) == (1, 1, 0)


def test_eagerness_decides_what_is_shown(run: Run, tmp_path: Path) -> None:
    shown = {}
    for eagerness in ("low", "medium", "high"):
        engine = engine_in(tmp_path, lambda _before, _after: "never()", confidence=0.5)
        shown[eagerness] = run("typing", engine, CompletionSettings(eagerness=eagerness))["shown"]
    assert shown["low"] == 0 < shown["medium"]


def test_a_second_run_asks_the_engine_nothing(run: Run, tmp_path: Path) -> None:
    first, second = engine_in(tmp_path, rest_of_line), engine_in(tmp_path, rest_of_line)
    assert run("typing", first) == run("typing", second)
    assert first.requests
    assert not second.requests


def test_what_was_kept_of_an_output_that_ended_early_is_asked_again_for_more(tmp_path: Path) -> None:
    engine = FakeEngine(lambda _before, _after: "abcdef", confidence=0.9)
    kept = KeptAnswers(engine, tmp_path / "kept.jsonl")
    request = Request(engine.fim_prompt("", "x = ", ""), 9)
    early = replace(request, is_over=lambda text, _begins_at: len(text) >= 3)
    assert generate_text(kept, early) == "abc"
    assert generate_text(kept, early) == "abc"
    assert len(engine.requests) == 1
    assert generate_text(kept, request) == "abcdef"
    assert len(engine.requests) == 2
    assert generate_text(KeptAnswers(engine, tmp_path / "kept.jsonl"), early) == "abc"
    assert len(engine.requests) == 2


def generate_text(engine: KeptAnswers, request: Request) -> str:
    return asyncio.run(generate(engine, request)).text


def test_calibration_writes_the_table_that_the_model_then_has(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "_LEAST_GUESSES", 2)
    folder = tmp_path / "model"
    folder.mkdir()

    class Engine(FakeEngine):
        def write(self, request: Request) -> tuple[str, float | None]:
            text, _ = super().write(request)
            return (text, 0.9) if text else ("never()", 0.3)

    engine = Engine(rest_of_line)
    engine.info = ModelInfo("fake", folder, "fake", ("psm",), context_tokens=8192)
    figures = run("calibration", engine)
    assert figures["written"] == str(folder / CONFIDENCE_FILE)
    confidence_table.cache_clear()
    table = confidence_table(folder)
    assert table.chance("inside", 0.9) == 1.0
    assert table.chance("inside", 0.3) == 0.0
    assert table.least == figures["least"]
