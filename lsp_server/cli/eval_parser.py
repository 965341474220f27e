"""The command line of `midspan eval`; apart from what it runs, so that other commands do not wait for that."""

import argparse
from pathlib import Path

EVAL_SUITES = ("humaneval-infilling", "repository", "needle", "names", "stops", "all")

_DESCRIPTION = """\
How good a model's suggestions are, always greedy.

  humaneval-infilling  single lines of HumanEval: exact match, and pass@1 by running the tests in a sandbox
  repository           lines and blocks that need a name of another file, with the repository and without
  needle               a definition somewhere in a context of 1K to 128K tokens
  names                a name that stands once in another open file
  stops                does the model end by itself, without a limit of lines?

Stopped in the middle, the same command goes on where it was."""


def add_eval_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    model: argparse.ArgumentParser,
    as_json: argparse.ArgumentParser,
) -> None:
    """`midspan eval`, beside the other commands."""
    parser = commands.add_parser(
        "eval",
        parents=[model, as_json],
        help="measure how good a model's suggestions are",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suite", choices=EVAL_SUITES, metavar="SUITE", help=", ".join(EVAL_SUITES))
    parser.add_argument("--limit", type=_positive, metavar="N", help="only so many cases (needle: of each length)")
    parser.add_argument("--tasks", type=Path, metavar="FILE", help="HumanEval's SingleLine tasks (.jsonl or .jsonl.gz)")
    parser.add_argument("--packages", type=Path, metavar="FOLDER", help="wheels of the held-out packages, else fetched")
    parser.add_argument("--longest", type=_positive, metavar="TOKENS", help="no needle in a longer context than this")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write the JSON, the table and a plot there too")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
