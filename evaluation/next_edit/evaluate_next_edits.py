"""The suite `next-edit` of `midspan eval`: next edits by rule, in cases made from successive releases of packages."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from context.next_edit.find_next_edits import find_next_edits
from context.next_edit.proposal import Proposal
from evaluation.next_edit.cases import SEED
from evaluation.next_edit.figures import ALL, figures_of, to_table
from evaluation.next_edit.release_folder import CaseState, Texts
from evaluation.next_edit.releases import Use, find_archives, read_pairs, read_texts
from evaluation.next_edit.run_cases import Answer, draw_cases, run_cases
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.next_edit import from_proposal
from lsp_server.next_edit.rank_edits import MOST_EDITS, rank

NEXT_EDIT = "next-edit"


def evaluate_next_edits(use: Use, packages: Path | None, limit: int | None) -> tuple[dict[str, Any], str]:
    """Return an object for the JSON and a table. `limit` is of the cases of each language. Raises SettingsError."""
    texts = read_releases(use, packages)
    answers = answer_cases(texts, limit)
    figures = figures_of(answers)
    details = {
        "suite": NEXT_EDIT,
        "by": "rule",
        **figures[ALL],
        "groups": figures,
        "set": f"{', '.join(release.title for release in texts)}; seed {SEED}",
        "cases": [describe(answer) for answer in answers],
    }
    return details, to_table(figures)


def read_releases(use: Use, packages: Path | None) -> list[Texts]:
    """Read the pinned pairs of releases of this use, from `packages` or from the user's cache."""
    pairs = read_pairs(use)
    folder = find_archives(packages, pairs)
    return [
        Texts(pair.title, pair.language, read_texts(pair, pair.old, folder), read_texts(pair, pair.new, folder))
        for pair in pairs
    ]


def answer_cases(texts: Sequence[Texts], limit: int | None) -> list[Answer]:
    """Draw the cases and answer them by rule."""
    cases = draw_cases(texts, limit)
    answers = []
    # disable=None: shown only where stderr is a terminal
    with tqdm(total=len(cases), desc=NEXT_EDIT, unit="case", file=sys.stderr, disable=None, leave=False) as bar:
        for release in texts:
            chosen = [case for case in cases if case.release == release.title]
            for answer in run_cases(release, chosen, by_rule) if chosen else ():
                answers.append(answer)
                bar.update()
    return answers


def by_rule(state: CaseState) -> Sequence[Proposal]:
    """Return the proposals that an editor is offered, in the server's order and above its threshold."""
    proposals = find_next_edits(state.snapshot, state.edits, state.view)
    edits = [from_proposal(proposal) for proposal in proposals]
    known = EditState(state.snapshot, tuple(state.edits), diagnostics=(), workspace=None, root=None)
    ranked = rank(edits, known, is_unsure_shown=False)
    proposal_of = dict(zip(map(id, edits), proposals, strict=True))
    return [proposal_of[id(edit)] for edit in ranked[:MOST_EDITS]]


def describe(answer: Answer) -> dict[str, Any]:
    """Return a case and its verdicts for the JSON: enough to find the state again and look at it."""
    case = answer.case
    return {
        "release": case.release,
        "path": case.path,
        "made": list(case.made),
        "cause": "quiet" if case.is_quiet else case.cause.value,
        "targets": [f"{target.path}#{target.hunk}" for target in case.targets],
        "shown": list(answer.shown),
        "right": list(answer.right),
        "found": answer.found,
        "ms": round(answer.duration_ms, 2),
    }
