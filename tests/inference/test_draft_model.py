"""The built-in model drafts for larger ones: the output stays the same, and nothing of an older text is read."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
import torch

from inference.api import EngineSettings, Request, Update
from inference.drafting.continuation import Continuations
from inference.drafting.draft_model import DraftModel
from inference.loader import load_draft_model
from inference.local_engine import BUILTIN_MODEL, LocalEngine
from inference.models.description import read_family
from inference.prompts.prompt import TokenPrompt
from inference.prompts.tokenizer import Tokenizer
from kernels.cpu.library import native_library
from tests.inference.folders import QWEN, write_folder
from tests.inference.small_scheduler import Running, start

needs_native = pytest.mark.skipif(native_library().functions is None, reason="the native step was not built")
CODE = Path(random.__file__).read_text(encoding="utf-8")


@pytest.fixture
def draft_model() -> DraftModel:
    return load_afresh()


def load_afresh(folder: Path = BUILTIN_MODEL) -> DraftModel:
    continuations = load_draft_model(folder, Tokenizer(folder, read_family(folder)))
    assert continuations is not None
    assert isinstance(continuations.model, DraftModel)
    continuations.model._memory.fill_(torch.nan)  # whatever is read must have been written
    return continuations.model


def first_pieces(model: DraftModel, before: str, written: str, suffix: str, count: int = 6) -> list[tuple[str, float]]:
    with torch.inference_mode():
        found = model.go_on(before, written, suffix)
        return [pair for pair, _ in zip(found, range(count), strict=False)]


@needs_native
def test_it_writes_what_it_would_write_without_the_texts_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dense model, as a router may choose another expert where the same tokens are computed in other chunks."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_folder(tmp_path / "model", QWEN)
    used = load_afresh(folder)
    at = CODE.index("def shuffle")
    asked = [(CODE[at - 90 : at + typed], CODE[at + typed + 9 : at + typed + 40]) for typed in range(0, 60, 7)]
    rng = random.Random(5)
    asked += [(CODE[place - 70 : place], CODE[place : place + 30]) for place in rng.sample(range(500, 20_000), 6)]
    written = 0
    for before, suffix in asked:
        output = ""
        for _ in range(3):
            pieces = first_pieces(used, before, output, suffix)
            alone = first_pieces(load_afresh(folder), before, output, suffix)
            assert [piece for piece, _ in pieces] == [piece for piece, _ in alone]
            assert [logprob for _, logprob in pieces] == pytest.approx([logprob for _, logprob in alone], abs=0.05)
            output += "".join(piece for piece, _ in pieces[:2])
            written += len(pieces)
    assert written > 50


@needs_native
def test_a_begun_word_is_finished(draft_model: DraftModel) -> None:
    before = "def largest(numbers):\n    biggest = numbers[0]\n    for number in numbers:\n        biggest = max(bigg"
    (piece, _), *_ = first_pieces(draft_model, before, "", ")\n    return biggest\n")
    assert ("bigg" + piece).startswith("biggest")


@needs_native
def test_a_text_that_is_too_long_ends_the_continuation(draft_model: DraftModel) -> None:
    assert first_pieces(draft_model, CODE[:20_000], "", "") == []
    assert first_pieces(draft_model, "import ", "", "\n")


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return start(tmp_path, QWEN, "none")


class Echo:
    """A small model that writes what the large one writes, or something else."""

    def __init__(self, text: str) -> None:
        self._text = text

    def go_on(self, before: str, written: str, suffix: str) -> Iterator[tuple[str, float]]:
        for character in self._text[len(written) :]:
            yield character, -0.01


@pytest.mark.parametrize("begun", ["", "ab"])
def test_the_output_is_that_of_plain_decoding_whatever_the_small_model_writes(running: Running, begun: str) -> None:
    fim = running.tokenizer.sentinels.fim
    assert fim is not None
    prompt = TokenPrompt((*running.tokenizer.encode("x = 1\n"), fim.begin, 120, 61, fim.hole, 10, fim.end))
    plain_request = Request(prompt, 16, begins_with=begun)  # ends in a step with a draft
    plain = running.run(plain_request)[0]
    running.drafting.sources = {"builtin"}
    for text in (begun + plain.text, begun + plain.text[:5] + "~~~~~~~~~~~~", "~" * 40):
        running.drafting.continuations = Continuations(Echo(text), running.tokenizer)
        sequence, updates = running.start(plain_request)
        sequence.drafter = running.drafting.begin(plain_request, fim)
        steps = 0
        while running.scheduler.live_count or running.scheduler.waiting_count:
            running.step()
            steps += 1
        trace = updates[-1].trace
        assert trace is not None
        assert "".join(update.text for update in updates) == plain.text
        assert sequence.tokens[len(sequence.prompt_tokens) :] == plain.output
        assert steps + trace.accepted_tokens == plain.steps
        if text.startswith(begun + plain.text[:5]):
            assert [use.source for use in trace.drafts] == ["builtin"]
            assert trace.drafts[0].accepted_tokens == trace.accepted_tokens > 0


@needs_native
def test_an_engine_of_another_model_has_it_once_it_rests(
    tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for folder, drafts in ((model_folder, True), (None, False)):
        engine = LocalEngine(EngineSettings(model=folder, cache_bytes=8 << 20))
        engine.ready.result(timeout=60)
        updates: SimpleQueue[Update] = SimpleQueue()
        engine.submit(Request(TokenPrompt(tuple(range(1, 100))), 2), updates.put)
        while updates.get(timeout=60).finish_reason is None:
            pass
        deadline_s = time.monotonic() + (60 if drafts else 1)  # it loads within a tenth of a second
        while engine.drafting.continuations is None and time.monotonic() < deadline_s:
            time.sleep(0.01)
        engine.close()
        assert (engine.drafting.continuations is not None) == drafts
