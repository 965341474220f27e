"""The command line of what shows the daemon at work: `midspan status`, `trace`, `dashboard` and `stats`."""

import argparse

_DAYS = 30


def add_insight_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", as_json: argparse.ArgumentParser
) -> None:
    """Adds them."""
    commands.add_parser("status", parents=[as_json], help="say what the daemon serves, with which models")
    trace = commands.add_parser("trace", parents=[as_json], help="show the last requests: what each was given and cost")
    trace.add_argument("id", type=_number, nargs="?", metavar="ID", help="show all that is known of this one")
    trace.add_argument("--limit", type=_number, metavar="N", help="how many")
    trace.add_argument("--follow", action="store_true", help="go on with those that come")
    dashboard = commands.add_parser("dashboard", help="open a page with all that, live, in the browser")
    dashboard.add_argument("--no-open", action="store_true", help="only print where it is")
    stats = commands.add_parser("stats", parents=[as_json], help="say what was accepted and how long it took")
    stats.add_argument(
        "--days", type=_number, default=_DAYS, metavar="N", help=f"of the last N days, {_DAYS} without it"
    )


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)
