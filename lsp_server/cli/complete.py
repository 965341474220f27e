"""`midspan complete FILE:LINE:COL`: one completion without an editor."""

import argparse

from lsp_server.cli.input.options import PLACE_HELP, Commands, json_option, model_flags, model_options


def add_parser(commands: Commands) -> None:
    """Add `complete`."""
    parser = commands.add_parser("complete", parents=[model_options(), json_option()], help="complete a file once")
    parser.add_argument("place", metavar="FILE:LINE:COL", help=PLACE_HELP)
    parser.add_argument("--show", action="store_true", help="print the file around the cursor with the ghost text")
    parser.add_argument(
        "--all",
        action="store_true",
        help="print what a key is given: several lines, all candidates, and in mid-line too",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the completion; return the exit code. Raises MidspanError."""
    from lsp_server.cli.completion_at_place import complete_at
    from lsp_server.cli.input.command_settings import settings_for
    from lsp_server.cli.input.place import root_of_place

    flags = model_flags(options)
    settings = settings_for(flags, root_of_place(options.place)).completion
    return complete_at(options.place, settings, flags, as_json=options.json, show=options.show, is_asked=options.all)
