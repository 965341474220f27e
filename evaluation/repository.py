"""Lines and blocks of packages that were never trained on, each with a name that another file defines.

Each hole is asked in three ways: as a user gets it, with the package's index; alone, with the current file only; and
with the definition open, as the best possible search would find it.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from functools import partial

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.packer import ContextPacker
from evaluation.holes import DEFINITION, Hole
from evaluation.questions import ONE_LINE, Fill, Question, answer_question, user_request
from evaluation.results import KeptResults, Result, Summaries
from inference.api import Engine
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.triggers import BLOCK_LINES
from lsp_server.settings.values import CompletionSettings

DEFAULT_CASES = 200
LINES_AROUND = 12
REPOSITORY, ALONE, DEFINITION_OPEN = "repository", "alone", "definition open"
SCORES = ("exact_match", "edit_similarity", "identifier_match")


def definition_around(hole: Hole) -> str:
    """The lines of the other file around the definition of the name."""
    lines = hole.other.split("\n")
    where = next(i for i, line in enumerate(lines) if hole.name in DEFINITION.findall(line))
    return "\n".join(lines[max(0, where - LINES_AROUND) : where + LINES_AROUND]) + "\n"


def snapshots_of(hole: Hole) -> dict[str, Snapshot]:
    """The current file without the hole, for each way; for one way the lines around the definition are open too."""
    current = Document(hole.path, hole.text[: hole.start] + hole.text[hole.end :], "python", version=0)
    other = Document(hole.other_path, definition_around(hole), "python", version=0)
    return {
        REPOSITORY: Snapshot(current, hole.start),
        ALONE: Snapshot(current, hole.start),
        DEFINITION_OPEN: Snapshot(current, hole.start, (other,)),
    }


def judge(hole: Hole, fill: Fill) -> dict[str, float]:
    """Compare the fill with the original, without blanks at the end. `edit_similarity` is difflib's ratio."""
    wanted, text = hole.wanted.rstrip(), fill.text.rstrip()
    return {
        "exact_match": float(text == wanted),
        "edit_similarity": difflib.SequenceMatcher(None, text, wanted, autojunk=False).ratio(),
        "identifier_match": float(re.search(rf"\b{hole.name}\b", text) is not None),
    }


def run_hole(
    engine: Engine,
    kept: KeptResults,
    hole: Hole,
    workspaces: Mapping[str, Callable[[], Workspace]],
    settings: CompletionSettings,
) -> list[Result]:
    """Ask the hole in each way; return the results. Raises MidspanError."""
    lines = ONE_LINE if hole.kind == "line" else BLOCK_LINES
    results = []
    for way, snapshot in snapshots_of(hole).items():
        workspace = workspaces[hole.package]() if way == REPOSITORY else None
        source = PromptSource(ContextPacker(workspace, keeps_placement=False))
        request = user_request(engine, snapshot, settings, source, lines)
        question = Question(hole.title, f"{hole.kind}s, {way}", request, snapshot, lines, settings.scores_known_lines)
        results.append(answer_question(engine, question, kept, partial(judge, hole)))
    return results


def gain_from_context(summaries: Summaries) -> dict[str, dict[str, float]]:
    """The gain of each score from the index, for lines and for blocks."""
    gains = {}
    for kind in ("lines", "blocks"):
        with_it, without = summaries.get(f"{kind}, {REPOSITORY}"), summaries.get(f"{kind}, {ALONE}")
        if with_it and without:
            gains[kind] = {name: round(with_it[name] - without[name], 4) for name in SCORES}
    return gains
