"""A model in a loop is stopped as soon as a longer text could change nothing of what is shown."""

import random
from collections.abc import Iterator, Sequence

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import FinishReason
from lsp_server.completion.postprocess import end_of_shown, postprocess
from lsp_server.completion.postprocess.loops import up_to_loop
from lsp_server.completion.postprocess.place import place_of, with_newlines
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import INVOKED, InProcess
from tests.lsp_server.completion.postprocess.test_postprocess import CASES, CURSOR
from tests.lsp_server.in_process import editor_with, last_trace

REASONS: tuple[FinishReason, ...] = ("eos", "lines", "length", "over")
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


def decided_at(text: str, snapshot: Snapshot, pieces: Sequence[str]) -> int | None:
    """Return the length at which the text, written in these pieces, is stopped."""
    is_over, length = end_of_shown(snapshot), 0
    for piece in pieces:
        length += len(piece)
        if is_over(text[:length], length - len(piece)):
            return length
    return None


def hold_equal(text: str, snapshot: Snapshot) -> bool:
    """Return whether the text is stopped; if so, assert that the place of the stop changes nothing shown.

    After a loop neither does the finish reason; other code is cut from a model that was stopped. As tokens of any
    length, a text is stopped with the token that has the last character.
    """
    first = decided_at(text, snapshot, text)
    pieces = in_pieces(text)
    ends = [sum(map(len, pieces[: count + 1])) for count in range(len(pieces))]
    assert decided_at(text, snapshot, pieces) == (None if first is None else next(end for end in ends if end >= first))
    if first is None:
        assert not loops(text, snapshot)
    elif loops(text[:first], snapshot):
        whole = {postprocess(text, snapshot, reason) for reason in REASONS}
        early = {postprocess(text[:length], snapshot, "over") for length in (first, (first + len(text)) // 2)}
        assert whole == early, text
        assert len(early) == 1
    elif not loops(text, snapshot):
        assert postprocess(text, snapshot, "lines") == postprocess(text[:first], snapshot, "over"), text
    return first is not None


def loops(text: str, snapshot: Snapshot) -> bool:
    return up_to_loop(with_newlines(text), place_of(snapshot).before) is not None


def in_pieces(text: str) -> list[str]:
    """Cut a text into pieces as long as tokens, the same ones each time."""
    rng, pieces = random.Random(text), []
    while text:
        length = rng.choice((1, 1, 2, 3, 4, 6, 9, 26, 40))
        pieces.append(text[:length])
        text = text[length:]
    return pieces


def test_random_stuttering_texts_are_shown_the_same_however_early_they_are_stopped():
    stopped = [hold_equal(text, snapshot) for snapshot, text in stuttering_texts(300)]
    assert 60 < sum(stopped) < 240  # both kinds are there


@pytest.mark.parametrize("case", CASES)
def test_so_is_every_case_of_the_post_processing_and_what_a_loop_makes_of_it(case):
    snapshot = snapshot_at(case["at"], case["language"])
    hold_equal(case["written"], snapshot)
    for unit in (", c", "\nself.x = 1"):
        assert hold_equal(case["written"] + 20 * unit, snapshot)


async def test_a_stutter_within_a_line_ends_the_request_and_the_trace_says_why():
    editor, _ = await editor_with(engine=FakeEngine(lambda *_: "f(a" + 200 * ", c"))
    assert await editor.complete(0, 4) is None
    trace = await last_trace(editor)
    assert trace["ended"] == "over"
    assert trace["outcome"] == "loop"
    assert trace["tokens"]["decode"] == 39  # characters: 12 times ", c"


async def test_a_line_over_and_over_ends_it_too_and_is_shown_once():
    editor, _ = await editor_with("\n", engine=FakeEngine(lambda *_: 50 * "import sys\n"))
    assert await editor.complete(0, 0, kind=INVOKED) == "import sys"
    trace = await last_trace(editor)
    assert trace["ended"] == "over"
    assert trace["tokens"]["decode"] == 55


async def test_a_table_is_written_to_its_end():
    row = "[" + 19 * "0, " + "0]"
    editor, _ = await editor_with(engine=FakeEngine(lambda *_: row))
    assert await editor.complete(0, 4) == row
    assert (await last_trace(editor))["ended"] == "eos"


async def test_a_chat_may_say_the_same_as_often_as_it_likes():
    answer = 40 * "ha, " + 8 * "\nAgain."
    editor = InProcess(FakeEngine(lambda *_: answer))
    await editor.initialize(options={"chat": {"model": "/models/chat"}})
    reply = await editor.request("midspan/chat", {"messages": [{"role": "user", "content": "Laugh."}]})
    assert (reply["text"], reply["finish_reason"]) == (answer, "eos")
