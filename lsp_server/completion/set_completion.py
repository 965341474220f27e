"""workspace/executeCommand midspan.setCompletion: inline completion off or on, for this session."""

import logging
from dataclasses import dataclass
from typing import Any

from lsp_server.completion.completion_feature import CompletionFeature

SET_COMPLETION = "midspan.setCompletion"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompletionSwitch:
    """A switch for one language or, without a language, for all that have no switch of their own."""

    enabled: bool
    language: str | None = None


def register(feature: CompletionFeature) -> None:
    """Add the command to the server."""

    @feature.server.command(SET_COMPLETION)
    def set_completion(switch: CompletionSwitch) -> dict[str, Any]:
        feature.set_switch(switch.enabled, switch.language)
        _log.info("Completion of %s is switched %s", switch.language or "everything", "on" if switch.enabled else "off")
        return feature.server.status.read()
