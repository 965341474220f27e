"""Lines of packages that were never trained on, each with a name that another file of the package defines.

The name stands nowhere else in the current file, so it can only come from the other one. Each line is asked for
alone, with the whole other file open, and with no more of it open than the lines around the definition.
"""

import difflib
import re
from dataclasses import dataclass
from functools import partial
from random import Random

from benchmarks.quality_fills import Fill, Question, answer, user_request
from benchmarks.quality_results import Result, ResultFile
from context.document import Document
from context.snapshot import Snapshot
from inference.engine import Engine
from midspan import SettingsError
from training.data import SourceFile, load_files
from training.holes import PAUSE

DEFAULT_CASES = 200
SEED = 11
LINES_AROUND = 12
ALONE, FILE_OPEN, DEFINITION_OPEN = "alone", "file open", "definition open"
DEFINITION = re.compile(r"^[ \t]*(?:def|class)[ \t]+([A-Za-z]\w{4,})", re.M)
LONGEST_MIDDLE = 80


@dataclass(frozen=True)
class RepositoryCase:
    """The hole is `text[start:end]` of the file at `path`; `name` is in it. `other` is the file that defines it."""

    title: str
    path: str
    text: str
    start: int
    end: int
    name: str
    other_path: str
    other: str


def draw_cases(count: int) -> list[RepositoryCase]:
    """The same cases for the same corpus. Raises SettingsError when there is none, or it holds too few."""
    cases = []
    for files in load_files("held_out"):
        for file in files:
            cases += [case for index in file.imports for case in _cases_between(file, files[index])]
    if len(cases) < count:
        raise SettingsError(
            f"the held-out packages give {len(cases)} cases of {count}: build the corpus (python -m training.data), "
            f"or ask for fewer with --limit"
        )
    return Random(SEED).sample(cases, count)


def _cases_between(file: SourceFile, other: SourceFile) -> list[RepositoryCase]:
    cases = []
    for name in sorted(set(DEFINITION.findall(other.text))):
        uses = [match.start() for match in re.finditer(rf"\b{name}\b", file.text)]
        if len(uses) == 1 and (hole := _hole_before(file.text, uses[0])):
            title = f"{file.path}:{uses[0]}:{name}"
            cases.append(RepositoryCase(title, file.path, file.text, *hole, name, other.path, other.text))
    return cases


def _hole_before(text: str, use: int) -> tuple[int, int] | None:
    """From the last place before the name where typing pauses to the end of the line; None within prose or imports."""
    line_start, line_end = text.rfind("\n", 0, use) + 1, text.find("\n", use)
    line = text[line_start : use + 1]
    is_code = not re.match(r"\s*(?:from|import|def|class|#|@)", line) and "#" not in line
    if line_end < 0 or not is_code or any(text.count(q, 0, use) % 2 for q in ('"""', "'''")):
        return None
    code_start = line_start + len(line) - len(line.lstrip())
    pauses = [line_start + match.end() for match in PAUSE.finditer(line) if line_start + match.end() <= use]
    start = max([code_start, *pauses])
    return (start, line_end) if start < line_end and line_end - start <= LONGEST_MIDDLE else None


def definition_around(case: RepositoryCase) -> str:
    """The other file's lines around the definition of the name."""
    lines = case.other.split("\n")
    where = next(i for i, line in enumerate(lines) if case.name in DEFINITION.findall(line))
    return "\n".join(lines[max(0, where - LINES_AROUND) : where + LINES_AROUND]) + "\n"


def snapshots_of(case: RepositoryCase) -> dict[str, Snapshot]:
    """The current file with the hole cut out; beside it nothing, the other file, or a part of that."""
    current = Document(case.path, case.text[: case.start] + case.text[case.end :], "python", version=0)
    opened = {ALONE: None, FILE_OPEN: case.other, DEFINITION_OPEN: definition_around(case)}
    return {
        way: Snapshot(current, case.start, (Document(case.other_path, text, "python", version=0),) if text else ())
        for way, text in opened.items()
    }


def judge(case: RepositoryCase, fill: Fill) -> dict[str, float]:
    """Blanks at the end do not count. `edit_similarity` is difflib's ratio."""
    wanted, line = case.text[case.start : case.end].rstrip(), fill.line.rstrip()
    return {
        "exact_match": float(line == wanted),
        "edit_similarity": difflib.SequenceMatcher(None, line, wanted, autojunk=False).ratio(),
        "identifier_match": float(re.search(rf"\b{case.name}\b", line) is not None),
    }


def run_case(engine: Engine, kept: ResultFile, case: RepositoryCase) -> list[Result]:
    """One result for each way. Raises MidspanError."""
    return [
        answer(engine, Question(case.title, way, user_request(engine, snapshot), snapshot), kept, partial(judge, case))
        for way, snapshot in snapshots_of(case).items()
    ]
