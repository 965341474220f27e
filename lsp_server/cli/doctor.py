"""`midspan doctor`: says what is installed and what is wrong, and mends what is safe to mend."""

import argparse
from pathlib import Path

from lsp_server.cli.input.options import Commands, json_option, model_flags, model_options


def add_parser(commands: Commands) -> None:
    """Add `doctor`."""
    parser = commands.add_parser(
        "doctor", parents=[model_options(), json_option()], help="say what is installed and what is wrong"
    )
    parser.add_argument("--fix", action="store_true", help="mend what can be mended without losing anything")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the findings; return 1 when something is wrong. Raises MidspanError."""
    from lsp_server.cli.checks.examination import examine
    from lsp_server.cli.input.place import current_root
    from lsp_server.settings.command_settings import read_settings

    root = current_root()
    settings, errors = read_settings(model_flags(options), root, Path.cwd())
    return examine(settings, errors, root, as_json=options.json, fixes=options.fix)
