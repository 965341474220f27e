"""The documents of a workspace: the open buffers, and the files that the index knows."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from posixpath import dirname

from context.documents.document import Document, language_of, read_document
from context.index.terms import identifiers
from context.index.view import View
from context.next_edit.names.language_names import C_LANGUAGES, SCRIPTS
from context.syntax.imports import Import
from midspan import DocumentError

_CLASSES = frozenset({"class", "interface"})
_MAX_BASES = 20
_MAX_INCLUDED = 200
_WORD = re.compile(r"[^\W\d]\w*")
_FAMILIES = dict.fromkeys(SCRIPTS, SCRIPTS) | dict.fromkeys(C_LANGUAGES, C_LANGUAGES)


def languages_with(language: str) -> tuple[str, ...]:
    """Return the languages whose files share names with those of this one."""
    return _FAMILIES.get(language, (language,))


class WorkspaceFiles:
    """Hands out the documents of a workspace by their paths; without a view, the open buffers alone."""

    def __init__(self, documents: Sequence[Document], view: View | None) -> None:
        """`documents` are the open buffers, the most recently used first."""
        self.open = {document.path: document for document in documents}
        self.view = view

    def document(self, path: str) -> Document | None:
        """Return a document; None for a file that is not known.

        A file in which the index has masked a secret is read from the disk: the places in it have to be its own.
        """
        if path in self.open:
            return self.open[path]
        if self.view is None:
            return None
        if self.view.mask_rules([path]):
            return self._read(path, Path(self.view.root()))
        text = self.view.whole_text(path)
        return Document(path, text, self.view.language_of(path), 0) if text else None

    def _read(self, path: str, root: Path) -> Document | None:
        try:
            return read_document(root / path, root)
        except DocumentError:
            return None

    def importers(self, name: str, language: str, limit: int) -> list[str]:
        """Return the paths of files that import a name, the open ones first."""
        found = dict.fromkeys(self.open)
        for spoken in languages_with(language) if self.view is not None else ():
            assert self.view is not None
            found |= dict.fromkeys(path for path, _ in self.view.importers(name, spoken, limit))
        return [path for path in found if path in self.open or len(found) <= limit]

    def holding(self, name: str, language: str, limit: int) -> list[str]:
        """Return the paths of files that hold a word; none of the index when there are more than the limit."""
        found = dict.fromkeys(path for path, document in self.open.items() if name in document.text)
        indexed = self.view.files_with(name, languages_with(language), limit + 1) if self.view is not None else []
        if len(indexed) <= limit:
            found |= dict.fromkeys(indexed)
        return list(found)

    def all_holding(self, name: str, language: str, limit: int) -> list[str] | None:
        """Return the paths of all files that hold a word; None for more of the index than the limit.

        None too for a word that the index leaves out, such as a keyword of some language.
        """
        if self.view is not None and not identifiers(name):
            return None
        indexed: list[str] = []
        if self.view is not None:  # leaves out the open files only after it has found so many
            indexed = self.view.files_with(name, languages_with(language), limit + 1 + len(self.open))
        if len(indexed) > limit:
            return None
        return [*(path for path, document in self.open.items() if name in document.text), *indexed]

    def in_folder(self, folder: str, language: str, limit: int) -> list[str]:
        """Return the paths of the files of a folder that are in this language, the open ones first."""
        found = dict.fromkeys(path for path in self.open if dirname(path) == folder)
        found |= dict.fromkeys(self.view.in_folder(folder) if self.view is not None else ())
        return [path for path in found if language_of(path) == language][:limit]

    def imported(self, module: str, name: str, document: Document) -> list[str]:
        """Return the files that an import means, the most specific first."""
        if self.view is None:
            return []
        return self.view.imported_files((module, [name] if name else []), document.path, document.language)

    def defines(self, path: str, name: str) -> bool:
        """Return whether a file of the index defines a name."""
        return self.view is not None and any(one.symbol.name == name for one in self.view.definitions_in(path))

    def inherits(self, name: str, ancestor: str) -> bool:
        """Return whether the one class of this name inherits from another one, as the headers of both say."""
        pending, seen = [name], {name}
        while pending and len(seen) <= _MAX_BASES and self.view is not None:
            found = self.view.definitions([pending.pop()], 1)
            for definition in (one for places in found.values() for one in places if one.symbol.kind in _CLASSES):
                bases = set(_WORD.findall(definition.symbol.signature)) - seen
                if ancestor in bases:
                    return True
                pending += sorted(base for base in bases if base[0].isupper())
                seen |= bases
        return False

    def takes_from(self, path: str, imported: str) -> bool:
        """Return whether an import of one file means the other one. The file is not parsed for that."""
        return self.view is None or any(imported in self._meant(one, path) for one in self.view.imports(path))

    def included(self, path: str) -> Iterator[str]:
        """Yield the files that a file includes, itself or through others; without an index, all open ones.

        None is parsed.
        """
        if self.view is None:
            yield from self.open
            return
        seen, pending = {path}, [path]
        while pending and len(seen) <= _MAX_INCLUDED:
            one = pending.pop()
            for met in (each for imported in self.view.imports(one) for each in self._meant(imported, one)):
                if met not in seen:
                    seen.add(met)
                    pending.append(met)
                    yield met

    def take_all_from(self, imported: str, language: str, limit: int) -> list[str]:
        """Return the paths of files that import all names of a file at once: `from a import *`, `export * from "a"`."""
        if self.view is None:
            return []
        wholes = (
            (path, one)
            for path in self.importers("*", language, limit)
            for one in self.view.imports(path)
            if one[1] == ["*"]
        )
        return list(dict.fromkeys(path for path, one in wholes if imported in self._meant(one, path)))

    def _meant(self, imported: Import, path: str) -> list[str]:
        """Return the files that an import of a file means."""
        return self.view.imported_files(imported, path, self.view.language_of(path)) if self.view is not None else []

    def imports_one_of(self, path: str, stems: Collection[str]) -> bool:
        """Return whether an import of a file names one of these words. The file is not read for that."""
        if self.view is None:
            return True
        imports = self.view.imports(path)
        return any(stem in module or stem in names for module, names in imports for stem in stems)

    def documents(self, paths: Iterable[str]) -> Iterator[Document]:
        """Yield the documents of these paths that are known."""
        for path in paths:
            if (document := self.document(path)) is not None:
                yield document
