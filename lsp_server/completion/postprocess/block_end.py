"""Cut code that follows the definition around the cursor."""

import re
from collections.abc import Sequence

from context.documents.indentation import columns
from lsp_server.completion.postprocess.filled_tree import end_of_function
from lsp_server.completion.postprocess.place import Place

_MODIFIERS = (
    r"(?:(?:export|default|declare|pub(?:\([a-z]+\))?|public|private|protected|internal|static|final|abstract|async"
    r"|unsafe|inline|const|constexpr|override|virtual|suspend|open|data|readonly|extern) +)*"
)
_BEGINS_DEFINITION = re.compile(
    rf"@\w|{_MODIFIERS}"
    r"(?:def|class|func|fn|function|fun|interface|struct|enum|impl|trait|module|namespace|macro_rules!|template)\b"
)
# A line that begins so defines a name, which may be a local variable of the definition around the cursor.
_BEGINS_NAME = re.compile(rf"{_MODIFIERS}(?:type|let|var|val|using|typedef|union|record|mod|const|static) +[^\W\d]")
# A line at the margin that begins so belongs to the code above it.
_BELONGS = re.compile(r"[)\]}#]|//|/\*|</|(?:end|fi|done|esac|else|elif|elsif|except|finally|catch|rescue|ensure)\b")


def without_next_definition(text: str, place: Place) -> str:
    """Cut the text before the next definition, for a model that was stopped while it wrote other code.

    Other code begins where the function around the cursor ends, by the syntax tree; or with a line that is indented
    less than the cursor's line and defines something, or that stands at the margin.
    """
    lines = text.split("\n")
    begins = _start_of_other_code(lines, place)
    within = text if begins is None else "\n".join(lines[:begins])
    if not _has_dedent(lines, place) or (end := end_of_function(text, place)) is None:
        return within
    return min(within, text[:end], key=len)


def goes_on_with_other_code(text: str, place: Place) -> bool:
    """Return whether a whole line of a text that grows begins other code, which `without_next_definition` cuts."""
    return _start_of_other_code(text.split("\n")[:-1], place) is not None


def _start_of_other_code(lines: Sequence[str], place: Place) -> int | None:
    """Return the first line of other code, from 1; None without one, or where a string may hold it."""
    if not lines or not (place.before + lines[0]).strip():
        return None
    depth = columns(place.before + lines[0])
    for index, line in enumerate(lines[1:], 1):
        indentation, code = columns(line), line.lstrip()
        if not code or indentation >= depth:
            continue
        is_definition = _BEGINS_DEFINITION.match(code) or (
            _BEGINS_NAME.match(code) and indentation <= _margin_of_definition(place, depth)
        )
        if is_definition or (not indentation and not _BELONGS.match(line)):
            return None if place.lexed_above.open_string else index
    return None


def _margin_of_definition(place: Place, depth: int) -> int:
    """Return the columns of the nearest line above that encloses the cursor's line and defines something."""
    for line in reversed(place.lines_above):
        code = line.lstrip()
        if not code or columns(line) >= depth:
            continue
        depth = columns(line)
        if not depth or _BEGINS_DEFINITION.match(code) or _BEGINS_NAME.match(code):
            return depth
    return 0


def _has_dedent(lines: Sequence[str], place: Place) -> bool:
    """Return whether a line but the last is indented less than the cursor's line, so that a function may end there."""
    depth = columns(place.before + lines[0])
    return any(line.strip() and columns(line) < depth for line in lines[1:])
