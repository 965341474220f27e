"""Watches a root by what the system itself offers for whole trees: FSEvents of macOS, Windows' directory changes."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    EVENT_TYPE_DELETED,
    EVENT_TYPE_MOVED,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from context.rules.rules import Rules, belongs_to_tool, is_utf8

_log = logging.getLogger(__name__)

# Without this list the system reports each file that anyone opens too, and its queue holds some thousand events only.
_CHANGES: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
# The files of a repository that change when another commit is checked out, or when rules change.
_GIT_FILES = {".git/HEAD", ".git/info/exclude"}


class WatchdogWatch:
    """Calls `on_change(path)` on a thread of its own; `Watch` of watch.py says with what."""

    limit = ""  # these systems have none

    def __init__(self, root: Path, rules: Rules, on_change: Callable[[str], None]) -> None:
        self._observer = Observer()
        self._handler = _Handler(root, rules, on_change)
        self._is_started = False
        try:
            self._observer.schedule(self._handler, str(root), recursive=True, event_filter=_CHANGES)
            self._observer.start()
            self._is_started = True
        except OSError as error:
            _log.info("%s cannot be watched (%s); it is read again every minute.", root, error)

    @property
    def is_alive(self) -> bool:
        """True while changes are reported: not when the root could not be watched, or has gone away since."""
        return self._is_started and self._observer.is_alive() and not self._handler.root_is_gone

    def follow(self, rules: Rules) -> None:
        """Report no changes in folders that these rules keep out."""
        self._handler.rules = rules

    def close(self) -> None:
        """End the watch. May be called twice."""
        if self._is_started:
            self._is_started = False
            self._observer.stop()
            self._observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, root: Path, rules: Rules, on_change: Callable[[str], None]) -> None:
        self.rules = rules
        self._root = str(root)
        self._on_change = on_change
        self.root_is_gone = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        for name in (event.src_path, event.dest_path):
            path = self._inside(os.fsdecode(name)) if name else None
            if path is None:
                continue
            if not path and event.event_type in (EVENT_TYPE_DELETED, EVENT_TYPE_MOVED):
                self.root_is_gone = True
            if path in _GIT_FILES or not (belongs_to_tool(path) or self._is_ignored(path, event.is_directory)):
                self._on_change("" if event.is_directory else path)

    def _is_ignored(self, path: str, is_folder: bool) -> bool:
        parts = tuple(path.split("/"))
        folders = len(parts) + is_folder
        return any(not self.rules.enters(parts[:depth]) for depth in range(1, folders)) if path else False

    def _inside(self, name: str) -> str | None:
        """Return the path from the root; None for a file outside, and for a name that is no UTF-8."""
        if not is_utf8(name):
            return None
        if name == self._root:
            return ""
        prefix = self._root.rstrip("/") + "/"
        return name[len(prefix) :].replace(os.sep, "/") if name.startswith(prefix) else None
