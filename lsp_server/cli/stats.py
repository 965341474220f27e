"""`midspan stats`: the completions that were accepted and their latency, as counted on this machine."""

import argparse
import json

from lsp_server.cli.input.options import Commands, json_option, positive
from midspan import SettingsError

_DAYS = 30


def add_parser(commands: Commands) -> None:
    """Add `stats`."""
    parser = commands.add_parser("stats", parents=[json_option()], help="say what was accepted and how long it took")
    parser.add_argument(
        "--days", type=positive, default=_DAYS, metavar="N", help=f"count the last N days; default: {_DAYS}"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the counts; return the exit code. Raises SettingsError when their file cannot be read."""
    import sqlite3

    from lsp_server.cli.output.stats_words import stats_in_words
    from lsp_server.telemetry.usage_file import read_counts, usage_file
    from lsp_server.telemetry.usage_report import first_day, make_report
    from midspan.visible_text import visible_text

    path = usage_file()
    since = first_day(options.days)
    try:
        found = make_report(read_counts(path, since))
    except sqlite3.Error as error:
        raise SettingsError(f"{path} cannot be read ({error}). Delete it to begin anew.") from error
    if options.json:
        print(json.dumps({"file": str(path), "since": since, **found}, indent=2))
    else:
        print(visible_text(stats_in_words(found, since)))
        print(f"\nThe counts are in {path} and never leave this machine. `stats = false` in your settings ends them.")
    return 0
