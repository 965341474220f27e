"""Cut code that follows the definition around the cursor."""

import re

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
    first, *rest = text.split("\n")
    depth = columns(place.before + first)
    if not (place.before + first).strip():
        return text
    for index, line in enumerate(rest):
        indentation = columns(line)
        if not line.strip() or indentation >= depth:
            continue
        if _BEGINS_DEFINITION.match(line.lstrip()) or (not indentation and not _BELONGS.match(line)):
            return text if place.lexed_above.open_string else "\n".join([first, *rest[:index]])
    return text
