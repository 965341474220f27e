"""The evaluation of a model's completions with greedy decoding, as `midspan eval` runs it.

Every answer is kept in the user's cache folder at once, under the model, the form of its weights and the question. So
the same command continues after an interruption, and no question is asked twice.
"""

import json
import logging
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.next_edit.evaluate_next_edits import NEXT_EDIT, evaluate_model_edits, evaluate_next_edits
from evaluation.results import KeptResults, Result, digest_model, kept_results, summarize, to_table
from evaluation.suites import SUITES, Choices, RunCase
from evaluation.typist.typing_suite import run_calibration, run_typing
from inference.api import Engine
from lsp_server.rpc.stdio import claim_stdout
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import CompletionSettings, ModelSettings, Settings
from lsp_server.telemetry.log_setup import set_up_logging
from midspan import SettingsError

ALL = "all"
_ANSWERED_BY = ("copy", "known_lines")  # in the section of completion
TYPED = {"typing": run_typing, "calibration": run_calibration}  # not among ALL: they take the longest


@dataclass(frozen=True)
class Report:
    """The outcome of one suite: an object for the JSON, and its table."""

    figures: dict[str, Any]
    table: str


def evaluate(suite: str, settings: CompletionSettings, choices: Choices, *, as_json: bool, folder: Path | None) -> int:
    """Print a table or JSON and write both into `folder`; return the exit code. Raises MidspanError."""
    stdout = claim_stdout()
    set_up_logging(logging.WARNING)
    try:
        if suite == NEXT_EDIT and not choices.asks_model:
            title = f"{suite}, by rule"
            figures, table = evaluate_next_edits(choices.releases, choices.packages, choices.limit)
        else:
            title, figures, table = ask_model(suite, settings, choices)
    except KeyboardInterrupt:
        print("\nmidspan: stopped; the same command goes on with the next case", file=sys.stderr)
        return 130
    output = json.dumps(figures, indent=2)
    table = f"{title}\n\n{table}"
    stdout.write(f"{output if as_json else table}\n".encode())
    stdout.flush()
    if folder is not None:
        write_files(folder, suite, output, table, figures)
    return 0


def ask_model(suite: str, settings: CompletionSettings, choices: Choices) -> tuple[str, dict[str, Any], str]:
    """Run suites with the model; return a title, an object for the JSON, and a table. Raises MidspanError."""
    engine = start_engine(settings)
    try:
        engine.ready.result()
        model = {
            "model": engine.info.name,
            "weights": digest_weights(engine, settings),
            "quant": describe_form(engine, settings),
        }
        title = f"{engine.info.name}, {suite}"
        if suite == NEXT_EDIT:
            figures, table = evaluate_model_edits(engine, settings, choices.releases, choices.packages, choices.limit)
            return title, model | figures, table
        changed = changed_settings(settings)
        title = ", ".join([title, *(f"{name} = {json.dumps(value)}" for name, value in changed.items())])
        if suite in TYPED:
            figures, table = TYPED[suite](engine, model, settings, choices.typed)
        elif suite == ALL:
            figures, table = run_all(engine, model, settings, choices)
        else:
            report = run_suite(engine, model, suite, settings, choices)
            figures, table = report.figures, report.table
        return title, {**model, "settings": changed, **figures}, table
    finally:
        engine.close()


def describe_form(engine: Engine, settings: ModelSettings) -> str:
    """The form of the weights, and that of the prefix cache where it has one of its own: both change the answers."""
    form = engine.stats().quant or "unknown"
    return form if settings.cache_dtype == "auto" else f"{form}-cache-{settings.cache_dtype}"


def digest_weights(engine: Engine, settings: ModelSettings) -> str:
    """The digest of the model's folder, or of the server's address."""
    if engine.info.folder is not None:
        return digest_model(engine.info.folder)
    return sha256(str(settings.model).encode()).hexdigest()[:16]


def changed_settings(settings: CompletionSettings) -> dict[str, Any]:
    """The settings that change what a model answers, by their names, where they are not the defaults."""
    values = {f"completion.{name}": getattr(settings, name) for name in _ANSWERED_BY}
    return {name: value for name, value in values.items() if value != Settings().value(name)}


def run_all(
    engine: Engine, model: dict[str, str], settings: CompletionSettings, choices: Choices
) -> tuple[dict[str, Any], str]:
    """Run every suite; a suite whose cases are not at hand is skipped with the reason. Raises MidspanError."""
    suites, skipped, tables = {}, {}, []
    for name in SUITES:
        try:
            report = run_suite(engine, model, name, settings, choices)
        except SettingsError as error:
            skipped[name] = str(error)
            tables.append(f"## {name}\n\nnot run: {error}")
            continue
        suites[name] = report.figures
        tables.append(f"## {name}\n\n{report.table}")
    return {"suite": ALL, "suites": suites, "skipped": skipped}, "\n\n".join(tables)


def run_suite(
    engine: Engine, model: dict[str, str], name: str, settings: CompletionSettings, choices: Choices
) -> Report:
    """Run one suite. The figures of its first way are at the top, those of every way under its name.

    Raises MidspanError.
    """
    with ExitStack() as opened:
        suite = SUITES[name](engine, settings, choices, opened)
        kept = kept_results(name, model["weights"], model["quant"])
        bar = opened.enter_context(
            # disable=None: shown only where stderr is a terminal
            tqdm(total=len(suite.cases), desc=name, unit="case", file=sys.stderr, disable=None, leave=False)
        )
        results = run_cases(engine, suite.cases, kept, bar.update)
    summaries = {way: summarize(found) for way, found in results.items()}
    first = next(iter(summaries.values()), {"n": 0})
    figures = {"suite": name, "command": command_for(name, choices), **first, "ways": summaries}
    return Report(figures | suite.details(results), to_table(summaries, suite.missing))


def run_cases(
    engine: Engine, cases: Sequence[RunCase], kept: KeptResults, on_case: Callable[[], object]
) -> dict[str, list[Result]]:
    """Run the cases; return the results by the way in which they were asked. Raises MidspanError."""
    results: dict[str, list[Result]] = {}
    for run_case in cases:
        for result in run_case(engine, kept):
            results.setdefault(result.way, []).append(result)
        on_case()
    return results


def command_for(suite: str, choices: Choices) -> str:
    """The command that asks another model the same; paths of files are left out, because they differ by machine."""
    words = ["midspan", "eval", suite]
    words += ["--limit", str(choices.limit)] if choices.limit else []
    words += ["--longest", str(choices.longest_tokens)] if choices.longest_tokens else []
    return shlex.join(words)


def write_files(folder: Path, suite: str, output: str, table: str, figures: dict[str, Any]) -> None:
    """`SUITE.json`, `SUITE.md`, and a plot where there are lengths. Raises SettingsError for a bad folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{suite}.json").write_text(output + "\n", encoding="utf-8")
        (folder / f"{suite}.md").write_text(table + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{folder} cannot be written ({error.strerror}). Name another folder with --out."
        ) from error
    needle = figures.get("suites", {}).get("needle") or figures
    if points := needle.get("points"):
        from evaluation.needle_plot import plot_scores  # pillow is optional

        plot_scores({figures["model"]: points}, folder / "needle.png")
