"""The suite about stopping: the holes of the repository suite are filled with no limit but the budget of tokens."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from context.index.workspace import Workspace
from context.packer import ContextPacker
from evaluation.holes import Hole
from evaluation.questions import Question, answer_question, user_request
from evaluation.repository import REPOSITORY, snapshots_of
from evaluation.results import KeptResults, Result
from inference.api import Engine
from lsp_server.completion.build_request import PromptSource
from lsp_server.settings.values import CompletionSettings

DEFAULT_CASES = 100


def run_hole(
    engine: Engine,
    kept: KeptResults,
    hole: Hole,
    workspaces: Mapping[str, Callable[[], Workspace]],
    settings: CompletionSettings,
) -> list[Result]:
    """Ask the hole; return one result, of which only the finish reason counts. Raises MidspanError."""
    snapshot = snapshots_of(hole)[REPOSITORY]
    source = PromptSource(ContextPacker(workspaces[hole.package](), keeps_placement=False))
    request = user_request(engine, snapshot, settings, source)
    question = Question(hole.title, f"{hole.kind}s", replace(request, max_lines=None), None, max_lines=None)
    return [answer_question(engine, question, kept, lambda fill: {})]
