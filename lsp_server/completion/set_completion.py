"""workspace/executeCommand midspan.setCompletion: inline completion off or on, for this session."""

import logging
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.rpc.json_values import member
from lsp_server.server.server import MidspanServer
from lsp_server.server.status import status_of

SET_COMPLETION = "midspan.setCompletion"

_log = logging.getLogger(__name__)


def register(server: MidspanServer) -> None:
    """Adds the command to a server."""

    @server.command(SET_COMPLETION)
    def set_completion(*arguments: Any) -> dict[str, Any]:
        said = arguments[0] if len(arguments) == 1 else None
        enabled, language = member(said, "enabled"), member(said, "language")
        if not isinstance(enabled, bool) or not isinstance(language, str | None):
            raise JsonRpcInvalidParams(f'{SET_COMPLETION} takes {{"enabled": true or false, "language": a language}}.')
        session = server.session
        session.switches.turn(enabled, language)
        session.end_completions()
        _log.info("Completion of %s is switched %s", language or "everything", "on" if enabled else "off")
        return status_of(server)
