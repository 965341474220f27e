"""`midspan eval`: measures how good a model's completions are."""

import argparse
from pathlib import Path
from typing import Literal

from lsp_server.cli.input.options import Commands, json_option, model_flags, model_options, positive

SUITES = (
    "humaneval-infilling",
    "repository",
    "needle",
    "names",
    "stops",
    "chat",
    "typing",
    "calibration",
    "next-edit",
    "all",
)

_DESCRIPTION = """\
Measure how good a model's completions are, with greedy decoding.

  humaneval-infilling  HumanEval's holes: exact match, and pass@1 by running the tests in a sandbox
  repository           lines and blocks that need a name of another file, with the repository and without
  needle               a definition somewhere in a context of 1K to 128K tokens
  names                a name that stands once in another open file
  stops                does the model stop by itself, without a limit of lines?
  chat                 is the code that an answer must cite in the prompt of a question?
  typing               lines of repositories typed key by key: is what is shown at each pause right?
  calibration          the same with other repositories; writes the model's table of confidence into its folder
  next-edit            the next change after a change: by rule, and with --model by that model too

`all` leaves out the last three.

After an interruption, the same command continues with the next case."""


def add_parser(commands: Commands) -> None:
    """Add `eval`."""
    parser = commands.add_parser(
        "eval",
        parents=[model_options(), json_option()],
        help="measure how good a model's completions are",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suite", choices=SUITES, metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="run only N cases (needle: of each length; next-edit: of each language)",
    )
    parser.add_argument("--tasks", type=Path, metavar="FILE", help="HumanEval's tasks of one set (.jsonl or .jsonl.gz)")
    parser.add_argument("--packages", type=Path, metavar="FOLDER", help="the packages' archives; default: fetch them")
    parser.add_argument(
        "--tuning", action="store_true", help="next-edit: take the packages on which rules may be tuned"
    )
    parser.add_argument(
        "--repositories", type=Path, metavar="FOLDER", help="the repositories that the questions of chat are about"
    )
    parser.add_argument("--lines", type=int, metavar="N", help="typing: N lines of each repository; 0: all")
    parser.add_argument(
        "--commits",
        type=positive,
        metavar="N",
        help="typing: N commits of the repository in this folder; the lines that they add",
    )
    parser.add_argument("--seed", type=int, metavar="S", default=16, help="typing: which lines; default: 16")
    parser.add_argument("--longest", type=positive, metavar="TOKENS", help="skip needles in longer contexts than this")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="also write the JSON, the table and a plot there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the figures; return the exit code. Raises MidspanError."""
    from evaluation.evaluate import evaluate
    from evaluation.suites import Choices
    from evaluation.typist.history import Commits
    from evaluation.typist.typing_suite import TypedLines
    from lsp_server.cli.input.command_settings import settings_for
    from lsp_server.cli.input.place import current_root

    settings = settings_for(model_flags(options), current_root())
    releases: Literal["tuning", "held out"] = "tuning" if options.tuning else "held out"
    commits = Commits(current_root(), options.commits) if options.commits else None
    typed = TypedLines(options.lines, options.seed, options.packages, commits)
    choices = Choices(
        options.limit,
        options.tasks,
        options.packages,
        options.longest,
        options.repositories,
        releases,
        typed,
        asks_model=options.model is not None,
    )
    return evaluate(options.suite, settings.completion, choices, as_json=options.json, folder=options.out)
