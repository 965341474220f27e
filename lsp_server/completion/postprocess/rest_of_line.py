"""Cut the rest of the cursor's line where the model has written it again."""

from lsp_server.completion.postprocess.lexing import lex
from lsp_server.completion.postprocess.place import Place
from lsp_server.completion.postprocess.tags import has_tags

_SEPARATORS = ",;:"
_CLOSING = ")]}\"'`"
_TELLING_CHARACTERS = 3  # different ones: a rest such as "######" may be meant to go on


def without_rest_of_line(text: str, place: Place) -> str:
    """Cut an end of the text that equals the rest of the cursor's line, unless the text needs that end for itself.

    `without_surplus_closers` judges closers, by their openers. Only closers of an expression within a string, as in
    `${name}`, are judged here.
    """
    rest, written = place.after.strip(), text.rstrip()
    if not rest or not written.endswith(rest) or (has_tags(place.language) and rest.startswith("</")):
        return text
    cut = written[: -len(rest)]
    if _are_closers(rest):
        quote = place.lexed_above.open_string
        return cut if quote and quote not in cut and _closes_nothing(cut, rest) else text
    if set(rest) <= set(_SEPARATORS):
        return text if place.language == "shellscript" else cut  # in a shell ";;" is one word
    if len(set(rest)) < _TELLING_CHARACTERS or (cut and _within_a_word(cut[-1], rest[0])):
        return text
    return cut if _opened(cut, place) <= _opened(text, place) else text


def _opened(text: str, place: Place) -> int:
    return len(lex(place.before + text + place.after, place.language).opened)


def _are_closers(rest: str) -> bool:
    return not set(rest) <= set(_SEPARATORS) and all(c in _CLOSING or c in _SEPARATORS or c.isspace() for c in rest)


def _closes_nothing(text: str, closers: str) -> bool:
    """Return whether the closers hold brackets, and the text opens no bracket of these kinds without closing it."""
    pairs = [(opener, closer) for opener, closer in ("()", "[]", "{}") if closer in closers]
    return bool(pairs) and all(text.count(opener) <= text.count(closer) for opener, closer in pairs)


def _within_a_word(before: str, after: str) -> bool:
    return (before.isalnum() or before == "_") and (after.isalnum() or after == "_")
