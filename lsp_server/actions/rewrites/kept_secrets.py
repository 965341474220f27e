"""The secrets of a rewritten range, of which the model saw placeholders alone."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from context.secrets.masking import MaskedSecret
from lsp_server.actions.protocol.action_context import ActionContext
from midspan import DocumentError, ModelError

_RUN = re.compile(r"[A-Za-z0-9]{4,}")
_ALIKE = 0.6  # of two texts, the share that is equal, from which one is the other with a mistake in it


def secrets_within(action: ActionContext, start: int, end: int) -> list[MaskedSecret]:
    """Return the secrets of a range. Raises DocumentError for a range that begins or ends within a secret."""
    found = action.masked.between(start, end)
    if any(secret.start < start or end < secret.end for secret in found):
        raise DocumentError(
            "Nothing is changed: the selection begins or ends within a secret. Select the whole secret."
        )
    return found


def warn_of_lost_secrets(old: str, code: str, secrets: Sequence[MaskedSecret]) -> str:
    """Return a warning if the new code lacks a secret of the old code; "" if all are there.

    Raises ModelError when the model wrote a placeholder with a mistake, which cannot be mapped to its secret.
    """
    lost = [secret for secret in secrets if secret.placeholder not in code]
    known = set(_RUN.findall(old)) | {secret.placeholder for secret in secrets}
    written = set(_RUN.findall(code)) - known
    if any(_is_alike(secret.placeholder, run) for secret in lost for run in written):
        raise ModelError(
            "Nothing is changed: the model wrote the placeholder of a masked secret with a mistake. "
            "Select fewer lines, without the secret."
        )
    return "it leaves out a secret, for which the model saw a placeholder" if lost else ""


def _is_alike(placeholder: str, run: str) -> bool:
    return placeholder.startswith(run) or SequenceMatcher(None, placeholder, run, autojunk=False).ratio() >= _ALIKE
