"""A request is told how much of its prompt is left to be read."""

from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from inference.api import EngineSettings, Request, Update
from inference.local_engine import LocalEngine
from tests.bigram_folder import write_bigram_folder
from tests.inference.generate import Output, collect

PROMPT = "wonderful" * 10


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    folder: Path = write_bigram_folder(tmp_path_factory.mktemp("reading"), "wonderful", endless=True)
    engine = LocalEngine(EngineSettings(folder, 64 << 20, chunk_tokens=16))
    engine.ready.result(timeout=60)
    yield engine
    engine.close()


def run(engine: LocalEngine, request: Request) -> Output:
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(request, updates.put)
    return collect(updates)


def test_the_tokens_that_are_left_fall_to_none_and_the_output_tells_nothing(engine):
    told: list[int] = []
    prompt = engine.fim_prompt("", PROMPT, "")
    last = run(engine, Request(prompt, 8, on_read=told.append))
    assert told[0] == prompt.num_tokens == last.trace.prefilled_tokens
    assert told[-1] == 0
    assert told == sorted(set(told), reverse=True), "each number once: the output tells nothing"
    assert len(told) > 3, "each chunk is told"


def test_of_a_prompt_that_is_known_only_the_rest_is_told(engine):
    told: list[int] = []
    run(engine, Request(engine.fim_prompt("", PROMPT, ""), 1))
    longer = engine.fim_prompt("", PROMPT + "wonder", "")
    last = run(engine, Request(longer, 1, on_read=told.append))
    assert last.trace.cached_tokens > 50
    assert told[0] == longer.num_tokens - last.trace.cached_tokens


def test_a_receiver_that_fails_loses_its_request_alone(engine):
    def fail(_left_tokens: int) -> None:
        raise ValueError

    last = run(engine, Request(engine.fim_prompt("", "fulwonder" * 5, ""), 8, on_read=fail))
    assert last.reason == "cancelled"
    last = run(engine, Request(engine.fim_prompt("", PROMPT, ""), 4))
    assert last.reason == "length"
