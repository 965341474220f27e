"""The suite about names: the model has to continue a name that stands once, in another open file."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from evaluation.questions import Fill, Question, answer_question, user_request
from evaluation.results import KeptResults, Result
from inference.api import Engine
from lsp_server.settings.values import CompletionSettings

CASES = Path(__file__).with_name("names.json")
USER = "user"


@dataclass(frozen=True)
class NameCase:
    """A case with the open file `other`; the cursor is between `before` and `after`, and `wanted` comes next."""

    title: str
    other: str
    before: str
    after: str
    wanted: str


def read_cases() -> list[NameCase]:
    """The cases beside this file."""
    return [NameCase(**case) for case in json.loads(CASES.read_text(encoding="utf-8"))]


def snapshot_of(case: NameCase) -> Snapshot:
    """A snapshot with both files open and the cursor in the second."""
    other = Document(f"shop/{case.title}.py", case.other, "python", version=0)
    current = Document("shop/main.py", case.before + case.after, "python", version=0)
    return Snapshot(current, len(case.before), (other,))


def judge(case: NameCase, fill: Fill) -> dict[str, float]:
    """Right when the whole name comes first; a longer name is another name."""
    rest = fill.text.removeprefix(case.wanted)
    whole = len(rest) < len(fill.text) and not (rest[:1].isalnum() or rest[:1] == "_")
    return {"right": float(whole)}


def run_case(engine: Engine, kept: KeptResults, case: NameCase, settings: CompletionSettings) -> list[Result]:
    """Ask the case; return its one result. Raises MidspanError."""
    snapshot = snapshot_of(case)
    request = user_request(engine, snapshot, settings)
    question = Question(case.title, USER, request, snapshot, weighs_known_lines=settings.scores_known_lines)
    return [answer_question(engine, question, kept, partial(judge, case))]
