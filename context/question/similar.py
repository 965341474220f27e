"""Finds the text that has the words of a question, where none of them need be a name."""

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from context.index.view import Definition, FoundChunk
from context.question.asked import Asked
from context.question.parts import CONTAINERS, FoundDefinition, Part, members_of, owner_of, with_comment, worth_of_path
from context.question.words import count_terms, text_words, words_of

_SIMILAR, _BESIDE_NAMES = 0.9, 0.55  # where the question names nothing surely, and where it does
_MOST_SHOWN = 10
_MOST_FOUND = 1000  # chunks
_MOST_CHUNKS = 150  # whose text is compared
_MOST_MINOR_CHUNKS = 20  # of tests, examples and the like
_HEAD_LINES = 25
_LEAST_SCORE = 0.08
_OF_OWNER = 1.2  # of the likeness of a member of a class that the question names
_MOST_MEMBERS = 60
_OF_HEAD = 0.4  # so much of the likeness is that of the name
_OWNER, _PATH = 0.7, 0.4  # of the worth of the name, where a word is in these
_SATURATION, _BY_LENGTH = 1.2, 0.6  # of BM25: k1 and b
_FEWEST_WORDS = 30  # a shorter text is no better for being short
_SCALE = 1.5
_PROSE = 0.7
_MOST_RANKED = 6000  # to rank more takes long
_BEST = (
    "SELECT best.id, f.path"
    " FROM (SELECT rowid AS id, rank AS score FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) AS best"
    " JOIN chunks c ON c.id = best.id JOIN files f ON f.id = c.file_id ORDER BY best.score"
)
_ENDINGS = ("", "s", "es", "ed", "d", "ing", "er", "ers", "or", "y", "ies", "ion")


@dataclass(frozen=True)
class _Text:
    path: str
    lines: range
    words: int
    head: Sequence[float]  # how much each term is in the name, the owner and the path, 1 for the name
    body: Sequence[int]  # how often each term is in the text
    definition: Definition | None = None

    @property
    def place(self) -> tuple[str, int]:
        """The file, and the first line of the definition."""
        return self.path, self.definition.symbol.first_line if self.definition is not None else self.lines.start


def similar_text(
    asked: Asked, owners: Sequence[Definition], *, names_something: bool
) -> Iterator[tuple[Part, FoundDefinition | None]]:
    """Yield the definitions, or else the chunks, that have the most telling words of the question, the best first.

    `owners` are the classes, and the like, that the question names: their members are likelier.
    """
    terms = asked.words.terms
    forms = _forms(asked, terms)
    members = [member for owner in owners for member in members_of(owner, asked.view)[:_MOST_MEMBERS]]
    texts = list(_texts(asked, terms, _query(forms), members))
    places = {(member.path, member.symbol.first_line) for member in members}
    rarity = [_rarity(counts, [text.body[number] for text in texts], asked) for number, counts in enumerate(forms)]
    mean_words = sum(text.words for text in texts) / max(len(texts), 1)
    most = _BESIDE_NAMES if names_something else _SIMILAR
    ranked = [
        (_likeness(text, rarity, mean_words) * (_OF_OWNER if text.place in places else most), text)
        for text in texts
        if text.place not in places or _says_more(text, terms)
    ]
    ranked.sort(key=lambda one: (-one[0], one[1].path, one[1].lines.start))
    for score, text in ranked[:_MOST_SHOWN]:
        if score < _LEAST_SCORE:
            return
        definition = text.definition
        if definition is None:
            yield Part("similar", text.path, (text.lines,), "has the words of the question", score), None
        else:
            why = f"{definition.symbol.name} has the words of the question"
            yield Part("similar", text.path, (text.lines,), why, score), FoundDefinition(definition, score, why)


def _says_more(text: _Text, terms: Sequence[Set[str]]) -> bool:
    """Return whether a member has words of the question beside those of its owner's name."""
    owner = words_of(owner_of(text.definition)) if text.definition is not None else set()
    return any(count and term.isdisjoint(owner) for term, count in zip(terms, text.body, strict=True))


def _forms(asked: Asked, terms: Sequence[Set[str]]) -> list[dict[str, int]]:
    """Return the words of the index that are forms of each term, with the numbers of chunks that hold them."""
    wanted = [{f"{form}{ending}" for form in term for ending in _ENDINGS} for term in terms]
    every = sorted(set().union(*wanted))
    marks = ", ".join("?" * len(every))
    counts = dict(asked.read_index(f"SELECT term, doc FROM word_counts WHERE term IN ({marks})", every))
    return [{form: counts[form] for form in of_term if form in counts} for of_term in wanted]


