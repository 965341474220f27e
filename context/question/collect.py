"""Collects the parts of a workspace that an answer may need, the user naming nothing but what the question says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from context.question.around import at_cursor, overview, recent_edits
from context.question.asked import Asked
from context.question.definitions import named_definitions, shown_definition, used_definitions
from context.question.parts import CONTAINERS, FoundDefinition, Part, heads_of, worth_of_path
from context.question.resolve import Mentioned, mentioned_parts
from context.question.similar import similar_text
from context.question.stored import find_readers
from context.question.uses import find_uses

_LIKELY = 0.45  # a definition that is so likely is what the question is about
_NAMED_FILE = 0.8
_NAMED_FILE_LINES = 60
_MOST_FILES = 3
_IN_MENTIONED = 0.9
_MOST_MAIN = 4
_MOST_OWNERS = 2
_MOST_SCALE = 4.0
_ALSO_SIMILAR = 0.7  # of the score as similar text, added to that of a name


def collect_parts(asked: Asked) -> list[Part]:
    """Return the parts of files that may be shown now."""
    found, similar, names_something = _scaled(asked)
    symbols = asked.mentioned.symbols
    main = _main([*symbols, *found, *(one for _, one in similar if one is not None)])
    shown = [*symbols, *found, *used_definitions(main, asked.words, asked.view)]
    parts = [
        *mentioned_parts(asked.mentioned, asked.view),
        *(shown_definition(one, asked.view) for one in shown),
        *(part for part, _ in similar),
        *find_uses(main, asked),
        *find_readers(main, asked),
        *_named_files(asked),
        *at_cursor(asked, names_something=names_something),
        *recent_edits(asked),
        *overview(asked),
    ]
    parts = [_in_mentioned(part, asked.mentioned) for part in parts]
    allowed = {path: asked.may_name(path) for path in {part.path for part in parts}}
    return [part for part in parts if allowed[part.path]]


def _scaled(asked: Asked) -> tuple[list[FoundDefinition], list[tuple[Part, FoundDefinition | None]], bool]:
    """Return the definitions that the words name, the text that is like the question, and whether a name is likely.

    The best of them has a score of about 1: it takes its part of the room also where nothing is likely.
    """
    found = named_definitions(asked)
    names_something = bool(asked.mentioned.symbols) or any(one.score >= _LIKELY for one in found)
    owners = [one.definition for one in [*asked.mentioned.symbols, *found] if one.is_sure]
    owners = [owner for owner in owners if owner.symbol.kind in CONTAINERS]
    similar = list(similar_text(asked, owners[:_MOST_OWNERS], names_something=names_something))
    whys = {one.place: one.why for one in found}
    by_place = {one.place: one.score for _, one in similar if one is not None}
    found = [replace(one, score=one.score + _ALSO_SIMILAR * by_place.get(one.place, 0.0)) for one in found]
    best = max([0.0, *(one.score for one in found), *(part.score for part, _ in similar)])
    scale = min(_MOST_SCALE, 1 / best) if best else 1.0
    return (
        [replace(one, score=one.score * scale) for one in found],
        [
            (
                replace(_named(part, one, whys), score=part.score * scale),
                replace(one, score=one.score * scale) if one is not None else None,
            )
            for part, one in similar
        ],
        names_something,
    )


def _named(part: Part, found: FoundDefinition | None, whys: Mapping[tuple[str, int], str]) -> Part:
    """Return the text of a definition whose name is in the question as what it is."""
    if found is None or found.place not in whys:
        return part
    return replace(part, kind="definition", why=whys[found.place])


def _in_mentioned(part: Part, mentioned: Mentioned) -> Part:
    """Return the part with a higher score where the user has named its file or folder."""
    if part.score >= 1 or not mentioned.names(part.path):
        return part
    return replace(part, score=part.score + _IN_MENTIONED)


def _main(found: Sequence[FoundDefinition]) -> list[FoundDefinition]:
    """Return the definitions that the question is most likely about, whose callers and parts are shown too."""
    best: dict[tuple[str, int], FoundDefinition] = {}
    for one in sorted(found, key=lambda one: -one.score):
        best.setdefault(one.place, one)
    return list(best.values())[:_MOST_MAIN]


def _named_files(asked: Asked) -> list[Part]:
    parts = []
    for name in asked.words.file_names:
        ending = f"/{name}"
        paths = [path for path in asked.view.named(name.rpartition("/")[2]) if f"/{path}".endswith(ending)]
        for path in sorted(paths, key=lambda path: (-worth_of_path(path), len(path)))[:_MOST_FILES]:
            shown = heads_of(asked.view.definitions_in(path)) or (range(_NAMED_FILE_LINES),)
            parts.append(Part("document", path, shown, "the question names it", _NAMED_FILE / len(paths) ** 0.5))
    return parts
