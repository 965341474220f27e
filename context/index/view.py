"""A view of a workspace at one moment: the index, with the editor's buffers in front of it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.index.index import Index
from context.index.resolve import resolve
from context.index.terms import search_terms
from context.syntax.imports import Import, find_imports
from context.syntax.parser_process import outline_of
from context.syntax.symbols import Symbol
from context.syntax.syntax import Outline

_Answer = TypeVar("_Answer")
_MAX_QUERY_TERMS = 16
_MAX_QUERY_CHUNKS = 4000  # to rank more takes long, and words that are so common tell little
_IN_BATCH = 500
_MAX_ANSWERS = 20_000

# The index's answers by the question: its name and its parameters.
Answers = dict[tuple[object, ...], Any]


@dataclass(frozen=True)
class Definition:
    """A symbol and the file that it is in."""

    path: str
    language: str
    symbol: Symbol


# A definition, the definitions in it, and the names of all of them.
TopLevel = tuple[Definition, Sequence[Definition], frozenset[str]]


@dataclass(frozen=True)
class FoundChunk:
    """Some lines of a file as it is now."""

    path: str
    language: str
    first_line: int
    text: str


class View:
    """Answers questions about the files of a workspace. `buffers` win over what the index holds of the same files."""

    def __init__(
        self,
        index: Index | None,
        buffers: Sequence[Document] = (),
        answers: Answers | None = None,
    ) -> None:
        """`answers` are those that the same index gave before: many questions are the same at every keystroke."""
        self._index = index
        self._buffers = {document.path: document for document in buffers}
        self._answers = answers if answers is not None else {}
        self._outlines: dict[str, Outline] = {}

    def existing(self, paths: Iterable[str]) -> set[str]:
        asked = set(paths)
        found = asked & self._buffers.keys()
        for batch in _batches(asked - found):
            found.update(path for (path,) in self._rows("SELECT path FROM files WHERE path IN ({})", batch))
        return found

    def named(self, name: str) -> list[str]:
        """Return the files of this name in any folder; for "*.suffix", all files with that suffix."""
        if name.startswith("*"):
            rows = self._rows("SELECT path FROM files WHERE name LIKE ?", [f"%{name[1:]}"])
        else:
            rows = self._rows("SELECT path FROM files WHERE name = ?", [name])
        paths = {path for (path,) in rows}
        ending = name[1:] if name.startswith("*") else "/" + name
        paths.update(path for path in self._buffers if ("/" + path).endswith(ending))
        return sorted(paths)

    def in_folder(self, folder: str) -> list[str]:
        """Return the files of one folder, without those of the folders in it."""
        start = folder + "/" if folder else ""
        rows = self._rows("SELECT path FROM files WHERE path >= ? AND path < ?", [start, start + "\U0010ffff"])
        paths = {path for (path,) in rows} | set(self._buffers)
        return sorted(path for path in paths if path.startswith(start) and "/" not in path[len(start) :])

    def below(self, folder: str) -> list[str]:
        """Return the files of the index in a folder and in those in it."""
        rows = self._rows("SELECT path FROM files WHERE path >= ? AND path < ?", [f"{folder}/", f"{folder}0"])
        return [path for (path,) in rows]

    def language_of(self, path: str) -> str:
        if path in self._buffers:
            return self._buffers[path].language
        return self._file(path)[0]

    def whole_text(self, path: str) -> str:
        return self.lines(path, 0, 1 << 30)

    def lines(self, path: str, first_line: int, end_line: int) -> str:
        """Return the text of some lines; "" when the file is not known."""
        if path in self._buffers:
            return "".join(self._buffers[path].lines[first_line:end_line])
        return self._once(("lines", path, first_line, end_line), lambda: self._lines(path, first_line, end_line))

    def imports(self, path: str) -> list[Import]:
        if path in self._buffers:
            document = self._buffers[path]
            return find_imports(document.language, document.text)
        return self._file(path)[1]

    def mask_rules(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the placeholders that the index has in place of secrets of these files, with the secrets' rules."""
        rules: dict[str, str] = {}
        for path in paths:
            rules |= self._once(("masks", path), partial(self._masks_of, path))
        return rules

    def importers(self, name: str, language: str, limit: int) -> list[tuple[str, Import]]:
        """Return files of a language with their imports of this name, as the index alone knows them."""
        rows = self._rows(
            "SELECT path, imports FROM files WHERE language = ? AND instr(imports, ?) LIMIT ?",
            [language, json.dumps(name), limit],
        )
        return [
            (path, (module, names))
            for path, imports in rows
            for module, names in json.loads(imports)
            if name in names or (module == name and not names)
        ]

    def root(self) -> str:
        """Return the folder whose files the index has; "" without an index."""
        rows = self._rows("SELECT root FROM about", [])
        return str(rows[0][0]) if rows else ""

    def files_with(self, word: str, languages: Sequence[str], limit: int) -> list[str]:
        """Return files of the index that hold this word of three letters or more, in any case."""
        if '"' in word:
            return []
        rows = self._once(
            ("word", word, *languages, limit),
            lambda: self._rows(
                "SELECT DISTINCT f.path FROM words w JOIN chunks c ON c.id = w.rowid JOIN files f ON f.id = c.file_id"
                " WHERE words MATCH ? AND f.language IN ({}) LIMIT ?",
                [f'"{word.lower()}"', *languages, limit],
            ),
        )
        return [path for (path,) in rows if path not in self._buffers]

    def imported_files(self, imported: Import, path: str, language: str) -> list[str]:
        """Return the files that an import in the file `path` means, the most specific first."""
        module, names = imported
        return self._once(("imports", path, module, *names), lambda: resolve(imported, path, language, self))

    def definitions(self, names: Iterable[str], limit_each: int) -> dict[str, list[Definition]]:
        """Return the definitions of each name. A name that is defined in more places than the limit is left out."""
        wanted = set(names)
        known: dict[str, list[Definition]] = self._once(("places", limit_each), dict)
        for batch in _batches(wanted - known.keys()):
            known.update({name: [] for name in batch})
            for row in self._rows(_SELECT_RARE_SYMBOLS, [*batch, limit_each]):
                definition = _definition(row)
                known[definition.symbol.name].append(definition)
        found = {name: [place for place in known[name] if place.path not in self._buffers] for name in sorted(wanted)}
        for document in self._buffers.values():
            for symbol in self._outline(document).symbols:
                if symbol.name in wanted:
                    found[symbol.name].append(Definition(document.path, document.language, symbol))
        return {name: places for name, places in found.items() if 0 < len(places) <= limit_each}

    def definitions_in(self, path: str) -> list[Definition]:
        """Return all definitions of a file, in its order."""
        if path in self._buffers:
            document = self._buffers[path]
            return [Definition(path, document.language, symbol) for symbol in self._outline(document).symbols]
        return self._once(
            ("definitions", path),
            lambda: list(map(_definition, self._rows(f"{_SELECT_SYMBOLS} WHERE f.path = ? ORDER BY s.id", [path]))),
        )

    def top_level(self, path: str) -> list[TopLevel]:
        """Return the definitions of a file that are in no other one."""
        if path in self._buffers:
            return _nested(self.definitions_in(path))
        return self._once(("top level", path), lambda: _nested(self.definitions_in(path)))

    def search(self, names: Iterable[str], limit: int) -> list[FoundChunk]:
        """Return the chunks of the index that share the most telling words with the names (BM25), the best first."""
        counts = self._counts(search_terms(names))
        rare: list[str] = []
        chunks = 0
        for count, term in sorted((count, term) for term, count in counts.items() if count):
            chunks += count
            if len(rare) == _MAX_QUERY_TERMS or chunks > _MAX_QUERY_CHUNKS:
                break
            rare.append(term)
        if not rare:
            return []
        query = " OR ".join(f'"{term}"' for term in rare)
        rows = self._rows(
            "SELECT f.path, f.language, c.first_line, c.text"
            " FROM (SELECT rowid AS id, rank AS score FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) AS best"
            " JOIN chunks c ON c.id = best.id JOIN files f ON f.id = c.file_id ORDER BY best.score",
            [query, limit],
        )
        return [
            FoundChunk(path, language, first_line, text)
            for path, language, first_line, text in rows
            if path not in self._buffers
        ]

    def _masks_of(self, path: str) -> dict[str, str]:
        return dict(
            self._rows(
                "SELECT m.placeholder, m.rule FROM masks m JOIN files f ON f.id = m.file_id WHERE f.path = ?", [path]
            )
        )

    def _file(self, path: str) -> tuple[str, list[Import]]:
        """Return the language and the imports of a file in the index."""

        def read() -> tuple[str, list[Import]]:
            rows = self._rows("SELECT language, imports FROM files WHERE path = ?", [path])
            return (rows[0][0], [(module, names) for module, names in json.loads(rows[0][1])]) if rows else ("", [])

        return self._once(("file", path), read)

    def _lines(self, path: str, first_line: int, end_line: int) -> str:
        rows = self._rows(
            "SELECT c.first_line, c.text FROM chunks c JOIN files f ON f.id = c.file_id"
            " WHERE f.path = ? AND c.end_line > ? AND c.first_line < ? ORDER BY c.first_line",
            [path, first_line, end_line],
        )
        if not rows:
            return ""
        start = rows[0][0]
        text = Document(path, "".join(text for _, text in rows), "", 0)
        return "".join(text.lines[max(0, first_line - start) : end_line - start])

    def _counts(self, terms: set[str]) -> dict[str, int]:
        """Return for each word the number of chunks that hold it."""
        known: dict[str, int] = self._once(("counts",), dict)
        unknown = terms - known.keys()
        for batch in _batches(unknown):
            known.update(dict.fromkeys(batch, 0))
            known.update(self._rows("SELECT term, doc FROM word_counts WHERE term IN ({})", batch))
        return {term: known[term] for term in terms}

    def _outline(self, document: Document) -> Outline:
        """Parse a buffer once for this view: the cache of all documents drops long ones, and one prompt asks often."""
        if document.path not in self._outlines:
            self._outlines[document.path] = parsed(document)
        return self._outlines[document.path]

    def _once(self, question: tuple[object, ...], ask: Callable[[], _Answer]) -> _Answer:
        known: _Answer | None = self._answers.get(question)
        if known is not None:
            return known
        if len(self._answers) >= _MAX_ANSWERS:
            self._answers.clear()
        answer = self._answers[question] = ask()
        return answer

    def _rows(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """Run a statement in which `{}` stands for the parameters that its own marks leave over."""
        if self._index is None:
            return []
        return self._index.read(sql.format(", ".join("?" * (len(parameters) - sql.count("?")))), parameters)


def _nested(definitions: Sequence[Definition]) -> list[TopLevel]:
    top: list[tuple[Definition, list[Definition]]] = []
    for definition in definitions:
        if top and definition.symbol.container and definition.symbol.last_line <= top[-1][0].symbol.last_line:
            top[-1][1].append(definition)
        else:
            top.append((definition, []))
    return [(outer, inner, frozenset(one.symbol.name for one in (outer, *inner))) for outer, inner in top]


_SELECT_SYMBOLS = (
    "SELECT f.path, f.language, s.name, s.kind, s.container, s.signature, s.first_line, s.last_line"
    " FROM symbols s JOIN files f ON f.id = s.file_id"
)

_SELECT_RARE_SYMBOLS = (
    _SELECT_SYMBOLS
    + " WHERE s.name IN (SELECT name FROM symbols WHERE name IN ({}) GROUP BY name HAVING count(*) <= ?)"
    + " ORDER BY f.path, s.id"
)


def _definition(row: tuple[Any, ...]) -> Definition:
    path, language, name, kind, container, signature = map(str, row[:6])
    first_line, last_line = (number for number in row[6:])
    return Definition(path, language, Symbol(name, kind, container, signature, first_line, last_line))


def _batches(items: Iterable[str]) -> Iterable[list[str]]:
    """Part the items into lists that SQLite takes as the parameters of one statement."""
    listed = sorted(items)
    return [listed[start : start + _IN_BATCH] for start in range(0, len(listed), _IN_BATCH)]


# Returns the definitions and chunks of a buffer; each state of the buffer is parsed once.
parsed = DocumentCache(outline_of)
