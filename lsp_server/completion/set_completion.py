"""workspace/executeCommand midspan.setCompletion: inline completion off or on, for this session."""

import logging
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.rpc.json_values import member

SET_COMPLETION = "midspan.setCompletion"

_log = logging.getLogger(__name__)


def register(feature: CompletionFeature) -> None:
    """Adds the command to a server."""

    @feature.server.command(SET_COMPLETION)
    def set_completion(*arguments: Any) -> dict[str, Any]:
        said = arguments[0] if len(arguments) == 1 else None
        enabled, language = member(said, "enabled"), member(said, "language")
        if not isinstance(enabled, bool) or not isinstance(language, str | None):
            raise JsonRpcInvalidParams(f'{SET_COMPLETION} takes {{"enabled": true or false, "language": a language}}.')
        feature.set_switch(enabled, language)
        _log.info("Completion of %s is switched %s", language or "everything", "on" if enabled else "off")
        return feature.server.status.read()
