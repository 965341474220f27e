"""A release on the disk with its index, brought to the state of one case after another."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from context.documents.document import Document, language_of
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.index.database import index_path
from context.index.index import Index
from context.index.view import View
from context.rules.rules import Rules
from evaluation.next_edit.cases import HISTORY_HUNKS, Case, order_hunks
from evaluation.next_edit.causes import MadeHunk
from evaluation.next_edit.hunks import FileDiff
from evaluation.next_edit.typist import Typist


@dataclass(frozen=True)
class Texts:
    """The files of two successive releases, of one language, by their paths."""

    title: str
    language: str
    old: Mapping[str, str]
    new: Mapping[str, str]

    def diff(self, path: str) -> FileDiff:
        """The change of one file."""
        return FileDiff(path, self.language, self.old[path], self.new[path])


@dataclass(frozen=True)
class CaseState:
    """The state that an editor's session knows at a case."""

    snapshot: Snapshot
    edits: tuple[Edit, ...]
    view: View


class ReleaseFolder:
    """The files of a release under `root`, with an index in the folder `cache`. Use `close` at the end."""

    def __init__(self, texts: Texts, root: Path, cache: Path) -> None:
        self._texts = texts
        self._rules = Rules(root)
        self._root = root
        self._written: dict[str, str] = {}
        self._index = Index(index_path(root, cache))

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def state_at(self, case: Case) -> CaseState:
        """Bring the disk and the index to the case, and make its history as an editor makes it."""
        self._write(self._files_at(case))
        typist = Typist()
        others = []
        if case.before:
            order = order_hunks(self._texts.diff(case.before))
            before, _ = typist.make(order, HISTORY_HUNKS, language_of(case.before))
            others.append(before)
        diff = self._texts.diff(case.path)
        made = [MadeHunk(diff, index) for index in case.made]
        document, cursor = typist.make(made, HISTORY_HUNKS, language_of(case.path))
        snapshot = Snapshot(document, cursor, tuple(others))
        return CaseState(snapshot, typist.edits.recent(), View(self._index, (document, *others)))

    def wanted_text(self, document: Document) -> str:
        """The new release's text of a file; a file that it does not have stays as it is."""
        return self._texts.new.get(document.path, document.text)

    def _files_at(self, case: Case) -> dict[str, str]:
        """The files on the disk: those that are new stand there from the start, those that go stay to the end."""
        old, new = self._texts.old, self._texts.new
        if case.is_quiet:
            return dict(new)
        return {**new, **old, **{path: new[path] for path in case.done}}

    def _write(self, files: Mapping[str, str]) -> None:
        changed = [path for path in {**self._written, **files} if self._written.get(path) != files.get(path)]
        for path in changed:
            target = self._root / path
            if path in files:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(files[path], encoding="utf-8")
            else:
                target.unlink()
        if not self._written:
            self._index.update(self._rules)
        elif changed:
            self._index.refresh(self._rules, changed)
        self._written = dict(files)
