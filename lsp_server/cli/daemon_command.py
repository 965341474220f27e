"""`midspan daemon start|stop|status|logs`, and `midspan status`."""

import json
from typing import Any

from lsp_server.cli.output.status_words import in_words
from lsp_server.relay import handshake
from lsp_server.relay.daemon_log import daemon_log
from lsp_server.relay.launch import ask, connect
from midspan import MidspanError

_TAIL_BYTES = 64 * 1024
_STOP_WITHIN_S = 30.0


def daemon_command(action: str, *, as_json: bool) -> int:
    """Does it and prints what came of it; the exit code. Raises MidspanError."""
    if action == "logs":
        return _logs()
    if action == "start":
        connection, status = connect(handshake.request_line("status"))
        connection.close()
        _print(status, as_json=as_json)
        return 0
    answered = ask(handshake.request_line(action))
    if answered is None:
        print("{}" if as_json else "The daemon does not run.")
        return 0 if action == "stop" else 1
    connection, status = answered
    if action == "stop":
        connection.close()
        _wait_until_gone(status["pid"])
        if not as_json:
            print(f"The daemon, process {status['pid']}, has ended.{_who_comes_back(status['sessions'])}")
            return 0
    _print(status, as_json=as_json)
    return 0


def _who_comes_back(sessions: int) -> str:
    if not sessions:
        return ""
    editors = "1 editor was" if sessions == 1 else f"{sessions} editors were"
    return f" {editors} connected; whoever types next starts it again."


def _wait_until_gone(pid: int) -> None:
    import psutil

    try:
        psutil.Process(pid).wait(_STOP_WITHIN_S)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired as error:
        raise MidspanError(f"The daemon, process {pid}, does not end. End it: kill -9 {pid}") from error


def _print(status: dict[str, Any], *, as_json: bool) -> None:
    print(json.dumps(status, indent=2) if as_json else in_words(status))


def _logs() -> int:
    path = daemon_log()
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        print(f"There is no log yet. It will be {path}")
        return 1
    print(f"{text}{path}")
    return 0
