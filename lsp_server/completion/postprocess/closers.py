"""Cut closers that the document has already: a bracket, a quote or a tag behind the cursor.

Many editors insert a closer together with its opener. A model that was trained on whole files often writes it again.
"""

from lsp_server.completion.postprocess.lexing import Lexed, find_string_end, is_known, lex
from lsp_server.completion.postprocess.place import Place
from lsp_server.completion.postprocess.tags import has_tags, surplus_tag

_QUOTES = set("\"'`")
# To lex more would take longer than a keystroke may.
_MOST_CHARACTERS = 200_000
_MOST_CLOSERS = 6


def without_surplus_closers(text: str, place: Place) -> str:
    """Cut the text where it closes a string, a tag or a bracket that the document closes too."""
    text = _without_closed_string(text, place)
    if has_tags(place.language) and (at := surplus_tag(place.above, text, place.below)) is not None:
        text = text[:at]
    if not lex(text, place.language).closed:
        return text
    if is_known(place.language) and len(place.above) + len(place.below) <= _MOST_CHARACTERS:
        return _cut_at_surplus(text, place.above, place.below, place.language)
    # Only the cursor's line can be lexed, and its brackets may close openers above it.
    rest = place.after.strip()
    if not rest or not text.rstrip().endswith(rest):
        return text
    return _cut_at_surplus(text, place.before, place.after, place.language)


def _cut_at_surplus(text: str, above: str, below: str, language: str) -> str:
    """Cut closers at the end that the document has too: before a `)`, `a).strip()` becomes `a).strip(`.

    Where that does not balance the brackets, cut before the first surplus closer.
    """
    without = lex(above + below, language)

    def surplus(part: str) -> int:
        lexed = lex(above + part + below, language)
        return len(lexed.closed) - len(without.closed)

    excess = surplus(text)
    if excess <= 0:
        return text
    for at in _closers_at_the_end(text):
        lexed = lex(above + text[:at] + below, language)
        if len(lexed.closed) <= len(without.closed) and len(lexed.opened) <= len(without.opened):
            return text[:at]
    foreign = [closer - len(above) for closer in _foreign_closers(lex(above + text, language), len(above))]
    if len(foreign) < excess:
        return text
    cut = text[: foreign[-excess]]
    return cut if surplus(cut) <= 0 else text


def _closers_at_the_end(text: str) -> list[int]:
    """Return the offsets of the closers at the end of the text, the last one first."""
    found: list[int] = []
    at = len(text)
    while at > 0 and len(found) < _MOST_CLOSERS and (text[at - 1] in ")]},;:" or text[at - 1].isspace()):
        at -= 1
        if text[at] in ")]}":
            found.append(at)
    return found


def _foreign_closers(lexed: Lexed, start: int) -> list[int]:
    """Return the closers from `start` on whose opener stands before `start`, or that have none."""
    own = [closer for closer, opener in lexed.matched.items() if opener < start <= closer]
    return sorted(own + [closer for closer in lexed.closed if closer >= start])


def _without_closed_string(text: str, place: Place) -> str:
    """Cut before the quote that ends the cursor's string, if a quote behind the cursor ends it."""
    if not _QUOTES & set(text) or place.after.lstrip()[:1] not in _QUOTES:
        return text
    quote = place.lexed_above.open_string
    if not quote or not place.after.lstrip().startswith(quote):
        return text
    if _open_string(place, "") or not _open_string(place, text):
        return text
    end = find_string_end(place.above + text, len(place.above), place.language)
    if end is None:
        return text
    cut = text[: end - len(place.above)]
    return text if _open_string(place, cut) else cut


def _open_string(place: Place, text: str) -> str:
    """Return the quote of a string that is open at the end of the cursor's line, with the text inserted."""
    return lex(place.above + text + place.after, place.language).open_string
