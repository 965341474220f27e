"""The handshake on the daemon's socket: the client sends one line, the daemon answers with one line.

A client connects to the daemon's door (`door`), at `daemon.sock` in the user's runtime folder. Each line is one JSON
object and a newline. The client's line names the version of its code and what it wants:

    {"version": "1.2.0", "wants": "serve", "resumes": false, ...}

What the daemon answers depends on `wants`:

- `serve`: `{"pid": N, "version": V}`, and from there on both sides speak LSP, framed as on stdio; or `{"error": TEXT}`
  when the settings are wrong, or `{"retired": true}`, and the daemon closes the connection. The client's line also has
  `settings` (those of its command line, by name), `folder` (the folder that a path in them is relative to) and `keys`
  (of remote models, by the name of their environment variable). The session uses these keys and no other editor's.
- `status`: the status of the daemon (`daemon_status`). The daemon closes the connection.
- `trace`: `{"pid": N, "traces": [...]}`, the newest `limit` requests with an id above `after`. A daemon whose process
  is not `pid` takes `after` for 0. If there is no such request, the daemon waits `wait_s` seconds for one. The daemon
  closes the connection.
- `complete`: the completion at a place, which no editor asks for, or `{"error": TEXT}`. The client's line has `file`
  and `root` (absolute paths), `line` and `character` (code points, from 0), `all` (as for a key), and `settings`,
  `folder` and `keys` as for `serve`. The daemon closes the connection.
- `dashboard`: `{"url": URL}` of the dashboard, or `{"error": TEXT}`. The daemon closes the connection.
- `stop`: the status. Then the daemon sends `midspan/stopped` to its relays and ends. A relay starts the next daemon at
  its editor's next message.

A daemon retires when a client of another version wants to be served: it answers `{"retired": true}`, gives up its place
at once for a daemon of the new version, keeps the sessions that it has, and ends with the last of them. A client with
`"resumes": true` resumes a session after a crash and is served by a daemon of any version, so that two versions never
retire each other by turns.

In a session the daemon sends two notifications that are for the relay and not for the editor: `midspan/stopped`, and
`midspan/log` with a `line` of the session's log.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from midspan import MidspanError, __version__

MAX_LINE_BYTES = 64 * 1024
STOPPED_METHOD = "midspan/stopped"
LOG_METHOD = "midspan/log"
# The environment variables with the keys of remote models begin with this.
KEY_VARIABLE_PREFIX = "MIDSPAN_KEY_"


class HandshakeError(MidspanError):
    """The other side does not keep to the handshake."""


def request_line(wants: str, *, resumes: bool = False, **details: Any) -> bytes:
    """Return the client's line. `details` are the members that `wants` has besides."""
    return encode({"version": __version__, "wants": wants, "resumes": resumes, **details})


def keys_of_environment() -> dict[str, str]:
    """Return the keys of remote models that this process's environment has, by the names of their variables."""
    return {name: value for name, value in os.environ.items() if name.startswith(KEY_VARIABLE_PREFIX)}


def keys_in(request: dict[str, Any]) -> dict[str, str]:
    """Return the keys of remote models that the client's line brings along."""
    keys = request.get("keys")
    found = keys.items() if isinstance(keys, dict) else ()
    return {name: key for name, key in found if name.startswith(KEY_VARIABLE_PREFIX) and isinstance(key, str)}


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for the daemon, which serves editors with other keys or none."""
    return {name: value for name, value in environment.items() if not name.startswith(KEY_VARIABLE_PREFIX)}


def encode(message: dict[str, Any]) -> bytes:
    """Return the object as one line."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the object that the line holds. Raises HandshakeError."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise HandshakeError("The first line is not JSON.") from error
    if not isinstance(message, dict):
        raise HandshakeError("The first line is not an object.")
    return message
