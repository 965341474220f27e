"""A folder that the user works in: its rules, its index, and the thread that brings both up to date with the disk."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.documents.languages import language_of_text
from context.index.database import index_path
from context.index.explain import explain
from context.index.index import Index, Report, open_index
from context.index.indexer_process import IndexerProcess
from context.index.kept_pages import KeptPagesFolder
from context.index.view import Answers, View
from context.index.watch import Watch, start_watch
from context.rules.rules import IGNORE_FILE_NAMES, Rules, Verdict
from context.rules.secret_names import secret_by_name
from midspan import ExcludedError

_log = logging.getLogger(__name__)

_SETTLE_SECONDS = 0.25  # after so long without a change, a burst of changes is over
_MAX_SETTLE_SECONDS = 2.0
_MANY_FILES = 500  # more changes are a branch switch: one walk over all files is cheaper
_RESCAN_WATCHED_SECONDS = 600.0  # between walks where it is watched: the system drops events when too many come at once
_NICE = 10

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class IndexState:
    """The state of an index, for people. `is_settled`: nothing is left to read."""

    files: int
    definitions: int
    size_bytes: int
    is_settled: bool
    is_damaged: bool
    watch_limit: str = ""  # why the disk is read every minute, and not watched


class Workspace:
    """The rules and the index of one root. Any thread may ask; a thread of the workspace reads the disk.

    `on_progress(done, total)` is called on that thread while many files are read, and with 0 of 0 at the end.
    """

    def __init__(
        self,
        root: Path,
        cache_folder: Path | None = None,
        on_progress: OnProgress = lambda done, total: None,
        indexer: IndexerProcess | None = None,
        rescan_s: float = 60.0,
    ) -> None:
        """With an `indexer`, the files are read in its process, else on the workspace's thread.

        `rescan_s` is the time between walks where the disk cannot be watched.
        """
        self.root = Path(os.path.realpath(root))
        self.revision = 0  # grows whenever shown text may have to leave the prompts
        self.changes = 0  # of the index so far
        self._on_progress = on_progress
        self._indexer = indexer
        self._rescan_s = rescan_s
        self._cache_folder = cache_folder
        self._answers: Answers = {}  # of the index as it is now; a new dict after each change
        database = index_path(self.root, cache_folder)
        self._kept_pages = KeptPagesFolder(database)
        self._index = open_index(database)
        self._changed = threading.Condition()
        self._dirty: set[str] = set()
        self._scan_wanted = True
        self._busy = False
        self._is_behind = False  # something could not be read, and no walk since has succeeded
        self._closing = False
        self._watch: Watch | None = None
        self._watch_began = 0.0
        self._thread = threading.Thread(target=self._follow, name="midspan-workspace", daemon=True)
        self._set_rules()

    def start(self) -> None:
        """Begin to watch the disk and to build the index; return at once."""
        self._thread.start()

    def close(self) -> None:
        """End the thread after the file that it reads, and close the index. May be called twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        if self._watch is not None:  # only now: the thread may have been beginning one
            self._watch.close()
        if self._index is not None:
            self._index.close()

    def view(self, buffers: Sequence[Document] = ()) -> View:
        """Return a view of the index as it is now, with these texts in place of their files."""
        if self._index is not None and self._index.is_damaged:
            self.mark_dirty("")
        return View(self._index, buffers, self._answers if not self._busy else None)

    def read_index(self, sql: str, parameters: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of the index; none where there is no index or it is damaged."""
        return self._index.read(sql, parameters) if self._index is not None else []

    def state(self) -> IndexState:
        """Read the state of the index from the database."""
        if self._index is None:
            return IndexState(0, 0, 0, is_settled=self.wait_until_settled(0), is_damaged=False)
        rows = self._index.read("SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM symbols)")
        files, definitions = rows[0] if rows else (0, 0)
        settled = self.wait_until_settled(0)
        limit = self._watch.limit if self._watch is not None else ""
        return IndexState(files, definitions, self._index.size_bytes, settled, self._index.is_damaged, limit)

    def why(self, path: str) -> Verdict:
        """Return the rule that lets the file (from the root, with "/") in or keeps it out. Reads the disk."""
        return explain(self.root, path, self._cache_folder)

    def read(self, path: str) -> Document:
        """Read a file of the disk (from the root, with "/"), its secrets included.

        Raises ExcludedError for a file that a rule keeps out.
        """
        rules = Rules(self.root)
        verdict = rules.by_name(path)
        text = ""
        if verdict.included:
            verdict, text = rules.read(path)
        if not verdict.included:
            raise ExcludedError(path, verdict.why)
        return Document(path, text, language_of_text(path, text), version=0)

    def judge(self, document: Document) -> Verdict:
        """Return the verdict on an editor's text. Verdicts on the last texts are remembered."""
        return self._judge(document)

    def may_name(self, path: str) -> bool:
        """Return whether the present rules allow a file's name, whatever the index still holds of the file."""
        return self._may_name(path)

    def page_folder(self) -> Path | None:
        """Return the folder that may keep the pages of a prompt that is packed after this; None: they are not kept."""
        return self._kept_pages.current() if self._index is not None else None

    def has_indexed(self, paths: Iterable[str]) -> bool:
        """Return whether the index has all these files, and so will know when one of them is to be forgotten."""
        asked = set(paths)
        return View(self._index).existing(asked) == asked

    def forget_pages(self) -> None:
        """Remove the pages that are kept: a prompt before may have shown what no prompt may show any more."""
        self._kept_pages.forget()

    def mark_dirty(self, path: str) -> None:
        """Order the file to be read again soon; "" orders a walk over all files."""
        with self._changed:
            if path:
                self._dirty.add(path)
            else:
                self._scan_wanted = True
            self._changed.notify_all()

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """Wait until nothing is left to read; return whether that was so before the time-out."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._busy or self._dirty or self._scan_wanted), timeout_seconds)

    def _set_rules(self) -> None:
        rules = Rules(self.root)
        self._rules = rules
        self._judge = DocumentCache(rules.buffer)
        self._may_name = lru_cache(maxsize=4096)(
            lambda path: not secret_by_name(path[1:]) if path.startswith("/") else rules.by_name(path).included
        )
        self.revision += 1

    # From here on, the workspace's thread is the caller.

    def _follow(self) -> None:
        if sys.platform == "linux":  # where threads have priorities of their own
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while not self._closing:
            self._watch_root()
            scan, dirty = self._next_changes()
            if self._closing:
                return
            try:
                self._take_in(scan, dirty)
                self._is_behind = self._is_behind and not scan
            except Exception:  # the thread lives on, and tries again in a minute
                _log.exception("The index of %s cannot be brought up to date.", self.root)
                self._is_behind = True
                self._note_change()  # a part may have been written
                self.revision += 1
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _watch_root(self) -> None:
        """Start a watch where none is alive, also when the root has come back after it was gone."""
        watch = self._watch
        if watch is not None:
            if watch.is_alive or (watch.limit and time.monotonic() - self._watch_began < _RESCAN_WATCHED_SECONDS):
                return  # at a limit of the system, to try again soon would cost other programs their watches
            watch.close()
        self._watch_began = time.monotonic()
        self._watch = start_watch(self.root, self._rules, self.mark_dirty)
        if self._watch.is_alive:
            self.mark_dirty("")  # nothing has reported the changes until now

    def _next_changes(self) -> tuple[bool, set[str]]:
        """Wait for changes and for the end of their burst; return whether to walk over all files, and the paths."""
        with self._changed:
            begun = time.monotonic()
            while not self._changed.wait_for(lambda: self._closing or self._scan_wanted or self._dirty, self._rescan_s):
                is_watched = self._watch is not None and self._watch.is_alive and not self._is_behind
                self._scan_wanted = not is_watched or time.monotonic() - begun > _RESCAN_WATCHED_SECONDS
            started = time.monotonic()
            while not self._closing and self._dirty and time.monotonic() - started < _MAX_SETTLE_SECONDS:
                before = len(self._dirty)
                self._changed.wait_for(lambda: self._closing, _SETTLE_SECONDS)
                if len(self._dirty) == before:
                    break
            scan, dirty = self._scan_wanted, self._dirty
            self._scan_wanted, self._dirty, self._busy = False, set(), True
            return scan, dirty

    def _take_in(self, scan: bool, dirty: set[str]) -> None:
        rules_changed = any(path.rsplit("/", 1)[-1] in IGNORE_FILE_NAMES or path.startswith(".git/") for path in dirty)
        scan = scan or rules_changed or len(dirty) > _MANY_FILES
        if scan:  # a new folder may have brought rules along
            self._set_rules()
        if rules_changed and self._watch is not None:
            self._watch.follow(self._rules)
        if self._index is None:
            return
        if scan:
            try:
                report = self._update(self._index)
            finally:
                self._on_progress(0, 0)
        else:
            view = View(self._index)
            known = view.existing(dirty) | {path for folder in dirty for path in view.below(folder)}
            wanted = {path for path in dirty if self._rules.by_name(path).included}
            report = self._refresh(self._index, sorted(known | wanted)) if known or wanted else Report()
        if report != Report():
            self._note_change()
        is_forgetting = self._kept_pages.is_forgetting
        if report.removed or report.changed or is_forgetting:
            self.revision += 1
        if is_forgetting:  # from here on, no prompt shows what the index has lost
            self._kept_pages.end_forgetting()

    def _update(self, index: Index) -> Report:
        if self._indexer is None:
            return index.update(self._rules, self._on_progress, lambda: self._closing)
        try:
            return self._indexer.run(self.root, index.path, None, self._on_progress, lambda: self._closing)
        finally:
            index.reopen_if_replaced()

    def _refresh(self, index: Index, paths: Sequence[str]) -> Report:
        if self._indexer is None:
            return index.refresh(self._rules, paths)
        try:
            return self._indexer.run(self.root, index.path, paths, should_stop=lambda: self._closing)
        finally:
            if index.reopen_if_replaced():  # by one that has these files alone
                self._note_change()
                self.mark_dirty("")

    def _note_change(self) -> None:
        self._answers = {}
        self.changes += 1
