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
from tests.lsp_server.completion.postprocess.test_postprocess import CURSOR, FOLDER, read_cases
from tests.lsp_server.in_process import editor_with, last_trace

# What the built-in model wrote at places in Midspan's own sources, without any check: the tokens, up to its end.
RECORDED = [json.loads(line) for line in (Path(__file__).parent / "outputs.jsonl").read_text("utf-8").splitlines()]
BODY = "def area(w, h):\n    ‸\n"
NEXT = "return w * h\n\n\ndef volume(w, h, d):\n"

STOPPED = [case for path in sorted(FOLDER.glob("*.toml")) for case in read_cases(path) if case["finish"] == "lines"]


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


@pytest.mark.parametrize(
    ("language", "marked", "written"),
    [
        ("typescript", "const f = () => {\n  ‸\n};\n", "return 1;\n};\n\nexport const g = () => {\n"),
        ("go", "func f() {\n\tif a {\n\t\t‸\n\t}\n}\n", "b()\n\t} else {\n\t\tc()\n\t}\n\td()\n"),
        ("python", 'def f():\n    """Return\n    ‸\n    """\n', 'one.\n    """\n'),
        ("java", "/**\n * ‸\n */\nclass A {}\n", "An A.\n */\n"),
    ],
)
def test_an_output_ends_when_it_has_left_its_block(language: str, marked: str, written: str) -> None:
    more = written + "more()\n"
    assert decided_at(more, snapshot_at(marked, language), more) == len(written)


@pytest.mark.parametrize(
    ("language", "marked", "written"),
    [
        ("typescript", "load().then((x) => {\n  ‸\n});\n", "use(x);\n})\n  .catch((error) => {\n    report(error);\n"),
        ("typescript", "const f = () => {\n  ‸\n", "return 1;\n};\n"),
        ("typescript", "const f = () => {\n  ‸\n};\n", "return 1;\n};\n"),  # what follows may be nothing
        ("go", "func f() {\n\tif a {\n\t\t‸\n\t}\n}\n", "b()\n\t} else {\n\t\tc()\n\t\td()\n"),
        ("python", 'def f():\n    """Return\n    ‸\n', 'one.\n    """\n    return 1\n'),
    ],
)
def test_an_output_goes_on_while_it_may_belong_to_its_block(language: str, marked: str, written: str) -> None:
    assert decided_at(written, snapshot_at(marked, language), written) is None


@pytest.mark.parametrize("case", STOPPED, ids=[case["why"] for case in STOPPED])
def test_a_case_is_shown_the_same_when_its_output_ends_early(case: dict[str, Any]) -> None:
    before, after = case["at"].split(CURSOR)
    snapshot = Snapshot(Document("file", before + after, case["language"], 1), len(before))
    written = case["written"] + "\n"
    if (length := decided_at(written, snapshot, written)) is not None:
        early = postprocess(written[:length], snapshot, "over").text
        assert early == postprocess(case["written"], snapshot, "lines").text


async def test_the_engine_stops_at_other_code_and_the_trace_says_so() -> None:
    text = BODY.replace("‸", "")
    editor, _ = await editor_with(text, engine=FakeEngine(lambda *_: NEXT + 40 * "    x = 1\n"))
    assert await editor.complete(1, 4, kind=INVOKED) == "return w * h"
    trace = await last_trace(editor)
    assert trace["ended"] == "over"
    assert trace["tokens"]["decode"] == len(NEXT)
    assert (trace["tokens"]["text"], trace["tokens"]["shown"]) == (len(NEXT), len("return w * h"))


async def test_the_engine_stops_where_the_block_ends_below_and_the_editor_gets_the_block_alone() -> None:
    text = "const find = (arr, checker) => {\n  \n};\n\nexport type Partial = {};\n"
    written = "return arr.find(checker);\n };\n\n export type Keys = {\n"
    engine = FakeEngine(lambda *_: written + 40 * "   a: string;\n")
    editor, _ = await editor_with(text, engine=engine, language="typescript")
    assert await editor.complete(1, 2, kind=INVOKED) == "return arr.find(checker);"
    trace = await last_trace(editor)
    assert (trace["ended"], trace["tokens"]["decode"]) == ("over", len(written))
