"""Finds the definitions that the words of a question may mean, and those that these are made of."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from context.index.terms import identifiers, search_terms
from context.index.view import Definition, View
from context.question.asked import Asked
from context.question.parts import (
    CONTAINERS,
    FoundDefinition,
    Part,
    PartKind,
    is_in,
    members_of,
    outline_of_definition,
    owner_of,
    with_comment,
    worth_of_path,
)
from context.question.words import AskedName, QuestionWords, flat_name, joined_weight, stems, words_of

_MOST_PLACES = 12  # a name that is defined in more places says nothing by itself
_MOST_READ = 80  # definitions whose text is compared with the question
_MOST_FOUND = 24
_SURE = 0.75  # the weight of a name that the user surely means
_OTHER_CASE = 0.85  # the name is another one by its capitals, its underlines or its ending
_WRONG_OWNER = 0.4
_RIGHT_OWNER = 1.6
_OF_TEXT = 0.5  # so much of the score depends on what else the question says
_KINDS = {"variable": 0.7, "field": 0.6, "module": 0.7}
_MOST_NAME_CHARACTERS = 80

_USED_BY = 0.65  # of the score of the definition that uses this one
_UNASKED = 0.7
_BY_RANK = 0.15
_MOST_USED_BY = 8
_MOST_USED_PLACES = 3
_MOST_USERS = 3
_MOST_BODY_LINES = 300

_WHOLE_LINES, _SURE_WHOLE_LINES = 30, 90  # a longer definition is shown in outline
_OUTLINE_LINES, _SURE_OUTLINE_LINES = 14, 40
# Docstrings, comments and texts, whose words are no names. Neither this nor the next begins anew at each character of
# a long line.
_TEXT = re.compile(
    r""""{3}.*?"{3}|\'{3}.*?\'{3}|(?<!\\)"(?:[^"\\\n]|\\.)*"|^[^\S\n]*(?:#|//|\*|/\*)[^\n]*$""",
    re.DOTALL | re.MULTILINE,
)
# What is called, types, and what members are taken of.
_USED_NAME = re.compile(r"(?<!\w)\w++(?=\s*\()|(?<![.\w])(?:[A-Z_]\w+|\w++(?=\s*[\[{.]))")


def named_definitions(asked: Asked) -> list[FoundDefinition]:
    """Return the definitions that the question may mean, the likeliest first."""
    best: dict[tuple[str, int], FoundDefinition] = {}
    words, view = asked.words, asked.view
    for name, definitions in _candidates(asked):
        has_owner = any(flat_name(owner_of(one)) == flat_name(name.owner) for one in definitions)
        for definition in definitions:
            worth = _worth(definition, words) * (1.0 if not has_owner else _worth_of_owner(definition, name))
            score = name.weight * worth / len(definitions) ** _shared(name)
            why = f"defines {definition.symbol.name}"
            found = FoundDefinition(definition, min(score, 1.0), why, name.weight >= _SURE)
            if found.place not in best or best[found.place].score < found.score:
                best[found.place] = found
    likely = sorted(best.values(), key=lambda found: -found.score)[:_MOST_READ]
    judged = (replace(found, score=found.score * likeness(found.definition, words, view)) for found in likely)
    return sorted(judged, key=lambda found: (-found.score, found.place))[:_MOST_FOUND]


def used_definitions(found: Sequence[FoundDefinition], words: QuestionWords, view: View) -> Iterator[FoundDefinition]:
    """Yield the definitions that the first ones name in their bodies."""
    seen = set()
    for user in found[:_MOST_USERS]:
        symbol, path = user.definition.symbol, user.definition.path
        last_line = min(symbol.last_line, symbol.first_line + _MOST_BODY_LINES)
        body = without_texts(view.lines(path, symbol.first_line, last_line + 1))
        names = set(_USED_NAME.findall(body)) & identifiers(body) - {symbol.name}
        places = view.definitions(names, _MOST_USED_PLACES)
        near = {path, *_imported(path, view)}
        ranked = sorted(
            ((_worth_of_used(definition, words), definition) for definition in _meant(body, places, near)),
            key=lambda one: -one[0],
        )
        for rank, (worth, definition) in enumerate(ranked[:_MOST_USED_BY]):
            score = _USED_BY * user.score * worth / (1 + _BY_RANK * rank)
            used = FoundDefinition(definition, score, f"used by {symbol.name}")
            if used.place not in seen and not is_in(definition, user.definition):
                seen.add(used.place)
                yield used


def without_texts(code: str) -> str:
    """Return code without its docstrings, comments and texts."""
    return _TEXT.sub("", code)


