"""`midspan index [PATH]`: brings the index of a workspace up to date."""

import argparse
from pathlib import Path

from lsp_server.cli.input.options import Commands, json_option


def add_parser(commands: Commands) -> None:
    """Add `index`."""
    parser = commands.add_parser("index", parents=[json_option()], help="bring the index of a workspace up to date")
    parser.add_argument("path", type=Path, nargs="?", metavar="PATH", help="the root; default: the current repository")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Update the index and print what changed; return the exit code.

    Raises DocumentError for a path that is no folder, SettingsError when the index cannot be written.
    """
    from lsp_server.cli.index_update import update_index
    from lsp_server.cli.input.place import current_root

    return update_index(options.path or current_root(), as_json=options.json)
