"""Checks that a name means in the file that the user went on to what it meant in the one before."""

import re
from posixpath import dirname, join, normpath

from context.documents.document import Document
from context.imports.standard_library import is_standard
from context.next_edit.names.resolve_names import find_names, find_word, targets_of

_IMPORT = re.compile(r"(?:from|import)\s+(\S+)")
_SELF = frozenset({"self", "cls", "this"})


def is_member_in_next_file(
    old: str, new: str, owner: str, document: Document, changed: Document, *, is_once: bool
) -> bool:
    """Return whether the member of the owner is one and the same in both files, and was changed in all of `changed`.

    Such is one that both inherit, or one of a module that both import.
    """
    if not owner.isidentifier() or f"{owner}.{new}" not in changed.text or _has_member(changed, owner, old):
        return False
    if owner in _SELF:
        return not any(_gives(one, name) for one in (document, changed) for name in (old, new))
    modules = [_module_of(owner, one) for one in (document, changed)]
    is_own = not is_once or not is_standard(modules[0] or "")
    return None not in modules and modules[0] == modules[1] and is_own


def _has_member(document: Document, owner: str, name: str) -> bool:
    dotted = f"{owner}.{name}"
    return any(
        document.text[start - len(owner) - 1 : start + len(name)] == dotted for start in find_word(document.text, name)
    )


def _gives(document: Document, name: str) -> bool:
    """Return whether the file gives the name to a member, or may do so."""
    names = find_names(document, (name,))
    return names is None or any(one.is_target for one in names.homes)


def _module_of(name: str, document: Document) -> str | None:
    """Return the path of what an import of the file names so; None where something else does too."""
    bound = targets_of(name, document)
    if len({one.owner for one in bound}) != 1 or not all(one.is_imported for one in bound):
        return None
    owner = bound[0].owner
    if bound[0].is_alias:
        line = document.lines[document.position_at(bound[0].start)[0]].strip()
        match = _IMPORT.match(line)
        return f"{match[1]}.{line}" if match else None
    if not owner.startswith("."):
        return f"{owner}.{name}".strip(".")
    if document.language != "python":
        return normpath(join(dirname(document.path), owner))
    inner = owner.lstrip(".")
    folders = document.path.split("/")[: len(inner) - len(owner)]
    return ".".join([*folders, *([inner] if inner else []), name])
