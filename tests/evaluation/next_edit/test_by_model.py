"""The eval asks the rules and, where they are sure of nothing, the model in this process."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from context.documents.document import Document
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.index.view import View
from evaluation import evaluate
from evaluation.next_edit.by_model import by_rule, finding_by_model
from evaluation.next_edit.release_folder import CaseState
from evaluation.suites import Choices
from inference.edit_window import EditPrompt, EditWindow
from inference.prompts.prompt import TokenPrompt
from lsp_server.settings.values import CompletionSettings
from tests.evaluation.next_edit.test_evaluate_next_edits import archives  # noqa: F401  a fixture
from tests.fake_engine import END, HOLE, FakeEngine


class EditingEngine(FakeEngine):
    """A model that writes `new` for `old` in the window, with the confidence of the test."""

    def __init__(self, confidence: float, *, is_trained: bool = True) -> None:
        super().__init__(lambda _before, _after: self._output, confidence=confidence)
        self.asked = 0
        self._is_trained = is_trained
        self._output = ""

    @property
    def edit_window_lines(self) -> tuple[int, int] | None:
        return (2, 2) if self._is_trained else None

    def edit_prompt(self, window: EditWindow) -> EditPrompt:
        self.asked += 1
        self._output = window.current.replace("old", "new")
        return EditPrompt(TokenPrompt((*self.tokenizer.encode(window.current), HOLE, END)), lambda output: output)


def state(before: str, after: str) -> CaseState:
    document = Document("a.py", after, "python", 1)
    lines = (tuple(before.splitlines(True)), tuple(after.splitlines(True)))
    edit = Edit("a.py", "python", 0, lines[0][:1], lines[1][:1], 0.0)
    return CaseState(Snapshot(document, len(lines[1][0]) - 1), (edit,), View(None, [document]))


UNKNOWN = state("x = 1\nold()\n", "x = 2\nold()\n")
RENAMED = state("x = 1\nold(x)\n", "y = 1\nold(x)\n")


def test_the_model_is_asked_where_no_rule_is_sure_and_shows_what_is_sure_enough() -> None:
    sure, unsure = EditingEngine(0.9), EditingEngine(0.3)
    assert by_rule(UNKNOWN) == []
    with finding_by_model(sure, CompletionSettings()) as find:
        assert [(edit.text, edit.why) for edit in find(UNKNOWN)] == [("new()\n", "fake")]
        assert [(edit.text, edit.why) for edit in find(RENAMED)] == [("y", "rename")]
    assert sure.asked == 1
    with finding_by_model(unsure, CompletionSettings()) as find:
        assert find(UNKNOWN) == []
    assert unsure.asked == 1


def test_a_model_that_was_not_trained_for_next_edits_shows_nothing_unasked() -> None:
    engine = EditingEngine(0.99, is_trained=False)
    alike = state("old(1)\nx = 1\nold(1)\n", "new(1)\nx = 1\nold(1)\n")
    with finding_by_model(engine, CompletionSettings()) as find:
        assert find(alike) == by_rule(alike)
        assert find(UNKNOWN) == []
    assert engine.asked == 0


@pytest.mark.parametrize(("asks_model", "expected"), [(False, "rule"), (True, "rule and fake")])
def test_the_command_asks_a_model_only_where_one_is_named(
    archives: Path,  # noqa: F811  the fixture
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    asks_model: bool,
    expected: str,
) -> None:
    engines: Sequence[FakeEngine] = [EditingEngine(0.9)]
    monkeypatch.setattr(evaluate, "start_engine", lambda _settings: engines[0])
    choices = Choices(packages=archives, asks_model=asks_model)
    assert evaluate.evaluate("next-edit", CompletionSettings(), choices, as_json=True, folder=None) == 0
    figures = json.loads(capfdbinary.readouterr().out)
    assert figures["by"] == expected
    assert ("model" in figures) is asks_model
