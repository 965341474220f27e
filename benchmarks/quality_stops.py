"""Does the model stop by itself? The repository's holes are filled without any limit but the budget of tokens."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from benchmarks.quality_fills import Question, answer, user_request
from benchmarks.quality_holes import Hole
from benchmarks.quality_repository import REPOSITORY, snapshots_of
from benchmarks.quality_results import Result, ResultFile
from context.workspace import Workspace
from inference.any_engine import AnyEngine
from lsp_server.fill import Known

DEFAULT_CASES = 100


def run_hole(
    engine: AnyEngine, kept: ResultFile, hole: Hole, workspaces: Mapping[str, Callable[[], Workspace]]
) -> list[Result]:
    """One result, whose finish reason is what is asked for. Raises MidspanError."""
    snapshot = snapshots_of(hole)[REPOSITORY]
    request = user_request(engine, snapshot, Known(workspaces[hole.package]()))
    question = Question(hole.title, f"{hole.kind}s", replace(request, max_lines=None), None, max_lines=None)
    return [answer(engine, question, kept, lambda fill: {})]
