"""Undefined names: those that diagnostics report and, in Python, those that the file does not bind."""

import builtins
import re
from collections.abc import Iterable
from itertools import islice

from lsprotocol import types
from tree_sitter import Node

from context.documents.document import Document
from context.syntax.tree import Tree, tree_of
from lsp_server.rpc.positions import offsets_of
from midspan import DocumentError

_MOST_PLACES = 2000  # a name that occurs more often is surely defined
_OF_MODULES = frozenset({"__file__", "__path__", "__annotations__", "__class__"})  # which no builtin is called
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
# The words of pyright, pyflakes, ruff, mypy, pylint, tsc, eslint, rustc, clang, gcc, javac and Eclipse.
_SAYS_UNDEFINED = re.compile(
    r"undefined|not defined|undeclared|not declared|cannot find|cannot be resolved|unknown type|unresolved",
    re.IGNORECASE,
)
_PARAMETERS = frozenset(
    """
    parameters lambda_parameters typed_parameter default_parameter typed_default_parameter list_splat_pattern
    dictionary_splat_pattern
    """.split()  # noqa: SIM905 as in context/syntax/definitions.py
)
_PATTERNS = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern"})
_BINDERS = frozenset(
    {"as_pattern_target", "global_statement", "nonlocal_statement", "case_pattern", "type_parameter", "aliased_import"}
)
_IMPORTS = frozenset({"import_statement", "import_from_statement", "future_import_statement"})


def find_undefined_in(
    document: Document, diagnostics: Iterable[types.Diagnostic], encoding: types.PositionEncodingKind
) -> list[tuple[str, types.Diagnostic]]:
    """Return the names that diagnostics call undefined, each with its diagnostic."""
    found = []
    for diagnostic in diagnostics:
        if not _SAYS_UNDEFINED.search(diagnostic.message):
            continue
        try:
            start, end = offsets_of(document, diagnostic.range, encoding)
        except DocumentError:
            continue  # the diagnostic is about an older text
        name = document.text[start:end] or _word_at(document, start)
        if _IDENTIFIER.fullmatch(name):
            found.append((name, diagnostic))
    return found


def find_undefined_at(document: Document, place: int) -> str | None:
    """Return the name at an offset, if Python does not have it and the file neither binds nor imports it."""
    tree = tree_of(document) if document.language == "python" else None
    name = _word_at(document, place)
    if tree is None or not _IDENTIFIER.fullmatch(name) or hasattr(builtins, name) or name in _OF_MODULES:
        return None
    uses = [node for node in _places_of(tree, document, name) if not (_is_attribute(node) or _is_in_a_path(node))]
    is_here = any(tree.start(node) <= place <= tree.end(node) for node in uses)
    if not is_here or any(map(_binds, uses)) or re.search(r"^[ \t]*from .* import \*", document.text, re.MULTILINE):
        return None
    return name


def _word_at(document: Document, place: int) -> str:
    """Return the identifier around or next to an offset; "" without one."""
    start = place
    while start > 0 and (document.text[start - 1].isalnum() or document.text[start - 1] == "_"):
        start -= 1
    match = _IDENTIFIER.match(document.text, start)
    return match[0] if match else ""


def _places_of(tree: Tree, document: Document, name: str) -> list[Node]:
    """Return the nodes where the name is an identifier, not part of a string or a comment."""
    matches = re.finditer(rf"\b{re.escape(name)}\b", document.text)
    nodes = (tree.at(match.start(), match.end()) for match in islice(matches, _MOST_PLACES))
    return [node for node in nodes if node.type == "identifier"]


def _is_attribute(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    return (parent.type == "attribute" and parent.child_by_field_name("attribute") == node) or (
        parent.type == "keyword_argument" and parent.child_by_field_name("name") == node
    )


def _is_in_a_path(node: Node) -> bool:
    """Return whether an import says with the node where it imports from: a in `from a import b`, `import a as b`."""
    dotted = node.parent
    outer = dotted.parent if dotted is not None and dotted.type == "dotted_name" else None
    if dotted is None or outer is None:
        return False
    if outer.type in ("aliased_import", "relative_import"):
        return True
    return outer.type in _IMPORTS and not _binds_as_module(node, dotted)


def _binds(node: Node) -> bool:
    """Return whether a node binds the name that it holds."""
    inner, parent = node, node.parent
    if parent is not None and parent.type in ("function_definition", "class_definition"):
        return parent.child_by_field_name("name") == node
    if parent is not None and parent.type in _PARAMETERS:
        return parent.child_by_field_name("value") != node and parent.child_by_field_name("type") != node
    while parent is not None and parent.type in _PATTERNS:
        inner, parent = parent, parent.parent
    if parent is None:
        return False
    if parent.type == "dotted_name":
        return _binds_as_module(node, parent)
    if parent.type in ("assignment", "for_statement", "for_in_clause", "augmented_assignment"):
        return parent.child_by_field_name("left") == inner
    if parent.type == "named_expression":
        return parent.child_by_field_name("name") == inner
    return parent.type in _BINDERS


def _binds_as_module(node: Node, dotted: Node) -> bool:
    """Return whether an import binds the name: a in `import a.b`, b in `from a import b`, neither with an alias."""
    outer = dotted.parent
    if outer is None or outer.type not in (*_IMPORTS, "case_pattern"):
        return False
    return outer.child_by_field_name("module_name") != dotted and dotted.children[0] == node
