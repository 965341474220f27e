"""How good a model's suggestions are.

    python -m benchmarks.quality humaneval-infilling --limit 100 --json

HumanEval SingleLine infilling by the paper's rules: greedy, one line, pass@1 by running the tests, exact match with
what stood there (blanks at the end do not count). Each task is asked twice: with the plain prompt, and as a user gets
it, through the packer and the post-processing. An interrupted evaluation goes on where it stopped.
"""

import argparse
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.quality_fills import Fill, ask, plain_request, shown, user_request
from benchmarks.quality_results import Result, ResultFile, Summary, digest_prompt, result_file, summarize
from benchmarks.quality_sandbox import Limits, passes
from benchmarks.quality_tasks import Task, read_tasks, task_file
from inference.engine import Engine, EngineSettings
from midspan import MidspanError

SUITE = "humaneval-infilling"
PLAIN, USER = "plain", "user"


def judge(task: Task, fill: Fill, way: str, prompt: str) -> Result:
    """Compare the line with what stood there, and run the program with it."""
    exact = fill.line.rstrip() == task.wanted.rstrip()
    passed = passes(task.program(f"{fill.line}\n"), Limits())
    return Result(task.name, way, prompt, fill.line, fill.finish_reason, exact, passed)


def run_task(engine: Engine, task: Task, way: str, kept: ResultFile) -> Result:
    """From the file of results, or from the engine and the sandbox. Raises MidspanError."""
    request = plain_request(engine, task) if way == PLAIN else user_request(engine, task)
    prompt = digest_prompt(request.prompt_tokens)
    if known := kept.find(task.name, way, prompt):
        return known
    fill = ask(engine, request)
    result = judge(task, fill if way == PLAIN else shown(task, fill), way, prompt)
    kept.add(result)
    return result


def run_suite(
    engine: Engine, tasks: Sequence[Task], kept: ResultFile, progress: Callable[[int, int], None]
) -> dict[str, Summary]:
    """Both ways over all tasks. Raises MidspanError."""
    results: dict[str, list[Result]] = {PLAIN: [], USER: []}
    for number, task in enumerate(tasks, 1):
        for way, found in results.items():
            found.append(run_task(engine, task, way, kept))
        progress(number, len(tasks))
    return {way: summarize(found) for way, found in results.items()}


def show_progress(done: int, total: int) -> None:
    """A bar on stderr, drawn over itself."""
    width = 30
    filled = width * done // total
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r[{'#' * filled}{'.' * (width - filled)}] {done}/{total}{end}")
    sys.stderr.flush()


def describe(model: str, summaries: dict[str, Summary]) -> dict[str, object]:
    """The paper's figures at the top, the user's beside them."""
    return {"model": model, "suite": SUITE, **asdict(summaries[PLAIN]), "as_a_user": asdict(summaries[USER])}


def print_table(model: str, summaries: dict[str, Summary]) -> None:
    """For people."""
    print(f"{model}, {SUITE} (SingleLine)\n")
    print("| asked | n | exact match | pass@1 | stopped by itself |\n|---|---|---|---|---|")
    for way, s in summaries.items():
        print(f"| {way} | {s.n} | {s.exact_match:.1%} | {s.pass_at_1:.1%} | {s.stopped_by_itself:.1%} |")


def read_arguments() -> Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.split("\n")[0])
    parser.add_argument("suite", choices=[SUITE])
    parser.add_argument("--data", type=Path, help="folder of the task files (default: $MIDSPAN_EVAL)")
    parser.add_argument("--model", type=Path, help="model folder (default: the built-in model)")
    parser.add_argument("--limit", type=int, help="only the first so many tasks")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    if arguments.limit is not None and arguments.limit < 1:
        parser.error("--limit is at least 1")
    return arguments


def main() -> int:
    """Exit code 1 and a sentence on stderr when the tasks or the model cannot be used."""
    arguments = read_arguments()
    try:
        tasks = read_tasks(task_file(arguments.data), arguments.limit)
        engine = Engine(EngineSettings(model=arguments.model))
        try:
            kept = result_file(SUITE, engine.info.folder)
            summaries = run_suite(engine, tasks, kept, show_progress)
        finally:
            engine.close()
    except MidspanError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(describe(engine.info.name, summaries), indent=2))
    else:
        print_table(engine.info.name, summaries)
    return 0


if __name__ == "__main__":
    sys.exit(main())
