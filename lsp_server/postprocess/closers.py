"""Closers in the text are for what it opened itself, and for what nothing below the cursor closes.

An editor that closes a bracket by itself has its closer behind the cursor already, and the model, which was trained on
whole files, often writes it again.
"""

from lsp_server.postprocess.lexing import Lexed, first_string_end, is_known, lex
from lsp_server.postprocess.place import Place
from lsp_server.postprocess.tags import has_tags, surplus_tag

_QUOTES = set("\"'`")
# Lexing more than this would take longer than the keystroke may.
_MOST_CHARACTERS = 200_000


def without_surplus_closers(text: str, place: Place) -> str:
    """Cuts where the text closes what the document closes: a string, a tag, a bracket."""
    text = _without_closed_string(text, place)
    if has_tags(place.language) and (at := surplus_tag(place.above, text, place.below)) is not None:
        text = text[:at]
    if not lex(text, place.language).closed:
        return text
    if is_known(place.language) and len(place.above) + len(place.below) <= _MOST_CHARACTERS:
        return _cut_at_surplus(text, place.above, place.below, place.language)
    # Only the line can be judged, and what its brackets close may stand above it.
    rest = place.after.strip()
    if not rest or not text.rstrip().endswith(rest):
        return text
    return _cut_at_surplus(text, place.before, place.after, place.language)


def _cut_at_surplus(text: str, above: str, below: str, language: str) -> str:
    without = lex(above + below, language)
    surplus = _surplus(above, text, below, language, without)
    if surplus <= 0:
        return text
    lexed = lex(above + text, language)
    foreign = sorted(
        [closer for closer, opener in lexed.matched.items() if opener < len(above) <= closer]
        + [closer for closer in lexed.closed if closer >= len(above)]
    )
    if len(foreign) < surplus:
        return text
    cut = text[: foreign[-surplus] - len(above)]
    return cut if _surplus(above, cut, below, language, without) <= 0 else text


def _surplus(above: str, text: str, below: str, language: str, without: Lexed) -> int:
    return len(lex(above + text + below, language).closed) - len(without.closed)


def _without_closed_string(text: str, place: Place) -> str:
    """Cuts before the quote that ends the cursor's string, where one behind the cursor ends it."""
    if not _QUOTES & set(text) or place.after.lstrip()[:1] not in _QUOTES:
        return text
    quote = place.lexed_above.open_string
    if not quote or not place.after.lstrip().startswith(quote):
        return text
    if _open_string(place, "") or not _open_string(place, text):
        return text
    end = first_string_end(place.above + text, len(place.above), place.language)
    if end is None:
        return text
    cut = text[: end - len(place.above)]
    return text if _open_string(place, cut) else cut


def _open_string(place: Place, text: str) -> str:
    """The quote of the string that is open at the end of the cursor's line, with the text in it."""
    return lex(place.above + text + place.after, place.language).open_string
