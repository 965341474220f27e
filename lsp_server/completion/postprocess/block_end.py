"""Where the code ends that the cursor is in."""

import re

from context.documents.indentation import columns
from lsp_server.completion.postprocess.place import Place

_BEGINS_DEFINITION = re.compile(
    r"@\w|(?:(?:export|default|pub(?:\([a-z]+\))?|public|private|protected|internal|static|final|abstract|async|unsafe"
    r"|inline|const|override|virtual|suspend|open|data) +)*"
    r"(?:def|class|func|fn|function|fun|interface|struct|enum|impl|trait|module|namespace|macro_rules!|template)\b"
)
# At the margin, these belong to what is above them.
_BELONGS = re.compile(r"[)\]}#]|//|/\*|</|(?:end|fi|done|esac|else|elif|elsif|except|finally|catch|rescue|ensure)\b")


def within_the_definition(text: str, place: Place) -> str:
    """Cuts the next definition, for a model that was stopped on its way into the code behind the cursor's.

    That begins with a definition or at the margin, where the cursor's line is indented deeper.
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
