"""The name at a place that nothing defines: as the editor's diagnostics say or, in Python, the file itself."""

import builtins
import re
from collections.abc import Iterable
from itertools import islice

from lsprotocol import types
from tree_sitter import Node

from context.documents.document import Document
from context.syntax.tree import Tree, tree_of
from lsp_server.actions.protocol.diagnostic_text import text_of
from lsp_server.rpc.positions import offsets_of
from midspan import DocumentError

_MOST_PLACES = 2000  # what is written more often is defined
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
# pyright, pyflakes, ruff, mypy, pylint, tsc, eslint, rustc, clang, gcc, javac, Eclipse's.
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


def undefined_in(
    document: Document, diagnostics: Iterable[types.Diagnostic], encoding: types.PositionEncodingKind
) -> list[tuple[str, types.Diagnostic]]:
    """The names that diagnostics call undefined."""
    found = []
    for diagnostic in diagnostics:
        if not _SAYS_UNDEFINED.search(text_of(diagnostic)):
            continue
        try:
            start, end = offsets_of(document, diagnostic.range, encoding)
        except DocumentError:
            continue  # it is about an older text
        name = document.text[start:end] or _word_at(document, start)
        if _IDENTIFIER.fullmatch(name):
            found.append((name, diagnostic))
    return found


def undefined_at(document: Document, place: int) -> str | None:
    """The name at a place in Python that the file neither binds nor imports, and Python does not have."""
    tree = tree_of(document) if document.language == "python" else None
    name = _word_at(document, place)
    if tree is None or not _IDENTIFIER.fullmatch(name) or hasattr(builtins, name):
        return None
    uses = [node for node in _places_of(tree, document, name) if not _is_attribute(node)]
    is_here = any(tree.start(node) <= place <= tree.end(node) for node in uses)
    if not is_here or any(map(_binds, uses)) or re.search(r"^\s*from .* import \*", document.text, re.MULTILINE):
        return None
    return name


def _word_at(document: Document, place: int) -> str:
    """The identifier that the place is in, or next to; else ""."""
    start = place
    while start > 0 and (document.text[start - 1].isalnum() or document.text[start - 1] == "_"):
        start -= 1
    match = _IDENTIFIER.match(document.text, start)
    return match[0] if match else ""


def _places_of(tree: Tree, document: Document, name: str) -> list[Node]:
    """Where it stands as an identifier, not in a string or a comment."""
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


def _binds(node: Node) -> bool:
    """Whether the file gives the name a meaning here."""
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
    """Of `import a.b` the first name, of `from a import b` the last; neither where there is an alias."""
    outer = dotted.parent
    if outer is None or outer.type not in (*_IMPORTS, "case_pattern"):
        return False
    return outer.child_by_field_name("module_name") != dotted and dotted.children[0] == node
