"""`midspan dashboard`: opens the daemon's page in the browser."""

import html
import os
import webbrowser
from pathlib import Path

from lsp_server.relay import handshake
from lsp_server.relay.launch import connect
from lsp_server.relay.runtime_folder import runtime_folder
from midspan import MidspanError

_DOOR = "dashboard.html"


def open_dashboard(*, is_opened: bool) -> int:
    """Prints where it is and, if wanted, opens it; the exit code. Starts the daemon when there is none."""
    connection, answer = connect(handshake.request_line("dashboard"))
    connection.close()
    url = answer.get("url")
    if not isinstance(url, str):
        raise MidspanError(str(answer.get("error") or "The daemon that runs has no dashboard: midspan daemon stop"))
    print(url, flush=True)
    if is_opened:
        webbrowser.open(_door(url).as_uri())
    return 0


def _door(url: str) -> Path:
    """A page that leads there: the command line of a browser is for all users to see, this file is not."""
    path = runtime_folder() / _DOOR
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(url)}">')
    return path
