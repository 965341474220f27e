"""workspace/executeCommand midspan.accepted: the editor says that an item, or a part of it, was accepted."""

import logging

from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.completion.inline_completion import ACCEPTED

_log = logging.getLogger(__name__)


def register(feature: CompletionFeature) -> None:
    """Adds the command to a server."""

    @feature.server.command(ACCEPTED)
    def accepted(number: int, *more: object) -> None:  # pygls knows no argument that may be left out
        match more:
            case []:
                characters = None
            case [int(characters)] if characters >= 0:
                pass
            case _:
                raise JsonRpcInvalidParams(f"{ACCEPTED} takes an item's number and how many characters were accepted.")
        if not feature.accept(number, characters):
            _log.info("completion %d was accepted, but it is not known any more", number)
