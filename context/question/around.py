"""The parts that a question may be about without naming anything: what the user looks at and edits."""

from collections.abc import Iterator

from context.index.view import Definition
from context.question.asked import Asked
from context.question.parts import Part, heads_of, outline_of_definition, with_comment
from context.secrets.masking import mask_text

_SELECTED, _POINTED_AT = 1.2, 1.1
_AT_CURSOR = 0.9  # where the question names nothing
_BESIDE_NAMES = 0.35  # where it does
_OUTLINE = 0.3
_CURSOR_LINES = 15
_WHOLE_LINES = 60
_OUTLINE_LINES = 30

_EDIT, _ASKED_EDIT = 0.2, 0.9
_MOST_EDITS = 3
_EDIT_LINES_AROUND = 3

_README = 0.85
_README_LINES = 50


def at_cursor(asked: Asked, *, names_something: bool) -> Iterator[Part]:
    """Yield what is selected, or else the definition at the cursor, and the outline of the document."""
    document, selection = asked.document, asked.selection
    if document is None:
        return
    last = len(document.lines) - 1
    if selection is not None:
        lines = range(min(selection[0], last), min(selection[1], last) + 1)
        if asked.is_selected:
            yield Part("selection", document.path, (lines,), "you have selected it", _SELECTED)
        score = _POINTED_AT if asked.words.is_about_here else _BESIDE_NAMES if names_something else _AT_CURSOR
        around = _innermost(asked, lines)
        if around is None:
            near = range(max(0, lines.start - _CURSOR_LINES), min(lines.stop + _CURSOR_LINES, last + 1))
            yield Part("document", document.path, (near,), "around the cursor", score)
        else:
            whole = with_comment(around, asked.view)
            shown = (
                (whole,) if len(whole) <= _WHOLE_LINES else outline_of_definition(around, [], asked.view, _WHOLE_LINES)
            )
            yield Part("document", document.path, shown, "around the cursor", score)
    heads = heads_of([definition for definition, _, _ in asked.view.top_level(document.path)])
    spans = heads or (range(min(last + 1, _OUTLINE_LINES)),)
    score = _POINTED_AT if asked.words.is_about_here and selection is None else _OUTLINE
    yield Part("document", document.path, spans, "the file that you look at", score)


def recent_edits(asked: Asked) -> Iterator[Part]:
    """Yield the places that the user changed last, as they are now."""
    score = _ASKED_EDIT if asked.words.is_about_edits else _EDIT
    shown = 0
    for edit in asked.edits:
        end = edit.first_line + len(edit.new_lines)
        written = mask_text("".join(edit.new_lines), edit.path)[0]
        if shown == _MOST_EDITS or not edit.new_lines or asked.view.lines(edit.path, edit.first_line, end) != written:
            continue  # the file is not what the editor had
        lines = range(max(0, edit.first_line - _EDIT_LINES_AROUND), end + _EDIT_LINES_AROUND)
        yield Part("edit", edit.path, (lines,), "you have edited it", score / (1 + shown))
        shown += 1


def overview(asked: Asked) -> Iterator[Part]:
    """Yield the beginning of the project's own description, where the question is about the project as a whole."""
    readmes = [path for path in asked.view.in_folder("") if path.lower().startswith("readme")]
    for path in readmes[:1] if asked.words.is_about_all else ():
        yield Part("overview", path, (range(_README_LINES),), "says what the project is", _README)


def _innermost(asked: Asked, lines: range) -> Definition | None:
    document = asked.document
    assert document is not None
    around = [
        definition
        for definition in asked.view.definitions_in(document.path)
        if definition.symbol.first_line <= lines.start and lines.stop - 1 <= definition.symbol.last_line
    ]
    return min(around, key=lambda one: one.symbol.last_line - one.symbol.first_line, default=None)
