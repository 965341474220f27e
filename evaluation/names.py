"""Does the model continue a name that it has seen once, in another open file?"""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from evaluation.fills import Fill, Question, answer, user_request
from evaluation.results import Result, ResultFile
from inference.api import Engine

CASES = Path(__file__).with_name("names.json")
USER = "user"


@dataclass(frozen=True)
class NameCase:
    """`other` stands in another open file; the cursor is between `before` and `after`, and `wanted` comes next."""

    title: str
    other: str
    before: str
    after: str
    wanted: str


def read_cases() -> list[NameCase]:
    """The cases beside this file."""
    return [NameCase(**case) for case in json.loads(CASES.read_text(encoding="utf-8"))]


def snapshot_of(case: NameCase) -> Snapshot:
    """Both files open, the cursor in the second."""
    other = Document(f"shop/{case.title}.py", case.other, "python", version=0)
    current = Document("shop/main.py", case.before + case.after, "python", version=0)
    return Snapshot(current, len(case.before), (other,))


def judge(case: NameCase, fill: Fill) -> dict[str, float]:
    """The name must come first and be whole: a longer name is another one."""
    rest = fill.text.removeprefix(case.wanted)
    whole = len(rest) < len(fill.text) and not (rest[:1].isalnum() or rest[:1] == "_")
    return {"right": float(whole)}


def run_case(engine: Engine, kept: ResultFile, case: NameCase) -> list[Result]:
    """One result. Raises MidspanError."""
    snapshot = snapshot_of(case)
    question = Question(case.title, USER, user_request(engine, snapshot), snapshot)
    return [answer(engine, question, kept, partial(judge, case))]
