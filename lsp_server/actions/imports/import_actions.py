"""Write the missing import: from what the workspace defines, else from Python's library, else as the model thinks."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from lsprotocol import types

from context.documents.document import Document
from context.index.view import View
from context.syntax.imports import find_imports
from context.syntax.tree import tree_of
from lsp_server.actions.holes.hole import Hole, at_line_end
from lsp_server.actions.imports.import_place import import_place
from lsp_server.actions.imports.standard_library import standard_import
from lsp_server.actions.imports.undefined_name import undefined_at, undefined_in
from lsp_server.actions.imports.workspace_import import workspace_imports
from lsp_server.actions.protocol.action_offer import ActionOffer
from lsp_server.actions.protocol.kinds import IMPORT
from lsp_server.actions.protocol.workspace_edit import Change

_MOST_WAYS = 3
_LINE_CHARACTERS = 88
_MAX_TOKENS = 32
ASK_MODEL = "?"  # in the detail of an offer, in place of a statement

# What stands around the place that only the model may know, by language.
_UNKNOWN_PLACE = {
    "python": ("from ", " import {name}"),
    "javascript": ("import {{ {name} }} from '", "';"),
    "typescript": ("import {{ {name} }} from '", "';"),
    "javascriptreact": ("import {{ {name} }} from '", "';"),
    "typescriptreact": ("import {{ {name} }} from '", "';"),
    "rust": ("use ", "::{name};"),
    "java": ("import ", ".{name};"),
}
_PLACE = re.compile(r"[\w.@/:-]+")


def import_offers(
    document: Document,
    place: int,
    diagnostics: Iterable[types.Diagnostic],
    view: View,
    encoding: types.PositionEncodingKind,
) -> list[ActionOffer]:
    """For each undefined name at the place; none in what is not parsed, where the place of an import is not known."""
    if tree_of(document) is None:
        return []
    named: list[tuple[str, types.Diagnostic | None]] = list(undefined_in(document, diagnostics, encoding))
    if not named and (name := undefined_at(document, place)):
        named = [(name, None)]
    offers = []
    for name, diagnostic in dict(named).items():
        about = (diagnostic,) if diagnostic is not None else ()
        statements = statements_for(name, document, view)
        for statement in statements[:_MOST_WAYS]:
            detail = f"{name} {statement}"
            preferred = statement == statements[0] and diagnostic is not None
            offers.append(ActionOffer(IMPORT, f"Add: {statement}", detail, diagnostics=about, is_preferred=preferred))
        if not statements and document.language in _UNKNOWN_PLACE:
            title = f"Import {name} from where the model thinks it is"
            offers.append(ActionOffer(IMPORT, title, f"{name} {ASK_MODEL}", diagnostics=about))
    return offers


def statements_for(name: str, document: Document, view: View) -> list[str]:
    """What imports the name for certain: none of these was asked of a model."""
    found = workspace_imports(name, document, view)
    if not found and document.language == "python" and (statement := standard_import(name)):
        found = [statement]
    return found


def import_change(document: Document, statement: str) -> Change:
    """The statement on a line of its own, or its name behind those that the file takes from the same module."""
    if document.language == "python" and (change := _behind_others(document, statement)):
        return change
    place = import_place(document, statement)
    return Change(place.offset, place.offset, place.before + statement + place.after)


def import_hole(document: Document, name: str) -> Hole | None:
    """For the module that only the model may know; None in a language in which it is not asked."""
    if document.language not in _UNKNOWN_PLACE:
        return None
    before, after = (part.format(name=name) for part in _UNKNOWN_PLACE[document.language])
    place = import_place(document, f"{before}a{after}")
    hole = Hole(f"Import {name}", place.offset, place.offset, before, after, _at_end_of_place, _MAX_TOKENS)
    return replace(hole, before=place.before + before, after=after + place.after)


def _at_end_of_place(text: str) -> int | None:
    match = _PLACE.match(text)
    end = match.end() if match else 0
    return end if end < len(text) else at_line_end(text)


def _behind_others(document: Document, statement: str) -> Change | None:
    """None where there are none, or the style is one name a line, or the line would be long."""
    found = find_imports("python", statement)
    module, names = found[0]
    if not names:
        return None
    modules = Counter(written for written, taken in find_imports("python", document.text) if taken)
    if max(modules.values(), default=0) > 1:
        return None
    line = re.compile(rf"^from {re.escape(module)} import [\w, ]*\w(?=\r?$)", re.MULTILINE)
    match = line.search(document.text)
    if match is None or len(match[0]) + len(names[0]) + 2 > _LINE_CHARACTERS:
        return None
    return Change(match.end(), match.end(), f", {names[0]}")
