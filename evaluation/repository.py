"""Lines and blocks of packages that were never trained on, each with a name that another file defines.

Each is asked for as a user gets it, with the package's index, which finds what it finds; alone, with the current file
only; and with the definition open, which is what the best of all searches would find.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from functools import partial

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.packer import ContextPacker
from evaluation.fills import ONE_LINE, Fill, Question, answer, user_request
from evaluation.holes import DEFINITION, Hole
from evaluation.results import Result, ResultFile, Summaries
from inference.api import Engine
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.triggers import BLOCK_LINES

DEFAULT_CASES = 200
LINES_AROUND = 12
REPOSITORY, ALONE, DEFINITION_OPEN = "repository", "alone", "definition open"
SCORES = ("exact_match", "edit_similarity", "identifier_match")


def definition_around(hole: Hole) -> str:
    """The other file's lines around the definition of the name."""
    lines = hole.other.split("\n")
    where = next(i for i, line in enumerate(lines) if hole.name in DEFINITION.findall(line))
    return "\n".join(lines[max(0, where - LINES_AROUND) : where + LINES_AROUND]) + "\n"


def snapshots_of(hole: Hole) -> dict[str, Snapshot]:
    """The current file with the hole cut out; beside it nothing, or the lines around the definition."""
    current = Document(hole.path, hole.text[: hole.start] + hole.text[hole.end :], "python", version=0)
    other = Document(hole.other_path, definition_around(hole), "python", version=0)
    return {
        REPOSITORY: Snapshot(current, hole.start),
        ALONE: Snapshot(current, hole.start),
        DEFINITION_OPEN: Snapshot(current, hole.start, (other,)),
    }


def judge(hole: Hole, fill: Fill) -> dict[str, float]:
    """Blanks at the end do not count. `edit_similarity` is difflib's ratio."""
    wanted, text = hole.wanted.rstrip(), fill.text.rstrip()
    return {
        "exact_match": float(text == wanted),
        "edit_similarity": difflib.SequenceMatcher(None, text, wanted, autojunk=False).ratio(),
        "identifier_match": float(re.search(rf"\b{hole.name}\b", text) is not None),
    }


def run_hole(
    engine: Engine, kept: ResultFile, hole: Hole, workspaces: Mapping[str, Callable[[], Workspace]]
) -> list[Result]:
    """One result for each way. Raises MidspanError."""
    lines = ONE_LINE if hole.kind == "line" else BLOCK_LINES
    results = []
    for way, snapshot in snapshots_of(hole).items():
        workspace = workspaces[hole.package]() if way == REPOSITORY else None
        known = PromptSource(ContextPacker(workspace, keeps_placement=False))
        request = user_request(engine, snapshot, known, lines)
        question = Question(hole.title, f"{hole.kind}s, {way}", request, snapshot, lines)
        results.append(answer(engine, question, kept, partial(judge, hole)))
    return results


def gain_from_context(summaries: Summaries) -> dict[str, dict[str, float]]:
    """By how much the index raises each score, for lines and for blocks."""
    gains = {}
    for kind in ("lines", "blocks"):
        with_it, without = summaries.get(f"{kind}, {REPOSITORY}"), summaries.get(f"{kind}, {ALONE}")
        if with_it and without:
            gains[kind] = {name: round(with_it[name] - without[name], 4) for name in SCORES}
    return gains
