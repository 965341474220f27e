"""The suites of `midspan eval`: the cases of each, and the details that it reports beside the means."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from context.index.workspace import Workspace
from evaluation import humaneval, names, needle, repository, stops
from evaluation.chat import cited
from evaluation.held_out_packages import PINS, load_packages
from evaluation.holes import SEED, draw_holes
from evaluation.humaneval_tasks import read_tasks, task_file
from evaluation.next_edit.releases import Use
from evaluation.results import KeptResults, Result, summarize
from evaluation.typist.typing_suite import TypedLines
from inference.api import Engine
from lsp_server.settings.values import CompletionSettings

# Runs one case with the engine and the kept results.
RunCase = Callable[[Engine, KeptResults], list[Result]]
Results = Mapping[str, Sequence[Result]]  # by the way in which the cases were asked
_INDEX_WITHIN_S = 120.0


@dataclass(frozen=True)
class Choices:
    """The cases that the command line chooses. None leaves the choice to the suite.

    `asks_model`: the command line names a model, which `next-edit` asks only then.
    """

    limit: int | None = None
    tasks: Path | None = None
    packages: Path | None = None
    longest_tokens: int | None = None
    repositories: Path | None = None
    releases: Use = "held out"
    typed: TypedLines = field(default_factory=TypedLines)
    asks_model: bool = False


@dataclass(frozen=True)
class Suite:
    """A suite's cases. `details` are added to the JSON; `missing` gives the reasons why some ways are not asked."""

    cases: Sequence[RunCase]
    details: Callable[[Results], dict[str, Any]] = lambda results: {}
    missing: Mapping[str, str] = field(default_factory=dict)


# Makes a suite that asks as a user with these settings does. Raises SettingsError where the cases are not at hand. The
# stack closes whatever the suite opens.
MakeSuite = Callable[[Engine, CompletionSettings, Choices, ExitStack], Suite]


def humaneval_suite(engine: Engine, settings: CompletionSettings, choices: Choices, opened: ExitStack) -> Suite:
    tasks = read_tasks(task_file(choices.tasks), choices.limit)
    return Suite([partial(humaneval.run_task, task=task, settings=settings) for task in tasks])


def names_suite(engine: Engine, settings: CompletionSettings, choices: Choices, opened: ExitStack) -> Suite:
    cases = names.read_cases()[: choices.limit]
    return Suite([partial(names.run_case, case=case, settings=settings) for case in cases])


def repository_suite(engine: Engine, settings: CompletionSettings, choices: Choices, opened: ExitStack) -> Suite:
    run_hole = partial(repository.run_hole, workspaces=open_workspaces(choices, opened), settings=settings)
    holes = draw_holes(load_packages(choices.packages), choices.limit or repository.DEFAULT_CASES)

    def details(results: Results) -> dict[str, Any]:
        summaries = {way: summarize(found) for way, found in results.items()}
        return {"gain_from_context": repository.gain_from_context(summaries), "set": describe_set()}

    return Suite([partial(run_hole, hole=hole) for hole in holes], details)


def stops_suite(engine: Engine, settings: CompletionSettings, choices: Choices, opened: ExitStack) -> Suite:
    run_hole = partial(stops.run_hole, workspaces=open_workspaces(choices, opened), settings=settings)
    holes = draw_holes(load_packages(choices.packages), choices.limit or stops.DEFAULT_CASES)
    return Suite([partial(run_hole, hole=hole) for hole in holes], lambda results: {"set": describe_set()})


def needle_suite(engine: Engine, settings: CompletionSettings, choices: Choices, opened: ExitStack) -> Suite:
    """The suite with at most `limit` cases for each length."""
    haystacks = needle.Haystacks(engine, load_packages(choices.packages))
    longest = choices.longest_tokens or needle.LENGTHS[-1]
    lengths = [length for length in needle.LENGTHS if length <= engine.info.context_tokens]
    beyond = needle.LENGTHS[len(lengths) :]
    asked = [length for length in lengths if length <= longest]
    left_out = lengths[len(asked) :]
    cases = [
        partial(needle.run_case, haystacks=haystacks, length_tokens=length, case=case)
        for length in asked
        for case in needle.cases_of(needle.draw_needles(length))[: choices.limit]
    ]
    label = needle.label_of

    def details(results: Results) -> dict[str, Any]:
        return {
            "points": [[length, summarize(results[label(length)])["right"]] for length in asked],
            "by_depth": {way: needle.by_depth(found) for way, found in results.items()},
            "beyond_context": [label(length) for length in beyond],
            "not_asked": [label(length) for length in left_out],
        }

    missing = {label(length): "not asked" for length in left_out}
    return Suite(cases, details, missing | {label(length): "beyond the model's context" for length in beyond})


def open_workspaces(choices: Choices, opened: ExitStack) -> Mapping[str, Callable[[], Workspace]]:
    """The workspace of each package; its index is brought up to date at the first call."""

    packages = load_packages(choices.packages)
    return {package.name: cache(partial(_open_indexed, package.root, opened)) for package in packages}


def _open_indexed(root: Path, opened: ExitStack) -> Workspace:
    workspace = Workspace(root)
    opened.callback(workspace.close)
    workspace.start()
    workspace.wait_until_settled(_INDEX_WITHIN_S)
    return workspace


def describe_set() -> str:
    """The packages and the seed of the holes: equal text means the same set of holes."""
    return f"{', '.join(f'{pin.name} {pin.version}' for pin in PINS)}; seed {SEED}"


def chat_suite(engine: Engine, settings: CompletionSettings, choices: Choices, opened: ExitStack) -> Suite:
    folders = cited.repository_folders(choices.repositories)
    workspaces = {name: _open_indexed(folder, opened) for name, folder in folders.items()}
    questions = cited.read_questions()[: choices.limit]

    def run_question(question: cited.CitingQuestion, engine: Engine, _kept: KeptResults) -> list[Result]:
        results = []
        for tokens in cited.BUDGETS_TOKENS:
            context, found = cited.find_cited(engine, question, workspaces[question.repository], tokens)
            for cite, is_shown in found.items():
                case = f"{question.question} {cite.path}: {cite.symbol}"
                scores = {"in_prompt": float(is_shown)}
                results.append(Result(case, f"{tokens:,} tokens", "", context.text, "", "eos", scores))
        return results

    def details(results: Results) -> dict[str, Any]:
        first = next(iter(results.values()), ())
        return {"missing": [result.case for result in first if not result.scores["in_prompt"]]}

    return Suite([partial(run_question, question) for question in questions], details)


SUITES: dict[str, MakeSuite] = {
    "humaneval-infilling": humaneval_suite,
    "repository": repository_suite,
    "needle": needle_suite,
    "names": names_suite,
    "stops": stops_suite,
    "chat": chat_suite,
}
