"""Imports of a name: from the workspace, else Python's standard library, else a module that the model suggests."""

import re
from collections.abc import Iterable
from dataclasses import replace

from lsprotocol import types

from context.documents.document import Document
from context.imports.import_place import find_import_place
from context.imports.import_statements import find_import_statements
from context.index.view import View
from context.syntax.tree import tree_of
from lsp_server.actions.holes.action_hole import ActionHole, at_line_end
from lsp_server.actions.imports.undefined_name import find_undefined_at, find_undefined_in
from lsp_server.actions.protocol.action_offer import ActionOffer
from lsp_server.actions.protocol.kinds import IMPORT

_MAX_STATEMENTS = 3
_MAX_TOKENS = 32
ASK_MODEL = "?"  # stands in the detail of an offer in place of a statement

# The text before and after a module that only the model may know, by language.
_AROUND_MODULE = {
    "python": ("from ", " import {name}"),
    "javascript": ("import {{ {name} }} from '", "';"),
    "typescript": ("import {{ {name} }} from '", "';"),
    "javascriptreact": ("import {{ {name} }} from '", "';"),
    "typescriptreact": ("import {{ {name} }} from '", "';"),
    "rust": ("use ", "::{name};"),
    "java": ("import ", ".{name};"),
}
_MODULE = re.compile(r"[\w.@/:-]+")


def offer_imports(
    document: Document,
    place: int,
    diagnostics: Iterable[types.Diagnostic],
    view: View,
    encoding: types.PositionEncodingKind,
) -> list[ActionOffer]:
    """Offer imports of each undefined name at an offset; none where no grammar tells where an import goes."""
    if tree_of(document) is None:
        return []
    named: list[tuple[str, types.Diagnostic | None]] = list(find_undefined_in(document, diagnostics, encoding))
    if not named and (name := find_undefined_at(document, place)):
        named = [(name, None)]
    offers = []
    for name, diagnostic in dict(named).items():
        about = (diagnostic,) if diagnostic is not None else ()
        statements = find_import_statements(name, document, view)
        for statement in statements[:_MAX_STATEMENTS]:
            detail = f"{name} {statement}"
            preferred = statement == statements[0] and diagnostic is not None
            offers.append(ActionOffer(IMPORT, f"Add: {statement}", detail, diagnostics=about, is_preferred=preferred))
        if not statements and document.language in _AROUND_MODULE:
            title = f"Import {name} from a module that the model suggests"
            offers.append(ActionOffer(IMPORT, title, f"{name} {ASK_MODEL}", diagnostics=about))
    return offers


def make_import_hole(document: Document, name: str) -> ActionHole | None:
    """Return a hole for the module in an import; None for a language in which the model is not asked."""
    if document.language not in _AROUND_MODULE:
        return None
    before, after = (part.format(name=name) for part in _AROUND_MODULE[document.language])
    place = find_import_place(document, f"{before}a{after}")
    hole = ActionHole(f"Import {name}", place.offset, place.offset, before, after, _find_end_of_module, _MAX_TOKENS)
    return replace(hole, before=place.before + before, after=after + place.after)


def _find_end_of_module(text: str) -> int | None:
    match = _MODULE.match(text)
    end = match.end() if match else 0
    return end if end < len(text) else at_line_end(text)
