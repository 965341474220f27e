"""An action that the user may choose from the list of code actions."""

from dataclasses import dataclass

from lsprotocol import types


@dataclass(frozen=True)
class ActionOffer:
    """An action and its `detail` for ActionData; why it is `disabled`; its `range`, if not that of the request."""

    kind: str
    title: str
    detail: str = ""
    disabled: str = ""
    diagnostics: tuple[types.Diagnostic, ...] = ()
    is_preferred: bool = False
    range: types.Range | None = None
