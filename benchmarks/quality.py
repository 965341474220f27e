"""How good a model's suggestions are, always greedy and one line.

    python -m benchmarks.quality humaneval-infilling --limit 100 --json
    python -m benchmarks.quality repository
    python -m benchmarks.quality names

`humaneval-infilling` is SingleLine by the paper's rules: pass@1 by running the tests, and exact match. `repository`
fills lines of held-out packages that use a name from another file, with that file open and without. `names` asks for
a name that stands once in another open file. An interrupted evaluation goes on where it stopped.
"""

import argparse
import json
import sys
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks import quality_humaneval, quality_names, quality_repository
from benchmarks.quality_results import Result, ResultFile, Summaries, digest_model, result_file, summarize, to_table
from benchmarks.quality_tasks import read_tasks, task_file
from inference.engine import Engine, EngineSettings
from midspan import MidspanError

# A case is done by calling this with the engine and the file of results.
RunCase = Callable[[Engine, ResultFile], list[Result]]


def humaneval_cases(arguments: Namespace) -> list[RunCase]:
    """Raises SettingsError without the task file."""
    tasks = read_tasks(task_file(arguments.data), arguments.limit)
    return [partial(quality_humaneval.run_task, task=task) for task in tasks]


def repository_cases(arguments: Namespace) -> list[RunCase]:
    """Raises SettingsError without the corpus."""
    cases = quality_repository.draw_cases(arguments.limit or quality_repository.DEFAULT_CASES)
    return [partial(quality_repository.run_case, case=case) for case in cases]


def name_cases(arguments: Namespace) -> list[RunCase]:
    """The cases that come with the source."""
    return [partial(quality_names.run_case, case=case) for case in quality_names.read_cases()[: arguments.limit]]


SUITES = {"humaneval-infilling": humaneval_cases, "repository": repository_cases, "names": name_cases}


def run_cases(
    engine: Engine, cases: Sequence[RunCase], kept: ResultFile, progress: Callable[[int, int], None]
) -> Summaries:
    """A summary for each way in which the cases were asked. Raises MidspanError."""
    results: dict[str, list[Result]] = defaultdict(list)
    for number, run_case in enumerate(cases, 1):
        for result in run_case(engine, kept):
            results[result.way].append(result)
        progress(number, len(cases))
    return {way: summarize(found) for way, found in results.items()}


def show_progress(done: int, total: int) -> None:
    """A bar on stderr, drawn over itself."""
    width = 30
    filled = width * done // total
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r[{'#' * filled}{'.' * (width - filled)}] {done}/{total}{end}")
    sys.stderr.flush()


def to_json(model: str, weights: str, suite: str, summaries: Summaries) -> str:
    """The first way's figures at the top, every way's under its name. `weights` is the model folder's digest."""
    first = next(iter(summaries.values()))
    return json.dumps({"model": model, "weights": weights, "suite": suite, **first, "ways": summaries}, indent=2)


def read_arguments() -> Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--data", type=Path, help="folder of HumanEval's task files (default: $MIDSPAN_EVAL)")
    parser.add_argument("--model", type=Path, help="model folder (default: the built-in model)")
    parser.add_argument("--limit", type=int, help="only so many cases")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    if arguments.limit is not None and arguments.limit < 1:
        parser.error("--limit is at least 1")
    return arguments


def main() -> int:
    """Exit code 1 and a sentence on stderr when the cases or the model cannot be used."""
    arguments = read_arguments()
    try:
        cases = SUITES[arguments.suite](arguments)
        engine = Engine(EngineSettings(model=arguments.model))
        try:
            kept = result_file(arguments.suite, engine.folder)
            summaries = run_cases(engine, cases, kept, show_progress)
        finally:
            engine.close()
    except MidspanError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.json:
        print(to_json(engine.info.name, digest_model(engine.folder), arguments.suite, summaries))
    else:
        print(f"{engine.info.name}, {arguments.suite}\n\n{to_table(summaries)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
