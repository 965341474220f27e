"""`midspan eval typing` and `midspan eval calibration`: a typist types lines of repositories, passage by passage."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from context.documents.document import language_of
from evaluation.cache_folder import cache_folder
from evaluation.results import kept_file
from evaluation.typist.calibration import fit_table, sample_passage, table_as_json
from evaluation.typist.history import Commits, workplaces_of
from evaluation.typist.judgement import Pause, figures_of
from evaluation.typist.kept_answers import KeptAnswers
from evaluation.typist.passages import Passage, draw_passages
from evaluation.typist.repositories import CALIBRATION, HELD_OUT, Archive, load_repositories
from evaluation.typist.typist import Desk, desk_at, keys_in, type_passage
from evaluation.typist.workplace import Workplace, open_in_turn
from inference.api import Engine
from inference.model_files import CONFIDENCE_FILE
from lsp_server.completion.confidence.confidence_table import confidence_table
from lsp_server.settings.values import CompletionSettings
from midspan import ModelError, SettingsError

DEFAULT_LINES, DEFAULT_SEED = 60, 16
_COLUMNS = ("lines", "pauses", "shown_rate", "right_of_shown", "harmless", "wrong", "saved_per_100", "flicker")
T = TypeVar("T")


@dataclass(frozen=True)
class TypedLines:
    """The lines that the command line chooses: so many of each repository (None: the default, 0: all), by a seed.

    The archives of the repositories are in `folder`, or else are fetched. With `commits`, `typing` types so many lines
    of each of these instead.
    """

    lines: int | None = None
    seed: int = DEFAULT_SEED
    folder: Path | None = None
    commits: Commits | None = None

    @property
    def most_lines(self) -> int:
        return DEFAULT_LINES if self.lines is None else self.lines

    @property
    def options(self) -> str:
        """The options of the command line that choose the same lines."""
        words = f"--lines {self.most_lines} --seed {self.seed}"
        return words if self.commits is None else f"{words} --commits {self.commits.count}"


def run_typing(
    engine: Engine, model: dict[str, str], settings: CompletionSettings, typed: TypedLines
) -> tuple[dict[str, Any], str]:
    """Type lines of the held-out repositories, or of commits; return the figures and their table.

    Raises MidspanError.
    """
    if typed.commits is None:
        places, missing = _places_of(HELD_OUT, typed)
    else:
        places = workplaces_of(typed.commits, typed.most_lines, typed.seed, cache_folder() / "history")
        missing = {}
    found = _run(engine, model, settings, typed, places, type_passage)
    rows = {
        repository: figures_of(pauses, sum(p.lines for p in passages), sum(_keys(p) for p in passages))
        for repository, (passages, pauses) in found.items()
    }
    passages = [passage for drawn, _ in found.values() for passage in drawn]
    pauses: list[Pause] = [pause for _, seen in found.values() for pause in seen]
    figures = figures_of(pauses, sum(p.lines for p in passages), sum(_keys(p) for p in passages))
    head = {"suite": "typing", "command": f"midspan eval typing {typed.options}", "eagerness": settings.eagerness}
    return head | figures | {"repositories": rows, "missing": missing}, _table(rows | {"all": figures}, missing)


def run_calibration(
    engine: Engine, model: dict[str, str], settings: CompletionSettings, typed: TypedLines
) -> tuple[dict[str, Any], str]:
    """Type lines of other repositories, and write the model's table of confidence into its folder.

    Return the table as JSON has it, and in words. Raises MidspanError.
    """
    folder = engine.info.folder
    if folder is None:
        raise ModelError("A model on a server tells no probabilities, so it has no table of confidence.")
    languages = confidence_table(folder).languages
    archives = [archive for archive in CALIBRATION if languages is None or language_of(archive.suffix) in languages]
    places, missing = _places_of(archives, typed)
    found = _run(engine, model, settings, typed, places, sample_passage)
    samples = [sample for _, seen in found.values() for sample in seen]
    made = {
        "command": f"midspan eval calibration {typed.options}",
        "model": model["model"],
        "repositories": sorted(found),
        "pauses": len(samples),
    }
    table = fit_table(samples, languages)
    path = folder / CONFIDENCE_FILE
    try:
        path.write_text(table_as_json(table, made), encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}). Copy the model to a folder of yours."
        ) from error
    figures = {"suite": "calibration", **made, "missing": missing, "least": table.least, "written": str(path)}
    rows = "\n".join(f"| {word} | {chance:.2f} |" for word, chance in table.least.items())
    return figures, f"| eagerness | shown from a chance of |\n|---|---|\n{rows}\n\n{path} is written."


def _places_of(archives: Sequence[Archive], typed: TypedLines) -> tuple[list[Workplace], dict[str, str]]:
    """Return the workplaces in the archives' repositories, and what is not at hand. Raises SettingsError."""
    repositories, missing = load_repositories(archives, typed.folder)
    drawn = [(each, draw_passages(each, typed.most_lines, typed.seed)) for each in repositories]
    return [Workplace(each.name, each.root, passages) for each, passages in drawn], missing


def _run(
    engine: Engine,
    model: dict[str, str],
    settings: CompletionSettings,
    typed: TypedLines,
    places: Sequence[Workplace],
    work: Callable[[Desk, int], Awaitable[list[T]]],
) -> dict[str, tuple[list[Passage], list[T]]]:
    """Return the passages of each repository with what the work found in them."""
    kept = KeptAnswers(engine, kept_file("typing", model["weights"], model["quant"]))
    found: dict[str, tuple[list[Passage], list[T]]] = {}
    total = sum(place.lines for place in places)
    # disable=None: shown only where stderr is a terminal
    bar = tqdm(total=total, desc="typing", unit="line", file=sys.stderr, disable=None, leave=False)
    with bar, open_in_turn(places) as (workspaces, entered):

        async def all_of(place: Workplace) -> list[T]:
            results: list[T] = []
            for passage in place.passages:
                async with desk_at(passage, place.root, workspaces, kept, settings) as desk:
                    results += await work(desk, typed.seed)
                bar.update(passage.lines)
            return results

        for place in entered:
            passages, results = found.setdefault(place.name, ([], []))
            passages += place.passages
            results += asyncio.run(all_of(place))
    return found


def _keys(passage: Passage) -> int:
    """Count the keys of a passage. The indentation of its first line stands there already."""
    return keys_in(passage.typed.lstrip(" \t"))


def _table(rows: dict[str, dict[str, float]], missing: dict[str, str]) -> str:
    lines = [f"| repository | {' | '.join(_COLUMNS)} |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for name, row in rows.items():
        lines.append(f"| {name} | {' | '.join(f'{row[column]:g}' for column in _COLUMNS)} |")
    return "\n".join([*lines, *(f"| {name} | {why}{' |' * len(_COLUMNS)}" for name, why in missing.items())])
