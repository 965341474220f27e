"""Cut code behind the comment or the long string around the cursor, where the document has its end below."""

from context.documents.languages import block_comment
from lsp_server.completion.postprocess.left_block import MOST_CHARACTERS
from lsp_server.completion.postprocess.lexing import LONG_QUOTES, find_string_end, is_known, lex
from lsp_server.completion.postprocess.place import Place


def without_left_text(text: str, place: Place, *, is_stopped: bool) -> str:
    """Cut the text before the mark that ends the cursor's comment or docstring, if the same mark below ends it.

    A model that ended by itself may have meant to begin the next comment, which the mark below ends.
    """
    end = end_of_left_text(text, place)
    if end is None or not (is_stopped or _leaves_a_mark(text, place)):
        return text
    return text[:end]


def has_left_text(text: str, place: Place) -> bool:
    """Return whether the text has left the cursor's comment or docstring, and its line is whole."""
    end = end_of_left_text(text, place)
    return end is not None and "\n" in text[end:]


def end_of_left_text(text: str, place: Place) -> int | None:
    """Return the offset at which the text ends the cursor's comment or long string, which the document ends too."""
    if not is_known(place.language) or len(place.above) + len(place.below) > MOST_CHARACTERS:
        return None
    above = place.lexed_above
    if mark := above.open_comment:
        at = text.find(mark)
        return _start_of_mark(text, at, mark) if at >= 0 and _is_ended_below(mark, place) else None
    quote = above.open_string
    if quote not in LONG_QUOTES or quote not in text or quote in place.after or place.lexed_whole.open_string:
        return None  # `without_surplus_closers` judges a quote on the cursor's line
    if find_string_end(place.above + place.below, len(place.above), place.language) is None:
        return None
    end = find_string_end(place.above + text, len(place.above), place.language)
    return None if end is None else end - len(place.above)


def _start_of_mark(text: str, at: int, mark: str) -> int:
    """Return where a mark such as `**/` begins."""
    return len(text[:at].rstrip(mark[0])) if mark == "*/" else at


def _is_ended_below(mark: str, place: Place) -> bool:
    """Return whether the mark stands below before another comment begins: else the cursor's comment has no end yet."""
    marks = block_comment(place.language)
    before, found, _ = place.below.partition(mark)
    return bool(found) and marks is not None and marks[0] not in before


def _leaves_a_mark(text: str, place: Place) -> bool:
    """Return whether the mark below ends nothing any more."""
    if place.lexed_above.open_comment:
        return not lex(place.above + text, place.language).open_comment
    return lex(place.above + text + place.below, place.language).open_string != ""
