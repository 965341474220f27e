"""Cut what a model that was tuned for chat says about its code: a fence, or a sentence to a reader."""

import re

from context.documents.languages import block_comment
from lsp_server.completion.postprocess.lexing import is_known, lex
from lsp_server.completion.postprocess.place import Place

_FENCE = re.compile(r"\s*(?:```|~~~)")
_SENTENCE = re.compile(
    r"\s*(?:Here(?:'s| is| are) |In this (?:\w+ )?(?:example|code|case|function|implementation|method|version)[ ,]"
    r"|This (?:code|example|function|implementation|method|script|snippet) \w+s "
    r"|The (?:above|following|given|provided) \w+ |(?:Note|Please note) that |Sure[,!] |Certainly[,!] "
    r"|You can (?:use|call|also|now) |I(?:'ve| have) )"
)


def prose_begins_at(text: str, place: Place) -> int | None:
    """Return where the text stops being code; None where it does not, or where a string or a comment may hold it."""
    if not is_known(place.language):
        return None
    start = 0
    for index, line in enumerate(text.split("\n")):
        whole = place.before + line if index == 0 else line
        if (_FENCE.match(whole) or _SENTENCE.match(whole)) and not _is_in_text(text[:start], place):
            return start
        start += len(line) + 1
    return None


def without_prose(text: str, place: Place) -> str:
    """Cut the text before its first line of prose."""
    at = prose_begins_at(text, place)
    return text if at is None else text[: max(0, at - 1)]


def _is_in_text(before: str, place: Place) -> bool:
    """Return whether a string or a comment of several lines is open behind `before`."""
    above = place.above + before
    marks = block_comment(place.language)
    if marks is not None and above.rfind(marks[0]) > above.rfind(marks[1]):
        return True
    return bool(lex(above, place.language).open_string)
