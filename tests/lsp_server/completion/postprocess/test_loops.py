"""A model in a loop is stopped as soon as a longer text could change nothing of what is shown."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import FinishReason, OnUpdate, Request, Update
from lsp_server.completion.postprocess import is_decided, postprocess
from tests.fake_engine import FakeEngine, FakeGeneration
from tests.lsp_server.client import INVOKED, InProcess
from tests.lsp_server.completion.postprocess.test_postprocess import CASES, CURSOR
from tests.lsp_server.in_process import editor_with, last_trace

REASONS: tuple[FinishReason, ...] = ("eos", "lines", "length", "repetition")
UNITS = [
    *(
        "c, ",
        "*, ",
        "self, ",
        "0, ",
        "1.0000, ",
        "se",
        "0",
        "-",
        "=-",
        " ",
        "\\x00",
        "os.path.dirname(",
        " or 'a'",
        "哈",
        "x = 1\r\n",
    ),
    *(
        "import sys\n",
        "0,\n",
        "    self.path,\n",
        "x = step(x)\ncheck(x)\n",
        "}\n",
        "\n",
        "# so\n\n",
        "[0, 0, 0, 0],\n",
    ),
]
PLACES = ["‸", "x = ‸\ny = 2\n", "def f(a, ‸):\n    pass\n", "import sys\n‸\nimport os\n", "    x = step(x)\n    ‸\n"]


def snapshot_at(marked: str, language: str = "python") -> Snapshot:
    before, after = marked.split(CURSOR)
    return Snapshot(Document("a.py", before + after, language, 1), len(before))


def stuttering_texts(count: int) -> Iterator[tuple[Snapshot, str]]:
    """Yield texts of random units, some of which repeat many times."""
    rng = random.Random(20)
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 4)):
            parts.append(rng.choice(UNITS) * rng.choice((1, 2, 4, 5, 6, 11, 12, 13, 25, 40, 80)))
            parts.append(rng.choice(("", "", "x", ")", "\n", "\n    ", "y = 1\n")))
        yield snapshot_at(rng.choice(PLACES)), "".join(parts)[: rng.randint(1, 500)]


def hold_equal(text: str, snapshot: Snapshot) -> bool:
    """Return whether the text is stopped; if so, assert that the place and the finish reason change nothing shown."""
    lengths = range(len(text) + 1)
    decided = [length for length in lengths if is_decided(text[:length], snapshot)]
    if decided:
        first = decided[0]
        assert decided == list(lengths[first:])
        whole = {postprocess(text, snapshot, reason) for reason in REASONS}
        early = {postprocess(text[:length], snapshot, "repetition") for length in (first, (first + len(text)) // 2)}
        assert whole == early, text
        assert len(early) == 1
    return bool(decided)


def test_random_stuttering_texts_are_shown_the_same_however_early_they_are_stopped():
    stopped = [hold_equal(text, snapshot) for snapshot, text in stuttering_texts(300)]
    assert 60 < sum(stopped) < 240  # both kinds are there


@pytest.mark.parametrize("case", CASES)
def test_so_is_every_case_of_the_post_processing_and_what_a_loop_makes_of_it(case):
    snapshot = snapshot_at(case["at"], case["language"])
    hold_equal(case["written"], snapshot)
    for unit in (", c", "\nself.x = 1"):
        assert hold_equal(case["written"] + 20 * unit, snapshot)


class InStep(FakeEngine):
    """An engine that waits after each token until the event loop has seen it, as a computing engine does."""

    def submit(self, request: Request, on_update: OnUpdate) -> FakeGeneration:
        loop = asyncio.get_running_loop()

        async def turns() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        def deliver(update: Update) -> None:
            on_update(update)
            if update.finish_reason is None:
                asyncio.run_coroutine_threadsafe(turns(), loop).result()

        return super().submit(request, deliver)


async def test_a_stutter_within_a_line_ends_the_request_and_the_trace_says_why():
    editor, _ = await editor_with(engine=InStep(lambda *_: "f(a" + 200 * ", c"))
    assert await editor.complete(0, 4) is None
    trace = await last_trace(editor)
    assert trace["ended"] == "repetition"
    assert trace["outcome"] == "loop"
    assert trace["tokens"]["decode"] == 39  # characters: 12 times ", c"


async def test_a_line_over_and_over_ends_it_too_and_is_shown_once():
    editor, _ = await editor_with("\n", engine=InStep(lambda *_: 50 * "import sys\n"))
    assert await editor.complete(0, 0, kind=INVOKED) == "import sys"
    trace = await last_trace(editor)
    assert trace["ended"] == "repetition"
    assert trace["tokens"]["decode"] == 55


async def test_a_table_is_written_to_its_end():
    row = "[" + 19 * "0, " + "0]"
    editor, _ = await editor_with(engine=InStep(lambda *_: row))
    assert await editor.complete(0, 4) == row
    assert (await last_trace(editor))["ended"] == "eos"


async def test_a_chat_may_say_the_same_as_often_as_it_likes():
    answer = 40 * "ha, " + 8 * "\nAgain."
    editor = InProcess(FakeEngine(lambda *_: answer))
    await editor.initialize(options={"chat": {"model": "/models/chat"}})
    reply = await editor.request("midspan/chat", {"messages": [{"role": "user", "content": "Laugh."}]})
    assert (reply["text"], reply["finish_reason"]) == (answer, "eos")
