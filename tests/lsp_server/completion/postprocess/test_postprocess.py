"""Post-processing of a model's text. Each file of the folder is one topic; a case reads like a bug report.

`at` is the document with the cursor as ‸, `written` is the model's text, and `shown` is the text that is shown (by
default all of it), or `nothing` is the reason to show none. `finish` is the finish reason of the model. `language` is
the file's, or the case's own.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.completion.postprocess import Cleaned, postprocess
from lsp_server.telemetry.outcome import Outcome

CURSOR = "‸"


def read_cases(path: Path) -> list[dict[str, Any]]:
    topic = tomllib.loads(path.read_text(encoding="utf-8"))
    return [{"language": topic.get("language"), "finish": "eos"} | case for case in topic["case"]]


FOLDER = Path(__file__).parent / "postprocess_cases"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['why'][:70]}")
    for path in sorted(FOLDER.glob("*.toml"))
    for case in read_cases(path)
]


def cleaned(case: dict[str, Any], *, line_end: str = "\n") -> Cleaned:
    before, after = case["at"].replace("\n", line_end).split(CURSOR)
    document = Document("file", before + after, case["language"], 1)
    return postprocess(case["written"].replace("\n", line_end), Snapshot(document, len(before)), case["finish"])


@pytest.mark.parametrize("case", CASES)
def test_what_is_shown(case: dict[str, Any]) -> None:
    if "nothing" in case:
        assert cleaned(case) == Cleaned("", Outcome(case["nothing"]), case.get("detail", ""))
    else:
        assert cleaned(case) == Cleaned(case.get("shown", case["written"]))


@pytest.mark.parametrize("case", CASES)
def test_a_document_with_carriage_returns_is_shown_the_same(case: dict[str, Any]) -> None:
    assert cleaned(case, line_end="\r\n") == cleaned(case)


def test_there_are_hundreds_of_cases_and_each_says_why() -> None:
    reasons = [case["why"] for path in FOLDER.glob("*.toml") for case in read_cases(path)]
    assert len(reasons) >= 300
    assert len(set(reasons)) == len(reasons)
