"""Next edits of the model in this process, where no rule is sure, as an editor is offered them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from context.next_edit.find_next_edits import find_next_edits
from evaluation.next_edit.release_folder import CaseState
from inference.api import Engine
from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.find_by_model import ModelSource
from lsp_server.next_edit.next_edit import NextEdit, from_proposal
from lsp_server.next_edit.rank_edits import MOST_EDITS, rank
from lsp_server.server.engines import Engines
from lsp_server.server.pauses import Pauses
from lsp_server.server.server import MidspanServer
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.settings.values import CompletionSettings, Settings
from lsp_server.telemetry.journal import Journal


def by_rule(state: CaseState) -> Sequence[NextEdit]:
    """Return the edits that an editor without a model is offered, in the server's order and above its threshold."""
    known = edit_state(state)
    return rank(_proposed(state), known, is_unsure_shown=False)[:MOST_EDITS]


@contextmanager
def finding_by_model(
    engine: Engine, settings: CompletionSettings
) -> Iterator[Callable[[CaseState], Sequence[NextEdit]]]:
    """Give a function that asks the rules and, where they are sure of nothing, the loaded model.

    It gives what an editor shows unasked: of a model that was not trained for next edits, nothing.
    """
    with asyncio.Runner() as runner, ThreadPoolExecutor(1, "midspan-eval-prompts") as thread:
        server, source = runner.run(_source(engine, settings, thread))

        def find(state: CaseState) -> Sequence[NextEdit]:
            known, found = edit_state(state), _proposed(state)
            shown = rank(found, known, is_unsure_shown=False)
            if not shown:
                written = runner.run(source.find(known, found, explicit=False))
                shown = rank(written, known, is_unsure_shown=False)
            return shown[:MOST_EDITS]

        try:
            yield find
        finally:
            runner.run(_close(server))


def edit_state(state: CaseState) -> EditState:
    """Return what the server knows at a case: no diagnostics, and no workspace but the index."""
    return EditState(state.snapshot, tuple(state.edits), diagnostics=(), workspace=None, root=None)


def _proposed(state: CaseState) -> list[NextEdit]:
    return [from_proposal(one) for one in find_next_edits(state.snapshot, state.edits, state.view)]


async def _source(
    engine: Engine, settings: CompletionSettings, thread: ThreadPoolExecutor
) -> tuple[MidspanServer, ModelSource]:
    """Make a connection of its own with the engine. Nothing is computed ahead, and a battery counts for nothing."""
    server = MidspanServer({}, Engines(lambda _settings: engine), SharedWorkspaces(), Path.cwd(), Journal(), Pauses())
    feature = CompletionFeature(server)
    quiet = replace(settings, look_ahead=False, disk_cache_bytes=0, ahead_on_battery=True)
    server.session.change_settings(Settings(completion=quiet, stats=False))
    server.session.engine(server.session.settings.completion)
    return server, ModelSource(server, feature, thread)


async def _close(server: MidspanServer) -> None:
    server.session.close()
