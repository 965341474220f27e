"""`midspan trace`: the last requests with their prompts, costs and outcomes."""

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

from lsp_server.cli.input.options import Commands, json_option, natural
from midspan import DocumentError, MidspanError

_WAIT_S = 20  # the daemon answers after this time even when there is no new request
_RETRY_AFTER_S = 1.0
_ALL = 1000  # more than a daemon keeps


class NoDaemonRunsError(MidspanError):
    """A command needs a daemon that runs, and does not start one."""


def add_parser(commands: Commands) -> None:
    """Add `trace`."""
    parser = commands.add_parser(
        "trace", parents=[json_option()], help="show the last requests: their prompts, costs and outcomes"
    )
    parser.add_argument("id", type=natural, nargs="?", metavar="ID", help="show all that is known of this request")
    parser.add_argument("--limit", type=natural, metavar="N", help="show at most N requests")
    parser.add_argument("--follow", action="store_true", help="go on with new requests")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the traces; return the exit code. Raises MidspanError."""
    return show_traces(options.id, options.limit, follow=options.follow, as_json=options.json)


def show_traces(number: int | None, limit: int | None, *, follow: bool, as_json: bool) -> int:
    """Print the last traces, or all that is known of request `number`; return the exit code. Raises MidspanError."""
    from lsp_server.cli.output.trace_words import HEADER, trace_in_full, trace_row

    if number is not None:
        trace = _find_trace(number)
        print(json.dumps(trace) if as_json else trace_in_full(trace))
        return 0
    if not as_json:
        print(HEADER, flush=True)
    for trace in _follow_traces(limit) if follow else _ask_for_traces(limit=limit)["traces"]:
        print(json.dumps(trace) if as_json else trace_row(trace), flush=True)
    return 0


def _find_trace(number: int) -> dict[str, Any]:
    traces: list[dict[str, Any]] = _ask_for_traces(after=number - 1, limit=_ALL)["traces"]
    if not traces or traces[0]["id"] != number:
        raise DocumentError(
            f"There is no request {number}, or the daemon has forgotten it. `midspan trace` shows the last requests."
        )
    return traces[0]


def _follow_traces(limit: int | None) -> Iterator[dict[str, Any]]:
    """Never ends: when the daemon ends, the traces of the next daemon follow."""
    answer = _ask_for_traces(limit=limit)
    last = 0
    while True:
        for trace in answer["traces"]:
            yield trace
            last = trace["id"]
        pid = answer["pid"]
        try:
            answer = _ask_for_traces(limit=_ALL, wait_s=_WAIT_S, pid=pid, after=last)
            if answer["pid"] != pid:
                last = 0  # another daemon counts from 1
        except MidspanError:
            time.sleep(_RETRY_AFTER_S)
            answer["traces"] = []


def _ask_for_traces(**question: Any) -> dict[str, Any]:
    from lsp_server.relay import handshake
    from lsp_server.relay.launch import ask

    answered = ask(handshake.request_line("trace", **question))
    if answered is None:
        raise NoDaemonRunsError("The daemon does not run, so there are no requests. An editor starts the daemon.")
    answered[0].close()
    return answered[1]
