"""The classes of a Python file, with those of the same file that they inherit from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.next_edit.names.occurrences import Scope
from context.syntax.tree import tree_of

_CLASS = re.compile(r"^[ \t]*class[ \t]+(\w+)", re.MULTILINE)
_MAX_BASES = 20


@dataclass(frozen=True)
class PythonClass:
    """A class, and the names of the classes that it inherits from, as they are written up to their brackets."""

    name: str
    scope: Scope
    bases: tuple[str, ...]


@dataclass(frozen=True)
class PythonClasses:
    """The classes of a file by their scopes. A name that several classes have means none of them."""

    by_scope: Mapping[Scope, PythonClass]
    by_name: Mapping[str, PythonClass]

    def lookup(self, scope: Scope) -> Iterator[Scope]:
        """Yield the scopes in which an attribute of a class is looked up: its own, and those of its bases."""
        pending, seen = [scope], 0
        while pending and seen < _MAX_BASES:
            found = pending.pop(0)
            seen += 1
            yield found
            known = self.by_scope.get(found)
            bases = (self.by_name.get(base) for base in (known.bases if known else ()))
            pending += [base.scope for base in bases if base is not None]


@DocumentCache
def python_classes(document: Document) -> PythonClasses:
    """Return the classes of a Python file; none without its tree."""
    found: list[PythonClass] = []
    tree = tree_of(document)
    for match in _CLASS.finditer(document.text) if tree is not None else ():
        path = tree.path(*match.span(1)) if tree is not None else []
        node = path[-2][0] if len(path) > 1 else None
        body = node.child_by_field_name("body") if node is not None and node.type == "class_definition" else None
        if tree is None or node is None or body is None:
            continue
        listed = node.child_by_field_name("superclasses")
        written = (tree.text(base) for base in listed.named_children) if listed is not None else ()
        bases = tuple(base.partition("[")[0] for base in written)
        found.append(PythonClass(match[1], Scope(node.start_byte, node.end_byte, "class"), bases))
    names = [one.name for one in found]
    by_name = {one.name: one for one in found if names.count(one.name) == 1}
    return PythonClasses({one.scope: one for one in found}, by_name)