def shown_definition(found: FoundDefinition, view: View) -> Part:
    """Return the lines of a definition that an answer needs: all of a short one, the outline of a long one."""
    definition = found.definition
    whole_lines, outline_lines = _WHOLE_LINES, _OUTLINE_LINES
    if found.is_sure:
        whole_lines, outline_lines = _SURE_WHOLE_LINES, _SURE_OUTLINE_LINES
    whole = with_comment(definition, view)
    is_container = definition.symbol.kind in CONTAINERS
    spans: tuple[range, ...] = (whole,)
    if len(whole) > whole_lines and (is_container or not found.is_sure):
        spans = outline_of_definition(definition, members_of(definition, view), view, outline_lines)
    kind: PartKind = "reference" if found.is_mentioned else "definition"
    return Part(kind, definition.path, spans, found.why, found.score)


def _candidates(asked: Asked) -> Iterator[tuple[AskedName, Sequence[Definition]]]:
    """Yield each name that may be meant, with the definitions of that name."""
    names = {name.name: name for name in asked.words.names}
    for spelled, name in _other_spellings(asked).items():
        if spelled not in names or names[spelled].weight < name.weight:
            names[spelled] = name
    for spelled, definitions in asked.view.definitions(names, _MOST_PLACES).items():
        yield names[spelled], definitions


def _other_spellings(asked: Asked) -> dict[str, AskedName]:
    """Return the names of the index that the words mean without being spelled so, with their likelihood."""
    wanted: dict[str, AskedName] = {}
    for name in asked.words.names:
        flat = flat_name(name.name)
        for form in (flat, *stems(flat)):
            wanted.setdefault(form, replace(name, weight=name.weight * _OTHER_CASE))
    found = {}
    rows = asked.read_index("SELECT DISTINCT name FROM symbols WHERE length(name) <= ?", (_MOST_NAME_CHARACTERS,))
    for (spelled,) in rows:
        flat = flat_name(spelled)
        weight = joined_weight(flat, asked.words)
        if flat in wanted and wanted[flat].weight >= weight:
            found[spelled] = wanted[flat]
        elif weight:
            found[spelled] = AskedName(spelled, weight)
    return found


def _worth(definition: Definition, words: QuestionWords) -> float:
    worth = worth_of_path(definition.path) * _KINDS.get(definition.symbol.kind, 1.0)
    owner = flat_name(owner_of(definition))
    is_named = owner and (owner in words.joined or any(flat_name(other.name) == owner for other in words.names))
    return worth * _RIGHT_OWNER if is_named else worth


def _worth_of_owner(definition: Definition, asked: AskedName) -> float:
    """Return how much a definition is worth among those of a name that the question gives an owner, as `App.run`."""
    return 1.0 if flat_name(owner_of(definition)) == flat_name(asked.owner) else _WRONG_OWNER


def _shared(asked: AskedName) -> float:
    """Return the power by which the number of a name's places divides its likelihood."""
    return 0.25 if asked.weight >= _SURE else 0.5


def likeness(definition: Definition, words: QuestionWords, view: View) -> float:
    """Return by how much the text of a definition has the other words of the question."""
    own = search_terms([definition.symbol.name])
    asked = [term for term in words.terms if term.isdisjoint(own)]
    if not asked:
        return 1.0
    span = with_comment(definition, view)
    text = view.lines(definition.path, span.start, span.stop)
    there = words_of(f"{text} {definition.path} {owner_of(definition)}")
    shared = sum(not term.isdisjoint(there) for term in asked)
    return 1 - _OF_TEXT + _OF_TEXT * min(1.0, 2 * shared / len(asked))


def _imported(path: str, view: View) -> Iterable[str]:
    language = view.language_of(path)
    return (file for imported in view.imports(path) for file in view.imported_files(imported, path, language))


def _meant(body: str, places: Mapping[str, Sequence[Definition]], near: set[str]) -> list[Definition]:
    """Return the definitions of the names in a body that its file can name, in the order of the body."""
    found = []
    for name, definitions in places.items():
        here = [definition for definition in definitions if definition.path in near]
        found += [(body.find(name), one) for one in here or (definitions if len(definitions) == 1 else [])]
    return [definition for _, definition in sorted(found, key=lambda placed: placed[0])]


def _worth_of_used(definition: Definition, words: QuestionWords) -> float:
    """Return how much a used definition is worth: more where its name has words of the question."""
    there = words_of(definition.symbol.name)
    shared = sum(not term.isdisjoint(there) for term in words.terms) / max(len(words.terms), 1)
    return _KINDS.get(definition.symbol.kind, 1.0) * worth_of_path(definition.path) * (_UNASKED + shared)
