"""The tests that a model wrote: those that their file has already are left out, and doubts are named."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tree_sitter import Node

from context.documents.document import Document
from context.syntax.definitions import is_comment
from context.syntax.parser_process import outline_of
from context.syntax.tree import Tree, breaks_syntax, last_line, tree_of
from lsp_server.actions.imports.undefined_name import find_undefined_at
from lsp_server.actions.rewrites.rewrite import leaves_code_out
from midspan import ModelError

_MOST_NAMES = 100  # of the new code are looked up
_MOST_TOLD = 3
_MOST_ASKED = 20
_DEFINED = frozenset({"function", "class", "method"})
# The title of a test in JavaScript, which has no name.
_TITLE = re.compile(r"(?:test|it|describe)(?:\.\w+)*\(\s*([\"'`])(?P<title>.*?)\1")


@dataclass(frozen=True)
class NewTests:
    """The code to add, and what the user has to know of it; "" for nothing."""

    code: str
    warning: str


def check_tests(code: str, existing: Document, tested: Document) -> NewTests:
    """Leave out the tests that `existing` has, and name what is doubtful in the others.

    Raises ModelError when no other test is left.
    """
    kept, left_out = _without_existing(code, existing)
    names = _listed(left_out)
    if left_out and not _has_code(kept, existing):
        raise ModelError(f"Nothing is changed: the model wrote only what {existing.path} has already: {names}.")
    warnings = [f"it leaves out {names}, which {existing.path} has already"] if left_out else []
    both = replace(existing, text=existing.text + gap_before_tests(existing.text) + kept + "\n")
    if leaves_code_out(kept, ""):
        warnings.append("it leaves code out")
    if breaks_syntax(existing, both):
        warnings.append("it does not parse")
    if again := _defined_in(replace(existing, text=kept)) & _defined_in(existing):
        warnings.append(f"it defines {_listed(sorted(again))} again")
    if copied := _defined_in(replace(existing, text=kept)) & _defined_in(tested):
        warnings.append(f"it repeats {_listed(sorted(copied))} of {tested.path}")
    if undefined := _undefined(both, len(both.text) - len(kept) - 1):
        warnings.append(f"it uses {_listed(undefined)}, which nothing defines")
    return NewTests(kept, ", ".join(warnings))


def last_names(existing: Document) -> list[str]:
    """Return the names of the last tests of a file, which the model shall not write again."""
    tree = tree_of(existing)
    return [] if tree is None else list(_names_of(existing, tree).values())[-_MOST_ASKED:]


def gap_before_tests(text: str) -> str:
    """Return the line ends between the text of a file of tests and tests that are added to it."""
    return "" if not text.strip() else "\n\n" if text.endswith("\n") else "\n\n\n"


def _without_existing(code: str, existing: Document) -> tuple[str, list[str]]:
    """Return the code without the statements that the existing file has, and the names of the tests among them."""
    written = replace(existing, text=code)
    tree, there = tree_of(written), tree_of(existing)
    if tree is None or there is None:
        return code, []
    texts = {there.text(node).strip() for node in there.root.named_children}
    names, left_out, lines = _names_of(existing, there), [], list(written.lines)
    new_names = _names_of(written, tree)
    for node in tree.root.named_children:
        name = new_names.get(node.start_byte, "")
        is_same = tree.text(node).strip() in texts and not is_comment(node)
        if is_same or (name and name in names.values() and not _adds_methods(written, existing, name)):
            left_out += [name] if name else []
            for line in range(_first_line(node), last_line(node) + 1):
                lines[line] = ""
    return _without_gaps("".join(lines)), list(dict.fromkeys(left_out))


def _names_of(document: Document, tree: Tree) -> dict[int, str]:
    """Return the names of functions and classes, and the titles of tests, by where their statements start."""
    symbols = [one for one in outline_of(document).symbols if not one.container and one.kind in _DEFINED]
    names = {}
    for node in tree.root.named_children:
        inside = (one.name for one in symbols if node.start_point[0] <= one.first_line <= last_line(node))
        title = _TITLE.match(tree.text(node))
        if name := next(inside, title["title"] if title else ""):
            names[node.start_byte] = name
    return names


def _adds_methods(written: Document, existing: Document, name: str) -> bool:
    """Return whether a class that both have has methods in the new code that the existing one does not have."""
    new, there = (
        {one.name for one in outline_of(document).symbols if one.container == name} for document in (written, existing)
    )
    return not new <= there


def _first_line(node: Node) -> int:
    """Return the first line of a statement, the comments directly above it included."""
    previous = node.prev_named_sibling
    while previous is not None and is_comment(previous) and previous.end_point[0] == node.start_point[0] - 1:
        node, previous = previous, previous.prev_named_sibling
    return node.start_point[0]


def _without_gaps(text: str) -> str:
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n")


def _has_code(text: str, existing: Document) -> bool:
    """Return whether there is more than imports and comments."""
    tree = tree_of(replace(existing, text=text))
    if tree is None:
        return bool(text.strip())
    return any(not is_comment(node) and "import" not in node.type for node in tree.root.named_children)


def _defined_in(document: Document) -> set[str]:
    return {one.name for one in outline_of(document).symbols if not one.container and one.kind in _DEFINED}


def _undefined(document: Document, start: int) -> list[str]:
    """Return the names behind an offset that Python does not have and the file does not bind."""
    tree = tree_of(document) if document.language == "python" else None
    if tree is None:
        return []
    places: dict[str, int] = {}
    for node in tree.nodes():
        if node.type == "identifier" and len(places) < _MOST_NAMES and (place := tree.start(node)) >= start:
            places.setdefault(tree.text(node), place)
    return [name for name, place in places.items() if find_undefined_at(document, place) == name]


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return ", ".join(names[:_MOST_TOLD]) + more
