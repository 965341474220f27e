"""Keeps the finished pages of prompts on the disk while the engine has nothing to do, in slices of a millisecond."""

import logging
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inference.api import KeptPages
from inference.cache.page_folder import mark_used
from inference.cache.page_index import PageIndex
from inference.cache.page_key import page_hashes
from inference.cache.page_memory import PageMemory
from inference.cache.page_pool import PAGE_TOKENS
from inference.cache.page_writer import PageWriter
from inference.cache.radix_tree import RadixTree

_log = logging.getLogger(__name__)

SETTLE_S = 2.0  # without a request: a typist pauses, and what stays of the prompts is worth its place
SLICE_BYTES = 4 << 20
_MOST_NOTED = 16
_BUSY_S = 0.01  # until the disk has taken a slice
_RETRY_S = 600.0  # after the disk was full


@dataclass(frozen=True)
class _Noted:
    """A prompt whose pages are to be kept."""

    tokens: tuple[int, ...]
    kept: KeptPages

    def continues(self, other: "_Noted") -> bool:
        """Return whether this is a later prompt of the same document: it begins as the first half of the other."""
        half = len(other.tokens) // 2
        return self.kept == other.kept and self.tokens[:half] == other.tokens[:half]


@dataclass(frozen=True)
class _Written:
    """A file of this process, with the prompt that it was written for."""

    noted: _Noted
    file: Path
    pages: int


@dataclass
class _Writing:
    """A prompt whose pages are being written: the missing ones by their numbers, in order.

    The file takes the place of `replaced`, of which it has what is still good.
    """

    noted: _Noted
    missing: list[tuple[int, bytes]]
    replaced: list[_Written]
    writer: PageWriter
    pages: int = 0
    is_finished: bool = False


class PageKeeper:
    """Engine thread only. Copies pages of the radix tree for a thread that writes them.

    Of the prompts of a document, which differ from key to key, the last one is kept.
    """

    def __init__(self, index: PageIndex, memory: PageMemory, tree: RadixTree) -> None:
        self._index = index
        self._memory = memory
        self._tree = tree
        self._noted: deque[_Noted] = deque(maxlen=_MOST_NOTED)  # the last one is last
        self._written: deque[_Written] = deque(maxlen=_MOST_NOTED)
        self._writing: _Writing | None = None
        self._quiet_from_s = 0.0  # when work may begin, by the monotonic clock

    def note(self, tokens: Sequence[int], kept: KeptPages | None) -> None:
        """Note the computed part of a prompt, which the tree has now."""
        self._quiet_from_s = max(self._quiet_from_s, time.monotonic() + SETTLE_S)
        if kept is not None and len(tokens) >= PAGE_TOKENS:
            self._note(_Noted(tuple(tokens), kept))

    def pause(self) -> None:
        """Stop at a request: what is written is kept, and the rest comes when the engine is idle again."""
        if self._writing is not None and not self._writing.is_finished:
            self._note(self._writing.noted)
            self._finish(self._writing)

    def wait_s(self) -> float | None:
        """Return the time until `keep_some` has something to do; None when there is nothing to keep."""
        if self._writing is None and not self._noted:
            return None
        if self._writing is not None and (self._writing.is_finished or not self._writing.writer.has_room):
            return _BUSY_S
        return max(0.0, self._quiet_from_s - time.monotonic())

    def keep_some(self) -> None:
        """Do the next small part of the work. Call this when `wait_s` is over and no request has come."""
        try:
            if self._quiet_from_s > time.monotonic():
                return
            if self._writing is not None:
                self._go_on(self._writing)
            elif self._noted:
                self._begin(self._noted[-1])
                self._noted.pop()
        except Exception:  # the engine answers on, whatever the disk does
            _log.exception("pages of the prefix cache cannot be kept on the disk")
            self._give_up()

    def close(self) -> None:
        """Finish the file that is being written, and wait for its thread."""
        if self._writing is not None:
            if not self._writing.is_finished:
                self._finish(self._writing)
            self._writing.writer.join()

    def _note(self, noted: _Noted) -> None:
        earlier = [other for other in self._noted if not noted.continues(other)]
        self._noted.clear()
        self._noted.extend([*earlier, noted])

    def _begin(self, noted: _Noted) -> None:
        """Begin to write what is missing of a prompt."""
        known = self._index.pages(noted.kept)
        if known is None:
            return
        hashes = list(page_hashes(self._index.key, noted.tokens))
        used = Counter(known[page_hash].file for page_hash in hashes if page_hash in known)
        for file in used:
            mark_used(file)
        # Files with mostly an earlier state of the document would fill the disk, one for each pause.
        earlier = [written for written in self._written if noted.continues(written.noted)]
        replaced = [written for written in earlier if used[written.file] * 2 < written.pages]
        files = {written.file for written in replaced}
        is_kept = {page_hash for page_hash in hashes if page_hash in known and known[page_hash].file not in files}
        missing = [(number, page_hash) for number, page_hash in enumerate(hashes) if page_hash not in is_kept]
        missing = missing[: noted.kept.most_bytes // self._memory.page_bytes]
        if missing:
            expected_bytes = len(missing) * self._memory.page_bytes
            writer = PageWriter(self._index, noted.kept, self._memory.page_bytes, expected_bytes)
            self._writing = _Writing(noted, missing, replaced, writer)

    def _go_on(self, writing: _Writing) -> None:
        if writing.writer.has_ended:
            self._end(writing)
            return
        if writing.is_finished or not writing.writer.has_room:
            return
        held = self._tree.whole_pages(writing.noted.tokens)
        slice_pages = max(1, SLICE_BYTES // self._memory.page_bytes)
        taken = [(number, page_hash) for number, page_hash in writing.missing[:slice_pages] if number < len(held)]
        writing.missing = writing.missing[slice_pages:]
        if taken:
            data = self._memory.copy_out([held[number] for number, _ in taken])
            writing.writer.put([page_hash for _, page_hash in taken], data)
            writing.pages += len(taken)
        if not taken or not writing.missing:
            self._finish(writing)

    def _finish(self, writing: _Writing) -> None:
        writing.is_finished = True
        writing.writer.finish()

    def _end(self, writing: _Writing) -> None:
        self._writing = None
        if (error := writing.writer.error) is not None:
            if writing.noted.kept.folder.exists():  # else it was forgotten
                self._index.complain(writing.noted.kept, error)
                self._give_up()
            return
        for written in [] if writing.missing else writing.replaced:
            if written in self._written:
                self._written.remove(written)
            with suppress(OSError):
                written.file.unlink()
        self._written.append(_Written(writing.noted, writing.writer.file, writing.pages))

    def _give_up(self) -> None:
        """Keep nothing for a while."""
        self._noted.clear()
        self._quiet_from_s = time.monotonic() + _RETRY_S
