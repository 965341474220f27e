"""Questions about two repositories, and the definitions that an answer must cite: are they in the prompt?

No model writes anything: the context is found as for a question in an editor where nothing is open, and counted with
the model's tokenizer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from context.index.view import Definition, View
from context.index.workspace import Workspace
from context.question.answer_context import AnswerContext, Place, find_context
from context.question.parts import CONTAINERS, owner_of
from inference.api import Engine
from midspan import SettingsError

QUESTIONS = Path(__file__).with_name("questions.json")
# So much a model reads in ten seconds: a small one on a laptop, and others.
BUDGETS_TOKENS = (2048, 1024, 4096)
_SHOWN_LINES = 10  # of a cited definition; of a class, its first lines


@dataclass(frozen=True)
class Citation:
    """A definition that an answer must cite. `symbol` has its class before a dot where that is needed to know it."""

    path: str
    symbol: str


@dataclass(frozen=True)
class CitingQuestion:
    """A question about a repository, and what its answer must cite."""

    repository: str
    question: str
    cites: tuple[Citation, ...]


def read_questions(file: Path = QUESTIONS) -> list[CitingQuestion]:
    """Return the questions of a file."""
    rows = json.loads(file.read_text(encoding="utf-8"))["questions"]
    return [
        CitingQuestion(row["repository"], row["question"], tuple(Citation(*cite) for cite in row["cites"]))
        for row in rows
    ]


def repository_folders(folder: Path | None) -> dict[str, Path]:
    """Return the folder of each repository. Raises SettingsError when one is not there."""
    versions: dict[str, str] = json.loads(QUESTIONS.read_text(encoding="utf-8"))["repositories"]
    wanted = " and ".join(f"{name} {version}" for name, version in versions.items())
    advice = f"Name a folder with the sources of {wanted}, in folders of these names, with --repositories"
    if folder is None:
        raise SettingsError(f"The suite chat needs repositories. {advice}.")
    for name in versions:
        if not (folder / name).is_dir():
            raise SettingsError(f"{folder / name} is no folder. {advice}.")
    return {name: folder / name for name in versions}


def find_cited(
    engine: Engine, question: CitingQuestion, workspace: Workspace, budget_tokens: int
) -> tuple[AnswerContext, dict[Citation, bool]]:
    """Return the context of a question, and whether it shows each definition to be cited. Raises SettingsError."""
    context = find_context(question.question, Place(workspace), budget_tokens, engine.count_tokens, {})
    return context, {cite: is_shown(cite, context, workspace.view()) for cite in question.cites}


def is_shown(cite: Citation, context: AnswerContext, view: View) -> bool:
    """Return whether a context shows the beginning of a definition. Raises SettingsError if there is none."""
    definitions = _cited(cite, view)
    if not definitions:
        raise SettingsError(f"{cite.path} has no {cite.symbol}. Is the repository of the right version?")
    shown = {line for part in context.parts if part.path == cite.path for span in part.spans for line in span}
    return any(shown.issuperset(_beginning(definition)) for definition in definitions)


def _cited(cite: Citation, view: View) -> Sequence[Definition]:
    owner, _, name = cite.symbol.rpartition(".")
    named = [one for one in view.definitions_in(cite.path) if one.symbol.name == name]
    return [one for one in named if not owner or owner_of(one) == owner]


def _beginning(definition: Definition) -> range:
    symbol = definition.symbol
    lines = symbol.signature.count("\n") + 1 if symbol.kind in CONTAINERS else _SHOWN_LINES
    return range(symbol.first_line, min(symbol.last_line + 1, symbol.first_line + lines))
