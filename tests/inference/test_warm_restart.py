"""An engine that starts again reads what the one before has kept, and gives the tokens of a plain prefill."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from inference.api import EngineSettings, KeptPages, Request, Update
from inference.cache import page_keeper, page_reader
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt
from kernels.cpu.library import native_library
from tests.inference.cache.kept import kept_in
from tests.inference.engines import check_integrity, random_prompt
from tests.inference.generate import Output, collect

PROMPT = random_prompt(1, 500)
LONGER = [*PROMPT, *random_prompt(2, 40)]

Start = Callable[..., LocalEngine]


@pytest.fixture
def start(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(page_keeper, "SETTLE_S", 0.01)
    monkeypatch.setattr(page_keeper, "SLICE_BYTES", 1 << 14)
    monkeypatch.setattr(page_reader, "SLICE_BYTES", 1 << 14)
    engines = []

    def begin(**settings: Any) -> LocalEngine:
        engine = LocalEngine(replace(EngineSettings(model_folder, 8 << 20), **settings))
        engines.append(engine)
        engine.ready.result(timeout=60)
        return engine

    yield begin
    for engine in engines:
        engine.close()


def ask(engine: LocalEngine, prompt: list[int], kept: KeptPages | None, *, background: bool = False) -> Output:
    updates: SimpleQueue[Update] = SimpleQueue()
    request = Request(TokenPrompt(tuple(prompt)), 24, kept_pages=kept, background=background)
    engine.submit(request, updates.put)
    return collect(updates)


def rest(engine: LocalEngine) -> None:
    """Wait until the engine has kept what it keeps."""
    assert engine._scheduler is not None
    deadline = time.monotonic() + 60
    while engine._scheduler.disk.keeper.wait_s() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kept_after(engine: LocalEngine, kept: KeptPages) -> int:
    rest(engine)
    return sum(file.suffix == ".pages" for file in kept.folder.iterdir())


@pytest.mark.parametrize(
    "settings",
    [{}, {"dtype": "bfloat16"}, {"cache_dtype": "int8", "dtype": "bfloat16"}, {"quant": "int8"}],
    ids=["wide", "bf16", "int8 pages", "int8 weights"],
)
def test_tokens_after_a_restart_are_those_of_a_plain_prefill(
    tmp_path: Path, start: Start, settings: dict[str, Any]
) -> None:
    kept = kept_in(tmp_path / "pages")
    first = start(**settings)
    plain = [ask(first, PROMPT, kept).text, ask(first, LONGER, None).text]
    assert kept_after(first, kept) > 0
    for prompt, text in zip((PROMPT, LONGER), plain, strict=True):
        again = start(**settings)
        output = ask(again, prompt, kept)
        assert output.trace.cached_tokens == (499 if prompt is PROMPT else 500) // 16 * 16
        assert again.stats().pages_read == 31
        assert output.text == text
        check_integrity(again)


def test_another_form_and_changed_weights_share_no_pages(tmp_path: Path, start: Start, model_folder: Path) -> None:
    kept = kept_in(tmp_path / "pages")
    first = start(dtype="bfloat16")
    ask(first, PROMPT, kept)
    assert kept_after(first, kept)
    others: list[dict[str, Any]] = [{"dtype": "float32"}, {"quant": "int8"}]
    if native_library().functions is not None:  # without it there are no pages of int8
        others.append({"cache_dtype": "int8"})
    for settings in others:
        assert ask(start(**{"dtype": "bfloat16"} | settings), PROMPT, kept).trace.cached_tokens == 0
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in model_folder.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    assert ask(start(dtype="bfloat16", model=changed), PROMPT, kept).trace.cached_tokens == 0


def test_what_nobody_asked_for_and_what_must_not_be_kept_is_not_on_the_disk(tmp_path: Path, start: Start) -> None:
    kept = kept_in(tmp_path / "pages")
    engine = start()
    ask(engine, PROMPT, None)
    ask(engine, random_prompt(3, 200), kept, background=True)
    assert kept_after(engine, kept) == 0
    ask(engine, PROMPT, kept)
    assert kept_after(engine, kept) == 1


def test_a_request_that_ends_early_keeps_what_it_has_computed(tmp_path: Path, start: Start) -> None:
    kept = kept_in(tmp_path / "pages")
    engine = start(chunk_tokens=16)
    updates: SimpleQueue[Update] = SimpleQueue()
    generation = engine.submit(Request(TokenPrompt(tuple(PROMPT)), 4000, kept_pages=kept), updates.put)
    updates.get(timeout=60)
    generation.cancel()
    collect(updates)
    rest(engine)
    again = start()
    assert ask(again, PROMPT, kept).trace.cached_tokens == 496


def test_a_cancelled_request_stops_reading(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = kept_in(tmp_path / "pages")
    first = start()
    plain = ask(first, PROMPT, kept).text
    rest(first)
    again = start()
    assert again._scheduler is not None
    reader = again._scheduler.disk.reader
    updates: SimpleQueue[Update] = SimpleQueue()
    read_some = reader.read_some

    submitted = threading.Event()

    def read_and_cancel(missed: page_reader.MissedPages, *, gives_way: bool) -> bool:
        submitted.wait()
        generation.cancel()
        return read_some(missed, gives_way=gives_way)

    monkeypatch.setattr(reader, "read_some", read_and_cancel)
    generation = again.submit(Request(TokenPrompt(tuple(PROMPT)), 24, kept_pages=kept), updates.put)
    submitted.set()
    assert collect(updates).reason == "cancelled"
    assert 0 < reader.read_pages < 31
    check_integrity(again)
    monkeypatch.undo()
    assert ask(again, PROMPT, kept).text == plain


def test_background_work_reads_when_the_foreground_is_done(tmp_path: Path, start: Start) -> None:
    kept = kept_in(tmp_path / "pages")
    first = start()
    ask(first, PROMPT, kept)
    rest(first)
    again = start()
    assert again._scheduler is not None
    reader = again._scheduler.disk.reader
    both: SimpleQueue[Update] = SimpleQueue()
    read_meanwhile = []

    def note(update: Update) -> None:  # on the engine's thread
        read_meanwhile.append(reader.read_pages)
        if len(read_meanwhile) == 1:
            again.submit(Request(TokenPrompt(tuple(PROMPT)), 24, kept_pages=kept, background=True), both.put)

    again.submit(Request(TokenPrompt(tuple(random_prompt(3, 50))), 200), note)
    assert collect(both).trace.cached_tokens == 496
    assert len(read_meanwhile) > 100
    assert set(read_meanwhile) == {0}
    check_integrity(again)


def test_a_folder_that_cannot_be_used_costs_nothing_but_warmth(tmp_path: Path, start: Start) -> None:
    kept = kept_in(tmp_path / "pages")
    engine = start()
    plain = ask(engine, PROMPT, None).text
    kept.folder.rmdir()
    for make in (lambda: None, kept.folder.touch):
        make()
        assert ask(start(), PROMPT, kept).text == plain
    assert ask(engine, PROMPT, kept).text == plain
    rest(engine)
    assert kept.folder.is_file()
