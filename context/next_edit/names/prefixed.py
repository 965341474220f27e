"""The names that get the prefix of a module one after another: those that are still without it."""

import re
from collections.abc import Iterator, Sequence, Set
from itertools import islice

from context.documents.document import Document
from context.next_edit.names.language_names import is_of_language
from context.next_edit.names.occurrences import TARGETS, Occurrence, Role
from context.next_edit.names.resolve_names import find_names, targets_of
from context.syntax.imports import Import, find_imports

_NAME = re.compile(r"(?<![\w.])[^\W\d]\w+")
_NEAR = 3000  # characters behind the cursor, in which names are looked for that nothing binds
_MAX_NAMES = 24
_BINDING_WORDS = ("import ", "for ", "as ", "def ", "class ", "lambda ")


def names_to_prefix(
    document: Document, prefix: str, done: Set[str], removed: Sequence[Import], cursor: int
) -> Iterator[Occurrence]:
    """Yield the uses of the names that an import takes from where it took those that are `done`.

    The `removed` imports are those that are no more. Where no import has any of those that are done, and nothing binds
    them, it is so with the names behind the cursor that nothing binds, and with modules if one of those that are done
    is used as one.
    """
    bound = targets_of(prefix, document)
    if not bound or not all(one.is_imported for one in bound):
        return
    imports = [*removed, *find_imports(document.language, document.text)]
    modules = {module for module, names in imports if not done.isdisjoint(names)}
    if len(modules) == 1 and all(any(name in names for _, names in imports) for name in done):
        candidates = [name for module, names in imports if module in modules for name in names]
    elif not modules and document.language == "python" and not any(targets_of(name, document) for name in done):
        has_module = any(f"{prefix}.{name}." in document.text for name in done)
        unbound = _unbound(document, cursor, has_module=has_module)
        candidates = [*done, *unbound] if all("*" not in names for _, names in imports) else []
    else:
        return
    for name in dict.fromkeys(candidates):
        names = find_names(document, (name,))
        homes = names.homes if names is not None else {}
        roles = {one.role for one in homes if one.role in TARGETS}
        if roles <= ({Role.IMPORT} if modules else set()):
            yield from (one for one in homes if one.role == Role.USE)


def _unbound(document: Document, cursor: int, *, has_module: bool) -> list[str]:
    """Return some names behind the cursor that nothing seems to bind; without those before a dot, or with them."""
    text = document.text
    found = _NAME.finditer(text, cursor, cursor + _NEAR)
    names = (
        name
        for name in dict.fromkeys(match[0] for match in found if has_module or not text.startswith(".", match.end()))
        if not is_of_language(name, document.language)
        and f"{name} =" not in text
        and f"{name}=" not in text
        and not any(f"{word}{name}" in text for word in _BINDING_WORDS)
    )
    return list(islice(names, _MAX_NAMES))
