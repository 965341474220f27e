"""A document as it was before the user's last edits."""

from collections.abc import Sequence

from context.documents.document import Document
from context.documents.edits import Edit
from context.next_edit.replacements import stands


def before_edits(document: Document, edits: Sequence[Edit]) -> Document:
    """Return the document with its edits taken back, those that no longer stand there excepted."""
    lines = list(document.lines)
    of_file = [edit for edit in edits if edit.path == document.path and stands(edit, document)]
    for edit in sorted(of_file, key=lambda edit: -edit.first_line):
        lines[edit.first_line : edit.first_line + len(edit.new_lines)] = edit.old_lines
    return Document(document.path, "".join(lines), document.language, -1, opening=document.opening)
