"""The sources of context: imports, definitions, similar code, the counterpart test, open buffers, recent edits.

Each source gives snippets with a score between 0 and 1; `WEIGHTS` makes one scale of all the scores.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from posixpath import dirname

from context.documents.document import Document
from context.documents.edits import Edit
from context.index.terms import identifiers, overlap, search_terms
from context.index.view import Definition, View, parsed
from context.prompt.snippet import Snippet, Tier
from context.related.counterpart import counterparts
from context.related.cursor import CursorSurroundings
from context.related.imported import base_classes, imported_definitions, members_of
from context.secrets.masking import mask_text
from context.syntax.syntax import Chunk

# The worth of a source's best snippet beside those of the other sources.
WEIGHTS = {
    "import": 1.0,
    "definition": 0.6,
    "edit": 0.55,
    "buffer": 0.5,
    "test": 0.4,
    "similar": 0.45,
}

_MAX_PLACES = 6  # a name that is defined in more places is too common to help
_WHOLE_LINES = 12  # a shorter definition is shown with its body
_OUTLINE_LINES = 24
_BASE_LINES = 100  # of a class that the class at the cursor derives from, instead
_SIMILAR_CANDIDATES = 30
_SIMILAR_KEPT = 6
_NEAR_DUPLICATE = 0.8
_BUFFERS = 8
_BUFFER_LINES = 2048  # a longer buffer gives its first lines
_EDITS = 6
_EDIT_LINES_AROUND = 3


@dataclass(frozen=True)
class Wanted:
    """A definition that may be shown. `members` are the definitions in it; None before they are looked up."""

    definition: Definition
    members: Sequence[Definition] | None
    why: str
    score: float


def from_imports(around: CursorSurroundings, view: View) -> Iterable[Wanted]:
    """Yield the definitions that the current file imports, then those that its classes derive from."""
    offers = list(imported_definitions(around, view))
    for offer in offers:
        why = f"imported from {offer.module}"
        yield Wanted(offer.definition, offer.members, why, WEIGHTS["import"] * offer.score)
    for offer in base_classes(offers, around, view):
        yield Wanted(offer.definition, offer.members, f"base of {offer.module}", WEIGHTS["import"] * offer.score)


def from_names(around: CursorSurroundings, view: View) -> Iterable[Wanted]:
    """Yield the definitions, in any file, of the names near the cursor."""
    path = around.snapshot.document.path
    imported = {file for _, paths in around.imports for file in paths}
    for name, definitions in view.definitions(around.near, _MAX_PLACES).items():
        if any(definition.path == path for definition in definitions):
            continue
        for definition in definitions:
            if definition.path in imported and not definition.symbol.container:
                continue  # from_imports has it
            nearby = 1.0 if dirname(definition.path) == dirname(path) or definition.path in imported else 0.6
            score = around.near[name] * nearby / len(definitions) ** 0.5
            yield Wanted(definition, None, f"defines {name}", WEIGHTS["definition"] * score)


def from_similar(around: CursorSurroundings, view: View) -> Iterable[Snippet]:
    """Yield code of other files that has many words in common with the lines at the cursor."""
    path = around.snapshot.document.path
    names = sorted(around.near, key=lambda name: (-around.near[name], name))[:40]
    ranked = []
    for chunk in view.search(names, _SIMILAR_CANDIDATES):
        terms = search_terms(identifiers(chunk.text))
        if chunk.path != path:
            ranked.append((overlap(terms, around.window_terms), chunk, terms))
    ranked.sort(key=lambda entry: -entry[0])
    kept: list[set[str]] = []
    for similarity, chunk, terms in ranked:
        if len(kept) == _SIMILAR_KEPT:
            break
        if any(overlap(terms, other) > _NEAR_DUPLICATE for other in kept):
            continue
        kept.append(terms)
        score = WEIGHTS["similar"] * min(1.0, 0.4 + 2 * similarity)
        yield Snippet(chunk.path, chunk.text, chunk.language, "similar code", score, chunk.first_line, Tier.SIMILAR)


def from_counterpart(around: CursorSurroundings, view: View) -> Iterable[Snippet]:
    """Yield parts of the test of the current file, or of the file that the current one tests."""
    document = around.snapshot.document
    for found in counterparts(document.path, view)[:2]:
        why = "what this file tests" if found.is_tested else "test of this file"
        lines = view.whole_text(found.path)
        other = Document(found.path, lines, view.language_of(found.path), 0)
        for similarity, chunk in _ranked_chunks(other, around)[:3]:
            score = WEIGHTS["test"] * min(1.0, 0.4 + 2 * similarity)
            yield _chunk_snippet(other, chunk, why, score, Tier.SIMILAR)


def from_buffers(around: CursorSurroundings, buffers: Sequence[Document]) -> Iterable[Snippet]:
    """Yield parts of the other open buffers, the most recently used first, those most like the cursor's lines first."""
    for recency, document in enumerate(buffers[:_BUFFERS]):
        for rank, (_, chunk) in enumerate(_ranked_chunks(document, around)):
            score = WEIGHTS["buffer"] / (1 + 0.3 * recency) / (1 + 0.15 * rank)
            yield _chunk_snippet(document, chunk, "open buffer", score, Tier.BUFFER)


