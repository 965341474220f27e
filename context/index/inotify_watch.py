"""Watches the folders of a root that may be read, and no others, by Linux' inotify(7)."""

import errno
import logging
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from inotify_simple import Event, INotify, flags

from context.index.file_identity import file_identity
from context.rules.rules import IGNORE_FILE_NAMES, Rules, is_utf8

_log = logging.getLogger(__name__)

_MASK = (
    flags.CREATE
    | flags.DELETE
    | flags.MODIFY
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.DELETE_SELF
    | flags.MOVE_SELF
    | flags.ONLYDIR
    | flags.DONT_FOLLOW
    | flags.EXCL_UNLINK
)
_LIMITS = {
    errno.ENOSPC: "Linux lets no more folders be watched (fs.inotify.max_user_watches)",
    errno.EMFILE: "Linux lets nothing more be watched (fs.inotify.max_user_instances)",
}


class InotifyWatch:
    """Calls `on_change(path)` on a thread of its own; `Watch` of watch.py says with what."""

    def __init__(self, root: Path, rules: Rules, on_change: Callable[[str], None]) -> None:
        self.limit = ""
        self._root = str(root)
        self._rules = rules
        self._on_change = on_change
        self._lock = threading.RLock()
        self._folders: dict[int, str] = {}  # by their watches; paths from the root, which is ""
        self._watches: dict[str, int] = {}  # the other way round
        self._git_names: dict[int, set[str]] = {}  # the names that matter in folders outside the tree
        self._root_is_gone = False
        self._identity = file_identity(self._root)
        self._end_read = self._end_write = -1
        self._inotify: INotify | None = None
        self._thread = threading.Thread(target=self._run, name="midspan-watch", daemon=True)
        try:
            self._end_read, self._end_write = os.pipe()
            self._inotify = INotify(nonblocking=True)
            self._watch_all()
            self._thread.start()
        except (OSError, RuntimeError) as error:  # RuntimeError: the system gives no thread
            self._give_up(error)

    @property
    def is_alive(self) -> bool:
        """True while changes are reported: not at a limit, and not when the root is gone."""
        # Nothing tells of a root that was deleted while a terminal stands in it, or that went with a folder around it.
        is_watching = self._inotify is not None and self._thread.is_alive()
        return is_watching and not self._root_is_gone and file_identity(self._root) == self._identity

    def follow(self, rules: Rules) -> None:
        """Watch the folders that these rules let in."""
        with self._lock:
            self._rules = rules
            if not self.is_alive:
                return
            for path in [path for path in self._watches if path and not rules.enters(tuple(path.split("/")))]:
                self._forget(path)
            try:
                self._watch_all()
            except OSError as error:
                self._give_up(error)

    def close(self) -> None:
        """End the watch. May be called twice, also by two threads at once."""
        with self._lock:
            inotify, self._inotify = self._inotify, None
            end_write, self._end_write = self._end_write, -1
        if end_write >= 0:
            os.close(end_write)  # wakes the thread
            if self._thread.is_alive() and self._thread is not threading.current_thread():
                self._thread.join()
            os.close(self._end_read)
        if inotify is not None:
            inotify.close()

    def _give_up(self, error: OSError | RuntimeError) -> None:
        """Release what is watched: other programs want to watch too."""
        self.limit = _LIMITS.get(error.errno or 0, "") if isinstance(error, OSError) else ""
        _log.log(
            logging.WARNING if self.limit else logging.INFO,
            "%s is not watched (%s); it is read again every minute.",
            self._root,
            self.limit or error,
        )
        with self._lock:
            inotify, self._inotify = self._inotify, None
            self._folders.clear()
            self._watches.clear()
        if inotify is not None:
            inotify.close()

    # From here on the caller holds the lock, or is the constructor.

    def _watch_all(self) -> None:
        """Watch all folders that are not watched yet. Raises OSError at a limit and for a root that is not there."""
        self._watch_below("")
        assert self._inotify is not None
        for file in self._rules.git_files:
            try:
                watch = self._inotify.add_watch(str(file.parent), _MASK | flags.MASK_ADD)
            except OSError as error:
                if error.errno in _LIMITS:
                    raise
                continue  # there is no such folder
            self._git_names.setdefault(watch, set()).add(file.name)

    def _watch_below(self, folder: str) -> list[str]:
        """Watch a folder and those in it that may be read; return them. Raises OSError at a limit."""
        assert self._inotify is not None
        watched, pending = [], [folder]
        while pending:
            path = pending.pop()
            try:
                watch = self._inotify.add_watch(f"{self._root}/{path}", _MASK | flags.MASK_ADD)
                names = [entry.name for entry in self._entries(path) if entry.is_dir(follow_symlinks=False)]
            except OSError as error:
                if error.errno in _LIMITS or not path:
                    raise
                continue  # it is gone again, or may not be read
            self._folders[watch], self._watches[path] = path, watch
            watched.append(path)
            inner = (f"{path}/{name}" if path else name for name in names)
            pending += [folder for folder in inner if self._rules.enters(tuple(folder.split("/")))]
        return watched

    def _entries(self, folder: str) -> "Iterator[os.DirEntry[str]]":
        with os.scandir(f"{self._root}/{folder}") as entries:
            yield from entries

    def _report_new(self, folder: str) -> None:
        """Watch a folder that came, and report its files: they may have come before the watch."""
        for path in self._watch_below(folder):
            with suppress(OSError):
                for entry in self._entries(path):
                    if not entry.is_dir(follow_symlinks=False) and self._matters(f"{path}/{entry.name}"):
                        self._on_change(f"{path}/{entry.name}")

    def _matters(self, file: str) -> bool:
        return file.rpartition("/")[2] in IGNORE_FILE_NAMES or self._rules.may_read(tuple(file.split("/")))

    def _forget(self, folder: str) -> None:
        """Watch a folder and those in it no longer."""
        for path in [path for path in self._watches if path == folder or path.startswith(f"{folder}/")]:
            watch = self._watches.pop(path)
            self._folders.pop(watch, None)  # a folder that is mounted at two places has one watch
            assert self._inotify is not None
            with suppress(OSError):  # the folder is gone, and its watch with it
                self._inotify.rm_watch(watch)

    def _run(self) -> None:
        if sys.platform == "win32":  # inotify is Linux's
            return
        poll = select.poll()
        poll.register(self._end_read, select.POLLIN | select.POLLHUP)
        inotify = self._inotify
        if inotify is None:
            return
        poll.register(inotify.fileno(), select.POLLIN)
        while all(descriptor != self._end_read for descriptor, _ in poll.poll()):
            with self._lock:
                if self._inotify is None:
                    return
                try:
                    for event in inotify.read(timeout=0):
                        self._take(event)
                except OSError as error:
                    self._give_up(error)
                    return

    def _take(self, event: Event) -> None:
        if event.mask & flags.Q_OVERFLOW:
            self._watch_all()
            self._on_change("")
            return
        if event.name in self._git_names.get(event.wd, ()):
            self._on_change(f".git/{event.name}")
        folder = self._folders.get(event.wd)
        if folder is None:
            return
        if event.mask & (flags.IGNORED | flags.DELETE_SELF | flags.MOVE_SELF):
            self._lose(folder, event)
            return
        path = f"{folder}/{event.name}" if folder else event.name
        if not is_utf8(path):
            return
        if not event.mask & flags.ISDIR:
            if self._matters(path):
                self._on_change(path)
        elif self._rules.enters(tuple(path.split("/"))):
            if event.mask & flags.MOVED_FROM:
                self._forget(path)
            if event.mask & (flags.DELETE | flags.MOVED_FROM):
                self._on_change(path)
            else:
                self._report_new(path)

    def _lose(self, folder: str, event: Event) -> None:
        """Note that a folder is gone. A folder within the root that moves is told of by the folder around it."""
        if not folder:
            self._root_is_gone = True
            self._on_change("")
        elif event.mask & flags.IGNORED:
            del self._folders[event.wd]
            if self._watches.get(folder) == event.wd:
                del self._watches[folder]
