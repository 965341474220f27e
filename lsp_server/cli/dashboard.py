"""`midspan dashboard`: opens the daemon's page in the browser."""

import argparse
import os
from pathlib import Path

from lsp_server.cli.input.options import Commands
from midspan import MidspanError
from midspan.file_flags import OWN_FILE

_REDIRECT = "dashboard.html"


def add_parser(commands: Commands) -> None:
    """Add `dashboard`."""
    parser = commands.add_parser("dashboard", help="open a live page about the daemon in the browser")
    parser.add_argument("--no-open", action="store_true", help="only print the address")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the address and open it unless told not to; return the exit code. Raises MidspanError."""
    return open_dashboard(in_browser=not options.no_open)


def open_dashboard(*, in_browser: bool) -> int:
    """Print the address of the dashboard, and open it if wanted; return the exit code. Starts a daemon if none runs."""
    import webbrowser

    from lsp_server.relay import handshake
    from lsp_server.relay.launch import connect

    connection, answer = connect(handshake.request_line("dashboard"))
    connection.close()
    url = answer.get("url")
    if not isinstance(url, str):
        raise MidspanError(
            str(answer.get("error") or "The daemon that runs has no dashboard. Stop it: midspan daemon stop")
        )
    print(url, flush=True)
    if in_browser:
        webbrowser.open(_write_redirect(url).as_uri())
    return 0


def _write_redirect(url: str) -> Path:
    """Write a private page that leads to the address: all users can see a browser's command line, but not this file."""
    import html

    from lsp_server.relay.runtime_folder import runtime_folder

    path = runtime_folder() / _REDIRECT
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | OWN_FILE, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(url)}">')
    return path