def from_edits(around: CursorSurroundings, view: View, edits: Sequence[Edit]) -> Iterable[Snippet]:
    """Yield the places of other files that the user changed last, as they are now."""
    elsewhere = [edit for edit in edits if edit.path != around.snapshot.document.path and edit.new_lines]
    for rank, edit in enumerate(elsewhere[:_EDITS]):
        end = edit.first_line + len(edit.new_lines)
        if view.lines(edit.path, edit.first_line, end) != mask_text("".join(edit.new_lines), edit.path)[0]:
            continue  # the file is not what the editor had
        first = max(0, edit.first_line - _EDIT_LINES_AROUND)
        text = view.lines(edit.path, first, end + _EDIT_LINES_AROUND)
        score = WEIGHTS["edit"] / (1 + 0.3 * rank)
        yield Snippet(edit.path, text, edit.language, "recent edit", score, first, Tier.EDIT)


def _ranked_chunks(document: Document, around: CursorSurroundings) -> list[tuple[float, Chunk]]:
    ranked = []
    for chunk in parsed(document).chunks:
        if chunk.first_line < _BUFFER_LINES:
            text = "".join(document.lines[chunk.first_line : chunk.end_line])
            if text.strip():
                ranked.append((overlap(search_terms(identifiers(text)), around.window_terms), chunk))
    return sorted(ranked, key=lambda entry: -entry[0])


def _chunk_snippet(document: Document, chunk: Chunk, why: str, score: float, tier: Tier) -> Snippet:
    text = "".join(document.lines[chunk.first_line : chunk.end_line])
    return Snippet(document.path, text, document.language, why, score, chunk.first_line, tier)


def show(wanted: Wanted, around: CursorSurroundings, view: View) -> Snippet:
    """Return a short definition as it is; of a longer one, its signature and the signatures of its members."""
    definition = wanted.definition
    symbol = definition.symbol
    if symbol.last_line - symbol.first_line < _WHOLE_LINES:
        text = view.lines(definition.path, symbol.first_line, symbol.last_line + 1)
    else:
        members = members_of(definition, view) if wanted.members is None else wanted.members
        is_around = symbol.name in around.enclosing or wanted.why.startswith("base of ")
        text = _outline(definition, members, around, _BASE_LINES if is_around else _OUTLINE_LINES)
    return Snippet(definition.path, text, definition.language, wanted.why, wanted.score, symbol.first_line)


def _outline(
    definition: Definition, members: Sequence[Definition], around: CursorSurroundings, limit_lines: int
) -> str:
    """Return signatures in the file's order. When there is no room for all members, those that are named near win."""
    head = definition.symbol.signature.split("\n")[:limit_lines]
    room = limit_lines - len(head)
    ranked = sorted(
        enumerate(members),
        key=lambda numbered: (-around.near.get(name := numbered[1].symbol.name, 0.0), name not in around.names),
    )
    taken = []
    for number, member in ranked:
        lines = member.symbol.signature.count("\n") + 1
        if lines <= room:
            taken.append(number)
            room -= lines
    return "\n".join([*head, *(members[number].symbol.signature for number in sorted(taken))]) + "\n"
