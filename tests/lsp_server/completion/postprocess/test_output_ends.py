"""An output ends where all that comes next would be cut, and what is shown stays the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.completion.postprocess import end_of_shown, postprocess
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import INVOKED
from tests.lsp_server.completion.postprocess.test_loops import decided_at, snapshot_at
from tests.lsp_server.in_process import editor_with, last_trace

# What the built-in model wrote at places in Midspan's own sources, without any check: the tokens, up to its end.
RECORDED = [json.loads(line) for line in (Path(__file__).parent / "outputs.jsonl").read_text("utf-8").splitlines()]
BODY = "def area(w, h):\n    ‸\n"
NEXT = "return w * h\n\n\ndef volume(w, h, d):\n"


def at(output: dict[str, Any]) -> Snapshot:
    document = Document(output["path"], output["before"] + output["after"], output["language"], 1)
    return Snapshot(document, len(output["before"]))


def test_recorded_outputs_are_shown_the_same_when_they_end_early() -> None:
    decoded = saved = 0
    for output in RECORDED:
        snapshot, pieces, written = at(output), output["pieces"], "".join(output["pieces"])
        whole = postprocess(written, snapshot, output["reason"])
        length = decided_at(written, snapshot, pieces)
        if length is not None:
            assert postprocess(written[:length], snapshot, "over").text == whole.text, output
            saved += len(written) - length
        decoded += len(written)
    assert saved > decoded // 10


def test_other_code_ends_the_output_when_its_first_line_is_whole() -> None:
    snapshot = snapshot_at(BODY)
    assert decided_at(NEXT + "    return w", snapshot, NEXT + "    return w") == len(NEXT)
    assert postprocess(NEXT, snapshot, "over").text == "return w * h"


@pytest.mark.parametrize(
    ("marked", "written"),
    [
        (BODY, "return w * h\n\n    def inner():\n        pass\n"),  # not indented less
        (BODY, "if w:\n        return h\n    return w\n"),
        ('TEXT = """\n    ‸\n', "def area():\n\ndef volume():\n"),  # in a string
        ("‸\n", "x = 1\ndef area():\n    pass\n"),  # the cursor is at the margin
        ("x = [\n    ‸\n", "1,\n]\n"),  # a closer belongs to the code above
    ],
)
def test_code_of_the_block_goes_on(marked: str, written: str) -> None:
    assert decided_at(written, snapshot_at(marked), written) is None


def test_a_line_is_judged_when_it_is_whole() -> None:
    pieces = ["return w * h", "\n    def", "ault = 2", "\n    other = 3"]
    assert decided_at("".join(pieces), snapshot_at("class Box:\n    def area(self):\n        ‸\n"), pieces) is None


def test_a_carriage_return_ends_a_line_as_well() -> None:
    written = NEXT.replace("\n", "\r\n")
    length = decided_at(written, snapshot_at(BODY.replace("\n", "\r\n")), written)
    assert length in (len(written) - 1, len(written))


def test_a_piece_within_a_line_does_not_look_at_the_lines() -> None:
    is_over = end_of_shown(snapshot_at(BODY))
    assert is_over(NEXT, len(NEXT) - 1)
    assert not is_over(NEXT + "    ret", len(NEXT))  # it has been asked about that line


async def test_the_engine_stops_at_other_code_and_the_trace_says_so() -> None:
    text = BODY.replace("‸", "")
    editor, _ = await editor_with(text, engine=FakeEngine(lambda *_: NEXT + 40 * "    x = 1\n"))
    assert await editor.complete(1, 4, kind=INVOKED) == "return w * h"
    trace = await last_trace(editor)
    assert trace["ended"] == "over"
    assert trace["tokens"]["decode"] == len(NEXT)
    assert (trace["tokens"]["text"], trace["tokens"]["shown"]) == (len(NEXT), len("return w * h"))
