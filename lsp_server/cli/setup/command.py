"""`midspan setup`: configures the editors of this machine, proposes a model and tries a completion."""

import argparse
import sys
from typing import TYPE_CHECKING

from lsp_server.cli.input.options import Commands
from midspan import MidspanError, SettingsError

if TYPE_CHECKING:  # parsing the command line imports nothing heavy
    from lsp_server.cli.setup.dialog import Dialog


def add_parser(commands: Commands) -> None:
    """Add `setup`."""
    parser = commands.add_parser("setup", help="set up the editors of this machine, and choose a model")
    parser.add_argument("--yes", action="store_true", help="agree to everything, and ask nothing")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and write nothing")
    parser.add_argument("--no-model", action="store_true", help="set up the editors alone, and propose no model")
    parser.add_argument("--undo", action="store_true", help="give every file back its bytes from before setup")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Set up, or undo; return 1 when something could not be done. Raises MidspanError."""
    from lsp_server.cli.setup.dialog import Dialog
    from lsp_server.cli.setup.record import user_record
    from lsp_server.cli.setup.undo import undo

    is_dry = options.dry_run
    if options.undo:
        return 0 if undo(Dialog(asks=False), user_record(), is_dry=is_dry) else 1
    if not options.yes and not is_dry and not sys.stdin.isatty():
        raise SettingsError("midspan setup asks questions, and stdin is no terminal. Add --yes, or --dry-run.")
    is_well = _set_up(Dialog(asks=not options.yes), is_dry=is_dry, proposes_model=not options.no_model)
    return 0 if is_well else 1


def _set_up(dialog: "Dialog", *, is_dry: bool, proposes_model: bool) -> bool:
    import logging

    from lsp_server.cli.checks.installed_editors import find_editors
    from lsp_server.cli.setup.installation import find_program
    from lsp_server.cli.setup.record import user_record
    from lsp_server.cli.setup.set_up_editors import set_up_editors
    from lsp_server.cli.setup.set_up_model import set_up_model
    from lsp_server.telemetry.log_setup import set_up_logging
    from midspan import __version__

    set_up_logging(logging.ERROR)  # the output is for a reader
    record, midspan = user_record(), find_program()
    dialog.say(f"Midspan {__version__}, {midspan}\n")
    is_well = set_up_editors(dialog, record, find_editors(), midspan, is_dry=is_dry)
    if proposes_model:
        try:
            set_up_model(dialog, record, is_dry=is_dry)
        except MidspanError as error:
            dialog.say(f"No model is chosen: {error}")
            is_well = False
        dialog.say()
    if is_dry:
        dialog.say("Nothing was written.")
        return is_well
    return _try(dialog) and is_well


def _try(dialog: "Dialog") -> bool:
    """Show a completion, and say what to do next; return whether there was one."""
    import os

    from lsp_server.cli.setup.trial import try_completion

    dialog.say("A trial, which may first load the model:")
    try:
        # The text is not escaped again: it may be grey.
        print(try_completion(in_grey=sys.stdout.isatty() and "NO_COLOR" not in os.environ), flush=True)
    except MidspanError as error:
        dialog.say(f"It failed: {error}")
        return False
    dialog.say("\nOpen a file in your editor and type. Tab accepts the grey text. (Restart an editor that is open.)")
    dialog.say("`midspan setup --undo` takes back what setup has changed.")
    return True
