"""`midspan index [PATH]`: brings the index of a workspace up to date, or forgets the pages that are on the disk."""

import argparse
from pathlib import Path

from lsp_server.cli.input.options import Commands, json_option


def add_parser(commands: Commands) -> None:
    """Add `index`."""
    parser = commands.add_parser("index", parents=[json_option()], help="bring the index of a workspace up to date")
    parser.add_argument("path", type=Path, nargs="?", metavar="PATH", help="the root; default: the current repository")
    parser.add_argument(
        "--forget-pages",
        action="store_true",
        help="only remove the pages of the prefix cache that are kept on the disk, of all workspaces",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Update the index or forget pages, and print what changed; return the exit code.

    Raises DocumentError for a path that is no folder, SettingsError when the index cannot be written.
    """
    from lsp_server.cli.index_update import forget_pages, update_index
    from lsp_server.cli.input.place import current_root

    if options.forget_pages:
        return forget_pages(as_json=options.json)
    return update_index(options.path or current_root(), as_json=options.json)
