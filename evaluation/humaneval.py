"""HumanEval's three infilling sets: each task is asked with the plain prompt, and as a user gets it."""

from functools import partial

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from evaluation.humaneval_tasks import Task
from evaluation.questions import ONE_LINE, Fill, Question, answer_question, plain_request, user_request
from evaluation.results import KeptResults, Result
from evaluation.sandbox import Limits, passes
from inference.api import Engine, Request
from lsp_server.completion.triggers import BLOCK_LINES
from lsp_server.settings.values import CompletionSettings

PLAIN, USER = "plain", "user"
MOST_TOKENS_OF_LINES = 512  # the longest solution of HumanEval has about 400


def snapshot_of(task: Task) -> Snapshot:
    """The program in an editor, the cursor where the hole is: on an empty line, or between the ends of a span."""
    end = "" if task.cut == "span" else "\n"
    text = f"{task.prompt}{end}{task.suffix}"
    return Snapshot(Document(f"{task.entry_point}.py", text, "python", version=0), len(task.prompt))


def judge(task: Task, fill: Fill) -> dict[str, float]:
    """Compare the fill with the original (blanks at the end of lines do not count), and run the program with it."""
    text = fill.text
    if task.cut != "line" and fill.finish_reason not in ("eos", "fim"):
        text = in_scope(text)
    if task.cut == "span":
        return {"exact_match": float(text == task.wanted), "pass_at_1": float(passes(task.program(text), Limits()))}
    return {
        "exact_match": float(text.rstrip() == task.wanted.rstrip()),
        "pass_at_1": float(passes(task.program(f"{text}\n"), Limits())),
    }


def in_scope(text: str) -> str:
    """The lines before the first that leaves the function: what counts of a model that does not end by itself.

    The first line may begin within a line. Bavarian et al., arXiv:2207.14255.
    """
    lines = text.split("\n")
    left = next((number for number, line in enumerate(lines[1:], 1) if line and not line[0].isspace()), len(lines))
    return "\n".join(lines[:left])


def run_task(engine: Engine, kept: KeptResults, task: Task, settings: CompletionSettings) -> list[Result]:
    """The results of the plain prompt and of the user's. Raises MidspanError."""
    snapshot = snapshot_of(task)
    plain, user, max_lines = _requests(engine, task, snapshot, settings)
    questions = (
        Question(task.name, PLAIN, plain, None, max_lines),
        Question(task.name, USER, user, snapshot, max_lines, settings.scores_known_lines),
    )
    return [answer_question(engine, question, kept, partial(judge, task)) for question in questions]


def _requests(
    engine: Engine, task: Task, snapshot: Snapshot, settings: CompletionSettings
) -> tuple[Request, Request, int | None]:
    """The plain request, the user's, and how many lines are judged."""
    if task.cut == "line":
        # The line end belongs to the wanted text, so only a second line shows that the model does not stop.
        plain = plain_request(engine, task.prompt, task.suffix, max_lines=2)
        return plain, user_request(engine, snapshot, settings), ONE_LINE
    most = MOST_TOKENS_OF_LINES
    plain = plain_request(engine, task.prompt, task.suffix, max_lines=None, most_tokens=most)
    # A user presses a key for several lines.
    return plain, user_request(engine, snapshot, settings, max_lines=BLOCK_LINES, most_tokens=most), None
