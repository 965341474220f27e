"""The suite `next-edit` of `midspan eval`: next edits in cases made from successive releases of packages.

The rules are asked, and with a model the model where no rule is sure.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.next_edit.by_model import by_rule, finding_by_model
from evaluation.next_edit.cases import SEED
from evaluation.next_edit.figures import ALL, figures_of, to_table
from evaluation.next_edit.release_folder import Texts
from evaluation.next_edit.releases import Use, find_archives, read_pairs, read_texts
from evaluation.next_edit.run_cases import Answer, FindEdits, draw_cases, run_cases
from inference.api import Engine
from lsp_server.settings.values import CompletionSettings

NEXT_EDIT = "next-edit"


def evaluate_next_edits(use: Use, packages: Path | None, limit: int | None) -> tuple[dict[str, Any], str]:
    """Return an object for the JSON and a table. `limit` is of the cases of each language. Raises SettingsError."""
    return _evaluate(use, packages, limit, by_rule, {"by": "rule"})


def evaluate_model_edits(
    engine: Engine, settings: CompletionSettings, use: Use, packages: Path | None, limit: int | None
) -> tuple[dict[str, Any], str]:
    """Return the same of the rules with the loaded model beside them. Raises SettingsError."""
    with finding_by_model(engine, settings) as find:
        return _evaluate(use, packages, limit, find, {"by": f"rule and {engine.info.name}"})


def _evaluate(
    use: Use, packages: Path | None, limit: int | None, find: FindEdits, head: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    texts = read_releases(use, packages)
    answers = answer_cases(texts, limit, find)
    figures = figures_of(answers)
    details = {
        "suite": NEXT_EDIT,
        **head,
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


def answer_cases(texts: Sequence[Texts], limit: int | None, find: FindEdits) -> list[Answer]:
    """Draw the cases and answer them."""
    cases = draw_cases(texts, limit)
    answers = []
    # disable=None: shown only where stderr is a terminal
    with tqdm(total=len(cases), desc=NEXT_EDIT, unit="case", file=sys.stderr, disable=None, leave=False) as bar:
        for release in texts:
            chosen = [case for case in cases if case.release == release.title]
            for answer in run_cases(release, chosen, find) if chosen else ():
                answers.append(answer)
                bar.update()
    return answers


def describe(answer: Answer) -> dict[str, Any]:
    """Return a case and its verdicts for the JSON: enough to find the state again and look at it."""
    case = answer.case
    return {
        "release": case.release,
        "path": case.path,
        "made": list(case.made),
        "cause": "quiet" if case.is_quiet else case.cause.value,
        "targets": [f"{target.path}#{target.hunk}:{target.start + 1}" for target in case.targets],
        "shown": list(answer.shown),
        "right": list(answer.right),
        "found": answer.found,
        "ms": round(answer.duration_ms, 2),
    }