def _query(forms: Sequence[dict[str, int]]) -> str:
    """Return the FTS5 query for the chunks with any form of a term: the rarest terms, that not too many chunks hold."""
    chosen: list[str] = []
    chunks = 0
    for counts in sorted(filter(None, forms), key=lambda counts: sum(counts.values())):
        chunks += sum(counts.values())
        if chosen and chunks > _MOST_RANKED:
            break
        chosen += counts
    return " OR ".join(f'"{form}"' for form in chosen)


def _texts(asked: Asked, terms: Sequence[Set[str]], query: str, members: Sequence[Definition]) -> Iterator[_Text]:
    seen = {(member.path, member.symbol.first_line) for member in members}
    yield from (_text_of(member, asked, terms) for member in members)
    for chunk in _chunks(asked, query):
        end = chunk.first_line + len(chunk.text.split("\n"))
        definitions = [
            definition
            for definition in asked.view.definitions_in(chunk.path)
            if definition.symbol.first_line < end and chunk.first_line <= definition.symbol.last_line
        ]
        for definition in definitions:
            place = (definition.path, definition.symbol.first_line)
            if place not in seen:
                seen.add(place)
                yield _text_of(definition, asked, terms)
        if not definitions:
            yield _text_of_chunk(chunk, terms)


def _chunks(asked: Asked, query: str) -> Iterator[FoundChunk]:
    """Yield the best chunks, only some of tests, examples and the like."""
    if not query:
        return
    read, left_minor = asked.read_index, _MOST_MINOR_CHUNKS
    chosen: list[int] = []
    for number, path in read(_BEST, (query, _MOST_FOUND)):
        is_minor = worth_of_path(path) < 1
        left_minor -= is_minor
        if len(chosen) < _MOST_CHUNKS and (not is_minor or left_minor >= 0):
            chosen.append(number)
    marks = ", ".join("?" * len(chosen))
    sql = f"SELECT f.path, c.first_line, c.text FROM chunks c JOIN files f ON f.id = c.file_id WHERE c.id IN ({marks})"
    for path, first_line, text in read(sql, chosen):
        yield FoundChunk(path, "", first_line, text)


def _rarity(counts: Mapping[str, int], in_texts: Sequence[int], asked: Asked) -> float:
    """Return how telling a term is: the fewer chunks of the index have it, the more.

    The index leaves out keywords of some language, such as "register"; the texts that were found stand for it then.
    """
    holding, all_texts = sum(counts.values()), asked.chunk_count
    if not counts:
        holding, all_texts = sum(count > 0 for count in in_texts), len(in_texts)
    return math.log(1 + all_texts / (1 + holding)) if holding else 0.0


def _text_of(definition: Definition, asked: Asked, terms: Sequence[Set[str]]) -> _Text:
    """Return the text of a definition; of one that holds others, as far as the first of these."""
    lines = with_comment(definition, asked.view)
    if definition.symbol.kind in CONTAINERS:
        first = min((one.symbol.first_line for one in members_of(definition, asked.view)), default=lines.stop)
        lines = range(lines.start, max(lines.start + 1, min(first, lines.start + _HEAD_LINES, lines.stop)))
    text = asked.view.lines(definition.path, lines.start, lines.stop)
    name, owner = definition.symbol.name, owner_of(definition)
    head = _head(terms, (1.0, name), (_OWNER, owner), (_PATH, definition.path))
    return _Text(definition.path, lines, len(text_words(text)), head, count_terms(text, terms), definition)


def _head(terms: Sequence[Set[str]], *weighted: tuple[float, str]) -> list[float]:
    """Return how much each term is in texts of these weights: the weight of the weightiest that has it."""
    counts = [(weight, count_terms(text, terms)) for weight, text in weighted]
    return [max(weight if found[number] else 0.0 for weight, found in counts) for number in range(len(terms))]


def _text_of_chunk(chunk: FoundChunk, terms: Sequence[Set[str]]) -> _Text:
    lines = range(chunk.first_line, chunk.first_line + len(chunk.text.removesuffix("\n").split("\n")))
    words = len(text_words(chunk.text))
    return _Text(chunk.path, lines, words, _head(terms, (_PATH, chunk.path)), count_terms(chunk.text, terms))


def _likeness(text: _Text, rarity: Sequence[float], mean_words: float) -> float:
    """Return how like a text is to the question, by BM25 over its words and its name, between 0 and 1."""
    length = _BY_LENGTH * max(text.words, _FEWEST_WORDS) / max(mean_words, 1.0) + 1 - _BY_LENGTH
    every = sum(rarity) or 1.0
    body = sum(weight * count / (count + _SATURATION * length) for weight, count in zip(rarity, text.body, strict=True))
    head = sum(weight * share for weight, share in zip(rarity, text.head, strict=True))
    likeness = (1 - _OF_HEAD) * body / every + _OF_HEAD * head / every
    return min(1.0, _SCALE * likeness) * worth_of_path(text.path) * (1.0 if text.definition is not None else _PROSE)
