"""One action of a list."""

from dataclasses import dataclass

from lsprotocol import types


@dataclass(frozen=True)
class ActionOffer:
    """`detail` as in ActionData; `disabled` says why it cannot run; `range`, if it is not the asked one."""

    kind: str
    title: str
    detail: str = ""
    disabled: str = ""
    diagnostics: tuple[types.Diagnostic, ...] = ()
    is_preferred: bool = False
    range: types.Range | None = None
