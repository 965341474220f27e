"""The command line of `midspan index` and `midspan context`."""

import argparse
from pathlib import Path


def add_context_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    model: argparse.ArgumentParser,
    as_json: argparse.ArgumentParser,
) -> None:
    """Adds `index` and `context`."""
    index = commands.add_parser("index", parents=[as_json], help="bring the index of a workspace up to date")
    index.add_argument("path", type=Path, nargs="?", metavar="PATH", help="its root; without it, this repository")
    context = commands.add_parser("context", help="what a prompt holds, and why")
    questions = context.add_subparsers(dest="question", required=True, metavar="QUESTION")
    show = questions.add_parser("show", parents=[model, as_json], help="print the packed prompt at one place")
    show.add_argument("place", metavar="FILE:LINE:COL", help="line and column count from 1")
    show.add_argument("--budget", type=_tokens, metavar="TOKENS", help="how long the prompt may be")
    why = questions.add_parser("why", parents=[as_json], help="say which rule lets a file in or keeps it out")
    why.add_argument("file", type=Path, metavar="FILE")


def _tokens(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of tokens, such as 4096")
    return int(text)
