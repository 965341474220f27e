"""Writes the shell completions and the man page from the command line's own parser.

Run it from the repository's root, as `python packaging/write_pages.py`, with the packages of `.[dev]`.
"""

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from lsp_server.cli.main import build_parser

FOLDER = Path(__file__).parent
COMPLETIONS = {"bash": "completions/midspan", "zsh": "completions/_midspan", "fish": "completions/midspan.fish"}
MAN_PAGE = "man/midspan.1"
# The names of arguments that are files or folders, with what a shell completes there.
_PATHS = {"FILE": shtab.FILE, "FILE:LINE:COL": shtab.FILE, "PATH": shtab.FILE, "FOLDER": shtab.DIRECTORY}


def write_pages(folder: Path) -> None:
    """Write the completions of each shell, and the man page, into the folder."""
    for shell, name in COMPLETIONS.items():
        _write(folder / name, shtab.complete(_parser_with_files(), shell))
    _write(folder / MAN_PAGE, _man_page())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (line.rstrip() for line in text.splitlines())
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _parser_with_files() -> argparse.ArgumentParser:
    """The parser, whose arguments that name files are completed as files."""
    parser = build_parser()
    for action in _actions(parser):
        if isinstance(action.metavar, str) and action.metavar in _PATHS:
            action.complete = _PATHS[action.metavar]  # type: ignore[attr-defined]  # shtab looks for it there
    return parser


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # argparse has no public list of them
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _man_page() -> str:
    os.environ["COLUMNS"] = "80"  # of the usage lines
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # no date: the page is the same whenever it is written
    parser = build_parser()
    data = {
        "project_name": "midspan",
        "description": "complete code with a model on your own machine",
        "manual_title": "Midspan",
        "format": "single-commands-section",
    }
    page = str(Manpage(parser, _data=data))
    page = page.replace(' "1970\\-01\\-01"', ' ""', 1).replace(".SH\nPOSITIONAL ARGUMENTS", ".SH COMMANDS", 1)
    usage = re.compile(r"^usage: (.*(?:\n +.*)*)", re.MULTILINE)
    page = usage.sub(lambda found: f".nf\n{found[1].replace(_INDENT, chr(10))}\n.fi", page)
    return page + _AFTERWORD


_INDENT = "\n" + " " * len("usage: ")  # of the further lines of a usage

_AFTERWORD = """
.SH FILES
.TP
.I ~/.config/midspan/midspan.toml
the user's settings
.TP
.I ./midspan.toml
the settings of a workspace
.SH SEE ALSO
The documentation in the folder
.I docs
describes each command, setting and editor.
"""


if __name__ == "__main__":
    write_pages(FOLDER)
