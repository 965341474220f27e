"""`midspan daemon start|stop|status|logs`, and `midspan status`."""

import argparse
import json
from typing import Any

from lsp_server.cli.input.options import Commands, json_option
from midspan import MidspanError

_TAIL_BYTES = 64 * 1024
_STOP_WITHIN_S = 30.0


def add_parser(commands: Commands) -> None:
    """Add `daemon` and `status`."""
    daemon = commands.add_parser("daemon", parents=[json_option()], help="control the process that serves all editors")
    daemon.add_argument("action", choices=("start", "stop", "status", "logs"))
    daemon.set_defaults(run=run)
    status = commands.add_parser("status", parents=[json_option()], help="print what the daemon serves")
    status.set_defaults(run=run, action="status")


def run(options: argparse.Namespace) -> int:
    """Print the daemon's answer; return 1 when there is no daemon to ask. Raises MidspanError."""
    if options.action == "logs":
        return _print_log()
    return control_daemon(options.action, as_json=options.json)


def control_daemon(action: str, *, as_json: bool) -> int:
    """Start the daemon, stop it or ask for its status, and print that; return the exit code. Raises MidspanError."""
    from lsp_server.relay import handshake
    from lsp_server.relay.launch import ask, connect

    answered = connect(handshake.request_line("status")) if action == "start" else ask(handshake.request_line(action))
    if answered is None:
        print("{}" if as_json else _absence_in_words())
        return 0 if action == "stop" else 1
    connection, status = answered
    connection.close()
    if action == "stop":
        _wait_until_gone(status["pid"])
        if not as_json:
            print(f"The daemon, process {status['pid']}, has ended.{_editors_in_words(status['sessions'])}")
            return 0
    _print_status(status, as_json=as_json)
    return 0


def _absence_in_words() -> str:
    from lsp_server.cli.output.status_words import other_daemon_in_words
    from lsp_server.relay.door import other_daemons
    from lsp_server.relay.runtime_folder import runtime_folder

    return "\n".join(["The daemon does not run.", *map(other_daemon_in_words, other_daemons(runtime_folder()))])


def _editors_in_words(sessions: int) -> str:
    if not sessions:
        return ""
    editors = "1 editor was" if sessions == 1 else f"{sessions} editors were"
    return f" {editors} connected; the next keystroke in an editor starts the daemon again."


def _wait_until_gone(pid: int) -> None:
    import psutil

    try:
        psutil.Process(pid).wait(_STOP_WITHIN_S)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired as error:
        raise MidspanError(f"The daemon, process {pid}, does not end. End it: kill -9 {pid}") from error


def _print_status(status: dict[str, Any], *, as_json: bool) -> None:
    from lsp_server.cli.output.status_words import status_in_words

    print(json.dumps(status, indent=2) if as_json else status_in_words(status))


def _print_log() -> int:
    from lsp_server.relay.daemon_log import daemon_log
    from midspan.visible_text import visible_text

    path = daemon_log()
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        print(f"There is no log yet. The daemon writes it to {path}")
        return 1
    print(visible_text(f"{text}{path}"))
    return 0
