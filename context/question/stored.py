"""Finds who reads what a definition stores: what registers something is explained by what runs it."""

import re
from collections.abc import Iterator, Sequence, Set

from context.index.view import Definition, View
from context.question.asked import Asked
from context.question.definitions import likeness, without_texts
from context.question.parts import CONTAINERS, FoundDefinition, Part, worth_of_path
from context.question.uses import Use, innermost, parts_of_uses
from context.question.words import words_of
from context.related.counterpart import is_test

_READER = 0.6  # of the score of the definition that stores
_MOST_READERS = 2
_MOST_ATTRIBUTES = 3
_MOST_PLACES = 12
_MOST_CHUNKS = 200
_WRITES = 0.4  # of the worth of a line that reads
_ATTRIBUTE = re.compile(r"(?<=[\w)\]]\.)[^\W\d]\w+(?![\w(])")


def find_readers(found: Sequence[FoundDefinition], asked: Asked) -> Iterator[Part]:
    """Yield the functions that read an attribute which a definition names too and the question is about."""
    for one in found:
        for attribute in _attributes(one.definition, asked):
            uses = sorted(_uses(attribute, one.definition, asked), key=lambda use: (-use.worth, use.path, use.line))
            yield from parts_of_uses(
                "caller", f"uses {attribute}", _READER * one.score, uses, _MOST_READERS, asked.view
            )


def _attributes(definition: Definition, asked: Asked) -> list[str]:
    """Return the attributes in a body that share a word with the definition's name or the question."""
    symbol, view = definition.symbol, asked.view
    if symbol.kind in CONTAINERS:
        return []
    body = without_texts(view.lines(definition.path, symbol.first_line, symbol.last_line + 1))
    own = words_of(symbol.name)
    names = [
        name
        for name in dict.fromkeys(_ATTRIBUTE.findall(body))
        if name != symbol.name and _shares_word(words_of(name), own, asked)
    ]
    return [name for name in names[:_MOST_ATTRIBUTES] if not _is_called_or_type(name, view)]


def _shares_word(words: Set[str], own: Set[str], asked: Asked) -> bool:
    return not words.isdisjoint(own) or any(not term.isdisjoint(words) for term in asked.words.terms)


def _is_called_or_type(name: str, view: View) -> bool:
    definitions = view.definitions([name], _MOST_PLACES).get(name, ())
    return any(one.symbol.kind in {"function", "method", *CONTAINERS} for one in definitions)


def _uses(attribute: str, definition: Definition, asked: Asked) -> Iterator[Use]:
    """Yield the lines in other functions that name an attribute, by how much the function is like the question."""
    named = re.compile(rf"(?<!\w){re.escape(attribute)}(?!\w)")
    written = re.compile(rf"{named.pattern}\s*(?::|=[^=])")
    for path, first_line, text in asked.chunks(attribute, _MOST_CHUNKS):
        if attribute not in text or is_test(path):
            continue
        for number, line in enumerate(text.split("\n"), first_line):
            if not named.search(line):
                continue
            user = innermost(path, number, asked.view)
            if user is None or user.symbol.kind in CONTAINERS or user == definition:
                continue
            worth = worth_of_path(path) * (_WRITES if written.search(line) else 1.0)
            yield Use(path, number, worth * likeness(user, asked.words, asked.view))
