"""Lines that the user's code has are scored beside the model's line, and the likeliest is the suggestion."""

from dataclasses import replace
from typing import Any

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import Request
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.outputs.candidates import read_prompt
from lsp_server.completion.pipeline import FillJob, fill
from lsp_server.settings.values import CompletionSettings
from lsp_server.telemetry.record import Record
from tests.fake_engine import FakeEngine

TEXT = "self.width = width\nself.height = "
SETTINGS = CompletionSettings(known_lines="builtin")
SNAPSHOT = Snapshot(Document("a.py", TEXT + "\n", "python", 1), len(TEXT))


class Scoring(FakeEngine):
    """Writes `other` and finds a line of the code as likely as `scores` says."""

    def __init__(self, **scores: float) -> None:
        super().__init__(lambda *_: "other\nmore")
        self.scores = scores

    def score(self, line: str) -> float:
        return self.scores[line]

    @property
    def scored(self) -> list[Request]:
        return [request for request in self.requests if request.given]


async def suggested(engine: FakeEngine, max_lines: int = 1, **job: Any) -> tuple[str, Record]:
    settings = job.pop("settings", SETTINGS)
    record = Record("completion")
    filled = await fill(engine, FillJob(SNAPSHOT, PromptSource(), settings, max_lines, **job), record)
    assert filled.candidates[0].text in (filled.greedy.text, filled.greedy.text.rstrip())
    return filled.candidates[0].text, record


async def test_the_likeliest_line_is_suggested_and_the_trace_says_where_it_is_from() -> None:
    engine = Scoring(height=-0.5, other=-0.7)
    text, record = await suggested(engine)
    assert (text, record.source) == ("height", "document_line")
    assert "as a line of the document has it" in record.summary
    assert record.trace is not None
    assert record.trace.written == ((len("height"), -0.5),), "by this the beginning to show is chosen"
    assert [request.given for request in engine.scored] == [tuple(map(ord, text)) for text in ("other", "height")]


@pytest.mark.parametrize("height", [-0.7, -3.0])
async def test_the_models_own_line_stays_where_no_other_is_likelier(height: float) -> None:
    text, record = await suggested(Scoring(height=height, other=-0.7))
    assert (text, record.source) == ("other", "engine")


@pytest.mark.parametrize(
    ("which", "is_builtin", "asks"),
    [("builtin", True, True), ("builtin", False, False), ("any", False, True), ("none", True, False)],
)
async def test_the_setting_says_which_models_score(which: Any, is_builtin: bool, asks: bool) -> None:
    engine = Scoring(height=-0.5, other=-0.7)
    settings = CompletionSettings(known_lines=which, model=None if is_builtin else engine.info.folder)
    text, _ = await suggested(engine, settings=settings)
    assert (text, bool(engine.scored)) == (("height", True) if asks else ("other", False))


@pytest.mark.parametrize(
    ("max_tokens", "expected"), [(len("height") + 1, "height"), (len("height"), "other"), (len("other"), "other")]
)
async def test_a_line_that_is_longer_than_an_output_may_be_is_not_scored(max_tokens: int, expected: str) -> None:
    """Behind a prompt that fills the context there would be no room for it, and the completion would fail."""
    engine = Scoring(height=-0.5, other=-0.7)
    text, _ = await suggested(engine, settings=replace(SETTINGS, max_tokens=max_tokens))
    assert text == expected
    assert all(request.max_new_tokens <= max_tokens for request in engine.requests)


async def test_several_lines_and_a_prompt_that_is_only_read_are_not_compared_with_one() -> None:
    engine = Scoring(height=-0.5, other=-0.7)
    assert (await suggested(engine, max_lines=8))[0] == "other\nmore"
    await suggested(engine, generate=read_prompt)
    assert not engine.scored


async def test_what_a_quick_prompt_has_answered_is_scored_behind_that_prompt() -> None:
    engine = Scoring(height=-0.5, other=-0.7)
    engine.is_cold = True
    source = PromptSource(quick_tokens=1)
    packed = replace(SNAPSHOT, document=replace(SNAPSHOT.document, text=TEXT + "\n" * 200))
    record = Record("completion")
    filled = await fill(engine, FillJob(packed, source, SETTINGS, 1), record)
    (first, *_) = [request for request in engine.requests if not request.given]
    assert first.quick_prompt is not None
    assert filled.greedy.text == "height"
    assert {request.prompt for request in engine.scored} == {first.quick_prompt}
    assert all(request.quick_prompt is None and request.is_over is None for request in engine.scored)
