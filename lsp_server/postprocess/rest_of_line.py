"""What stands behind the cursor on its line, written once more by the model."""

from lsp_server.postprocess.lexing import lex
from lsp_server.postprocess.place import Place

_SEPARATORS = ",;:"
_CLOSING = ")]}\"'`"
_TELLING_CHARACTERS = 3  # that many different ones: "######" may go on


def without_rest_of_line(text: str, place: Place) -> str:
    """Cuts an end that is the rest of the cursor's line, unless the text needs it for itself.

    Closers are judged elsewhere, by what they close.
    """
    rest, written = place.after.strip(), text.rstrip()
    if not rest or not written.endswith(rest) or _are_closers(rest):
        return text
    cut = written[: -len(rest)]
    if set(rest) <= set(_SEPARATORS):
        return text if place.language == "shellscript" else cut  # there ";;" is one word
    if len(set(rest)) < _TELLING_CHARACTERS or (cut and _within_a_word(cut[-1], rest[0])):
        return text
    opened, opened_if_cut = (
        len(lex(place.above[-2000:] + t + place.after, place.language).opened) for t in (text, cut)
    )
    return cut if opened_if_cut <= opened else text


def _are_closers(rest: str) -> bool:
    return not set(rest) <= set(_SEPARATORS) and all(c in _CLOSING or c in _SEPARATORS or c.isspace() for c in rest)


def _within_a_word(before: str, after: str) -> bool:
    return (before.isalnum() or before == "_") and (after.isalnum() or after == "_")
