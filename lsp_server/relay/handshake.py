"""The first line on the daemon's socket, each way: one JSON object. The frames of LSP follow.

A relay says its version, its settings and what it wants:

- `serve`: a session. `{"pid": N, "version": V}` comes back, and from there on both speak LSP.
- `status`: an account of the daemon comes back, and the connection ends.
- `trace`: the last requests, `limit` of them, with higher ids than `after`, if the daemon of this `pid` said that;
  where there is none, it waits `wait_s` for one. They and its `pid` come back, and the connection ends.
- `dashboard`: the `url` of the daemon's page comes back, or an `error`, and the connection ends.
- `stop`: the same as for `status`, and the daemon tells its relays and leaves. They start it again at their editor's
  next message.

A new relay that finds a daemon of another version is told `{"retired": true}`: that daemon gives up its place to a
daemon of the new version at once, keeps the sessions that it has and leaves with the last of them. A relay that only
resumes a session after a crash is served by whichever version is there, so two versions never drive each other out.
"""

import json
from typing import Any

from midspan import MidspanError, __version__

MAX_LINE_BYTES = 64 * 1024
# What the daemon tells a relay and no editor: it was told to stop; a line of the session's log.
STOPPED = "midspan/stopped"
LOG = "midspan/log"
# How the environment variables begin that hold the keys of remote models.
KEY_VARIABLES = "MIDSPAN_KEY_"


class HandshakeError(MidspanError):
    """The other end does not speak as this module says."""


def say(wants: str, *, resumes: bool = False, **details: Any) -> bytes:
    """A relay's line. `details`: the `settings` of its command line by name, the `folder` that a path in them is
    relative to, and the `keys` of remote models, which the editor's environment may have and the daemon's not.
    """
    return line({"version": __version__, "wants": wants, "resumes": resumes, **details})


def line(message: dict[str, Any]) -> bytes:
    """The object as one line."""
    return json.dumps(message).encode() + b"\n"


def parse(data: bytes) -> dict[str, Any]:
    """The object that a line holds. Raises HandshakeError."""
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HandshakeError("The first line is not JSON.") from error
    if not isinstance(message, dict):
        raise HandshakeError("The first line is not an object.")
    return message
