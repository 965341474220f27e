"""`midspan`: parses the command line and runs one command.

A command's module imports what it runs only when it runs, so that `midspan serve` starts at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from lsp_server.cli import chat, complete, context, daemon, dashboard, doctor, index, model, serve, stats, trace, trust
from lsp_server.cli import eval as eval_command
from lsp_server.cli.input.current_folder import has_current_folder
from lsp_server.cli.setup import command as setup
from midspan import MidspanError, __version__
from midspan.visible_text import visible_line

_DESCRIPTION = "A code-assist daemon: inline completions from a model inside the process, over LSP."
_COMMANDS = (
    setup,
    serve,
    complete,
    chat,
    index,
    context,
    daemon,
    trace,
    dashboard,
    stats,
    doctor,
    trust,
    eval_command,
    model,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, 1 when something is wrong, 2 for a wrong command line, 130 for Ctrl-C."""
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except MidspanError as error:
        print(f"midspan: {visible_line(' '.join(str(error).split()))}", file=sys.stderr)
        return 1
    except FileNotFoundError:
        if has_current_folder():
            raise
        print("midspan: The current folder was removed. Go to another one.", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the output has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; `run` in its result takes the options and returns the exit code."""
    parser = argparse.ArgumentParser("midspan", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"midspan {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser
