"""Does the model stop by itself? The repository's holes are filled without any limit but the budget of tokens."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from context.index.workspace import Workspace
from context.packer import ContextPacker
from evaluation.fills import Question, answer, user_request
from evaluation.holes import Hole
from evaluation.repository import REPOSITORY, snapshots_of
from evaluation.results import Result, ResultFile
from inference.api import Engine
from lsp_server.completion.build_request import PromptSource

DEFAULT_CASES = 100


def run_hole(
    engine: Engine, kept: ResultFile, hole: Hole, workspaces: Mapping[str, Callable[[], Workspace]]
) -> list[Result]:
    """One result, whose finish reason is what is asked for. Raises MidspanError."""
    snapshot = snapshots_of(hole)[REPOSITORY]
    known = PromptSource(ContextPacker(workspaces[hole.package](), keeps_placement=False))
    request = user_request(engine, snapshot, known)
    question = Question(hole.title, f"{hole.kind}s", replace(request, max_lines=None), None, max_lines=None)
    return [answer(engine, question, kept, lambda fill: {})]
