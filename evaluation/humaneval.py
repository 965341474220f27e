"""HumanEval SingleLine infilling: each task is asked with the plain prompt, and as a user gets it."""

from functools import partial

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from evaluation.humaneval_tasks import Task
from evaluation.questions import Fill, Question, answer_question, plain_request, user_request
from evaluation.results import KeptResults, Result
from evaluation.sandbox import Limits, passes
from inference.api import Engine

PLAIN, USER = "plain", "user"


def snapshot_of(task: Task) -> Snapshot:
    """The program in an editor, the cursor on an empty line where the hole is."""
    text = f"{task.prompt}\n{task.suffix}"
    return Snapshot(Document(f"{task.entry_point}.py", text, "python", version=0), len(task.prompt))


def judge(task: Task, fill: Fill) -> dict[str, float]:
    """Compare the line with the original (blanks at its end do not count), and run the program with the line."""
    return {
        "exact_match": float(fill.text.rstrip() == task.wanted.rstrip()),
        "pass_at_1": float(passes(task.program(f"{fill.text}\n"), Limits())),
    }


def run_task(engine: Engine, kept: KeptResults, task: Task) -> list[Result]:
    """The results of the plain prompt and of the user's. Raises MidspanError."""
    snapshot = snapshot_of(task)
    questions = (
        Question(task.name, PLAIN, plain_request(engine, task.prompt, task.suffix), None),
        Question(task.name, USER, user_request(engine, snapshot), snapshot),
    )
    return [answer_question(engine, question, kept, partial(judge, task)) for question in questions]
