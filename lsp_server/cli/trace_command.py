"""`midspan trace`: what the last requests were given, what they cost, and what came of them."""

import json
import time
from collections.abc import Iterator
from typing import Any

from lsp_server.cli.output.trace_words import HEADER, in_full, row
from lsp_server.relay import handshake
from lsp_server.relay.launch import ask
from midspan import DocumentError, MidspanError

_WAIT_S = 20  # the daemon answers by then whether there is something new or not
_LOOK_AGAIN_S = 1.0
_ALL = 1000  # more than a daemon keeps


class NobodyToAskError(MidspanError):
    """No daemon runs."""


def show_traces(number: int | None, limit: int | None, *, follow: bool, as_json: bool) -> int:
    """Prints them, or the one of this number with all that is known; the exit code. Raises MidspanError."""
    if number is not None:
        trace = _find(number)
        print(json.dumps(trace) if as_json else in_full(trace))
        return 0
    if not as_json:
        print(HEADER, flush=True)
    for trace in _followed(limit) if follow else _asked(limit=limit)["traces"]:
        print(json.dumps(trace) if as_json else row(trace), flush=True)
    return 0


def _find(number: int) -> dict[str, Any]:
    traces: list[dict[str, Any]] = _asked(after=number - 1, limit=_ALL)["traces"]
    if not traces or traces[0]["id"] != number:
        raise DocumentError(f"There is no request {number}, or it is forgotten. `midspan trace` shows the last ones.")
    return traces[0]


def _followed(limit: int | None) -> Iterator[dict[str, Any]]:
    """Never ends: when the daemon does, the next one is followed."""
    answer = _asked(limit=limit)
    last = 0
    while True:
        for trace in answer["traces"]:
            yield trace
            last = trace["id"]
        try:
            answer = _asked(limit=_ALL, wait_s=_WAIT_S, pid=answer["pid"], after=last)
        except MidspanError:
            time.sleep(_LOOK_AGAIN_S)
            answer["traces"] = []


def _asked(**question: Any) -> dict[str, Any]:
    answered = ask(handshake.request_line("trace", **question))
    if answered is None:
        raise NobodyToAskError("The daemon does not run, so there are no requests. An editor starts it.")
    answered[0].close()
    return answered[1]
