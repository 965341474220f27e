"""Infilling tasks of HumanEval (Bavarian et al., arXiv:2207.14255): programs with one part cut out, and their tests."""

import gzip
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from midspan import SettingsError

FOLDER_VARIABLE = "MIDSPAN_EVAL"
SINGLE_LINE_FILE = "HumanEval-SingleLineInfilling.jsonl.gz"


# What is cut out: one whole line, several, or a part that begins and ends anywhere.
Cut = Literal["line", "lines", "span"]
_CUTS: dict[str, Cut] = {
    "SingleLineInfilling": "line",
    "MultiLineInfilling": "lines",
    "RandomSpanInfilling": "span",
    "RandomSpanInfillingLight": "span",
}


@dataclass(frozen=True)
class Task:
    """A task. `prompt + wanted + suffix` is a right program; `test` defines `check`, called with the entry point."""

    name: str
    entry_point: str
    prompt: str
    wanted: str
    suffix: str
    test: str
    cut: Cut = "line"

    def program(self, middle: str) -> str:
        """The program that judges a middle: it ends without an exception when the middle is right."""
        return f"{self.prompt}{middle}{self.suffix}\n{self.test}\ncheck({self.entry_point})\n"


def task_file(named: Path | None) -> Path:
    """The file of the tasks: that of `--tasks`, else the SingleLine tasks. Raises SettingsError when there is none."""
    path = named
    if path is None and (folder := os.environ.get(FOLDER_VARIABLE)):
        path = Path(folder) / SINGLE_LINE_FILE
    if path is None:
        raise SettingsError(
            f"HumanEval's tasks are missing. Give {SINGLE_LINE_FILE} with --tasks FILE, or name its folder in "
            f"{FOLDER_VARIABLE}. The file is published in OpenAI's repository human-eval-infilling."
        )
    if not path.is_file():
        raise SettingsError(f"{path} does not exist. Give {SINGLE_LINE_FILE} with --tasks FILE.")
    return path


def read_tasks(path: Path, limit: int | None) -> list[Task]:
    """The first `limit` tasks of the file, in the file's order. Raises SettingsError for another kind of file."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as lines:
            return [_parse(line) for number, line in enumerate(lines) if limit is None or number < limit]
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise SettingsError(f"{path} cannot be read as tasks ({error!r}). Download it again.") from error


def _parse(line: str) -> Task:
    task = json.loads(line)
    return Task(
        name=task["task_id"],
        entry_point=task["entry_point"],
        prompt=task["prompt"],
        wanted=task["canonical_solution"],
        suffix=task["suffix"],
        test=task["test"],
        cut=_CUTS[task["task_id"].partition("/")[0]],
    )
