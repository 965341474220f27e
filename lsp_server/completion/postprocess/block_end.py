"""Cut code that follows the definition around the cursor."""

import re
from collections.abc import Sequence

from context.documents.indentation import columns
from lsp_server.completion.postprocess.place import Place

_BEGINS_DEFINITION = re.compile(
    r"@\w|(?:(?:export|default|pub(?:\([a-z]+\))?|public|private|protected|internal|static|final|abstract|async|unsafe"
    r"|inline|const|override|virtual|suspend|open|data) +)*"
    r"(?:def|class|func|fn|function|fun|interface|struct|enum|impl|trait|module|namespace|macro_rules!|template)\b"
)
# A line at the margin that begins so belongs to the code above it.
_BELONGS = re.compile(r"[)\]}#]|//|/\*|</|(?:end|fi|done|esac|else|elif|elsif|except|finally|catch|rescue|ensure)\b")


def without_next_definition(text: str, place: Place) -> str:
    """Cut the text before the next definition, for a model that was stopped while it wrote other code.

    Other code begins with a line that is indented less than the cursor's line and defines something, or that stands at
    the margin.
    """
    lines = text.split("\n")
    begins = _start_of_other_code(lines, place)
    return text if begins is None else "\n".join(lines[:begins])


def goes_on_with_other_code(text: str, place: Place) -> bool:
    """Return whether a whole line of a text that grows begins other code, which `without_next_definition` cuts."""
    return _start_of_other_code(text.split("\n")[:-1], place) is not None


def _start_of_other_code(lines: Sequence[str], place: Place) -> int | None:
    """Return the first line of other code, from 1; None without one, or where a string may hold it."""
    if not lines or not (place.before + lines[0]).strip():
        return None
    depth = columns(place.before + lines[0])
    for index, line in enumerate(lines[1:], 1):
        indentation = columns(line)
        if not line.strip() or indentation >= depth:
            continue
        if _BEGINS_DEFINITION.match(line.lstrip()) or (not indentation and not _BELONGS.match(line)):
            return None if place.lexed_above.open_string else index
    return None
