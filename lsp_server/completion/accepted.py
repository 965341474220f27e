"""workspace/executeCommand midspan.accepted: the editor says that an item, or a part of it, was accepted."""

import logging

from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.completion.inline_completion import ACCEPTED
from lsp_server.rpc.converter import UInteger

_log = logging.getLogger(__name__)


def register(feature: CompletionFeature) -> None:
    """Add the command to the server."""

    @feature.server.command(ACCEPTED)
    def accepted(number: int, characters: UInteger | None = None) -> None:
        if not feature.accept(number, characters):
            _log.info("completion %d was accepted, but it is not known any more", number)
