"""workspace/executeCommand midspan.accepted: the editor says that an item was accepted."""

import logging
import time

from lsp_server.completion import ACCEPTED
from lsp_server.server import MidspanServer

_log = logging.getLogger(__name__)


def register(server: MidspanServer) -> None:
    """Adds the command to a server."""

    @server.command(ACCEPTED)
    def accepted(number: int) -> None:
        item = server.session.shown.accept(number)
        if item is None:
            _log.info("completion %d was accepted, but it is not known any more", number)
            return
        seconds = time.monotonic() - item.at
        _log.info("%s: accepted %d characters after %.1f s", item.path, item.characters, seconds)
