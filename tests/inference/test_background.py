"""Background work gives way to requests that a user waits for, and never stands still."""

from pathlib import Path
from queue import SimpleQueue

import pytest

from inference.api import EngineSettings, Request, Sampling, Update
from inference.local_engine import LocalEngine
from inference.right_of_way import BACKGROUND_SHARE, RIGHT_OF_WAY
from tests.bigram_folder import write_bigram_folder
from tests.inference.generate import collect

WORD = "wonderful"
CACHE_BYTES = 64 << 20


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bigram_folder(tmp_path_factory.mktemp("endless"), WORD, endless=True)


def start(folder: Path, cache_bytes: int = CACHE_BYTES) -> LocalEngine:
    engine = LocalEngine(EngineSettings(folder, cache_bytes, chunk_tokens=16))
    engine.ready.result(timeout=60)
    return engine


class Order:
    """The names of the requests, in the order of their pieces of text."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine
        self.pieces: list[str] = []

    def submit(self, name: str, prompt_words: int, tokens: int, *, background: bool) -> "SimpleQueue[Update]":
        updates: SimpleQueue[Update] = SimpleQueue()

        def take(update: Update) -> None:
            self.pieces += [name] * bool(update.text)
            updates.put(update)

        prompt = self._engine.fim_prompt("", f"# {name}\n" + WORD * prompt_words, "")
        # A sampled output has no drafts, so each step yields one token.
        sampling = Sampling(temperature=1e-3)
        self._engine.submit(Request(prompt, tokens, background=background, sampling=sampling), take)
        return updates


def test_a_completion_does_not_wait_for_the_prompt_of_a_chat(endless: Path) -> None:
    engine = start(endless)
    order = Order(engine)
    chat = order.submit("chat", 100, 8, background=True)
    completion = order.submit("completion", 10, 8, background=False)
    assert collect(completion).text == collect(chat).text == (WORD * 2)[:8]
    assert order.pieces == ["completion"] * 8 + ["chat"] * 8
    engine.close()


def test_a_completion_overtakes_a_chat_that_waits_for_room(endless: Path) -> None:
    probe = start(endless)
    page_bytes = CACHE_BYTES // probe.stats().pages_total
    probe.close()
    engine = start(endless, cache_bytes=64 * page_bytes)  # room for one of them
    order = Order(engine)
    running = order.submit("one", 100, 4, background=True)
    while not engine.stats().live_requests:
        pass
    waiting = [order.submit(name, 100, 4, background=name == "two") for name in ("two", "completion")]
    for updates in (running, *waiting):
        collect(updates)
    assert order.pieces == ["one"] * 4 + ["completion"] * 4 + ["two"] * 4
    engine.close()


def test_a_chat_goes_on_beside_completions_with_its_share_of_the_steps(endless: Path) -> None:
    engine = start(endless)
    order = Order(engine)
    chat = order.submit("chat", 1, 200, background=True)
    while chat.empty():
        pass
    collect(order.submit("completion", 1, 80, background=False))
    first = order.pieces.index("completion")
    last = len(order.pieces) - 1 - order.pieces[::-1].index("completion")
    beside = order.pieces[first:last].count("chat")
    assert 80 // BACKGROUND_SHARE - 2 <= beside <= 80 // BACKGROUND_SHARE + 2
    assert collect(chat).text == (WORD * 30)[:200]
    engine.close()


def test_an_engine_in_the_background_does_not_stand_still_beside_another_that_is_always_busy(endless: Path) -> None:
    engine = start(endless)
    RIGHT_OF_WAY.go(0)
    try:
        assert collect(Order(engine).submit("chat", 10, 20, background=True)).text == (WORD * 3)[:20]
    finally:
        RIGHT_OF_WAY.leave(0)
    engine.close()


def test_an_engine_that_has_ended_is_not_given_way_to(endless: Path) -> None:
    engine = start(endless)
    order = Order(engine)
    order.submit("completion", 1, 10_000 // 16, background=False)
    engine.close()
    assert not RIGHT_OF_WAY.is_held
