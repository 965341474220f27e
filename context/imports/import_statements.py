"""The statements that import a name, and the change of a document that writes one."""

from context.documents.document import Document
from context.imports.import_place import find_import_place
from context.imports.import_text import ImportText
from context.imports.joined_import import join_import
from context.imports.joined_script_import import join_script_import
from context.imports.standard_library import find_standard_import
from context.imports.workspace_import import find_workspace_imports
from context.index.view import View
from context.syntax.imports import find_imports


def find_import_statements(name: str, document: Document, view: View) -> list[str]:
    """Return statements that certainly import the name, without a model."""
    found = find_workspace_imports(name, document, view)
    if not found and document.language == "python" and (statement := find_standard_import(name)):
        found = [statement]
    return found


def place_import(document: Document, statement: str, view: View | None) -> ImportText:
    """Add the statement as a new line, or its name to the file's import from the same module.

    Where the file does not show which of these it does, the files beside it in the view are asked.
    """
    module, names = find_imports(document.language, statement)[0] if document.language == "python" else ("", [])
    joined = join_import(document, module, names[0], view) if names else join_script_import(document, statement)
    if joined is not None:
        return joined
    place = find_import_place(document, statement)
    return ImportText(place.offset, place.offset, place.before + statement + place.after)
