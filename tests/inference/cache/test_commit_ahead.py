"""The memory of cache pages is committed before they are used, and what they hold stays."""

import ctypes
import subprocess
import sys
import threading

import pytest
import torch
from torch import Tensor

from inference.cache import commit_ahead
from inference.cache.allocate_memory import LARGE_PAGES_FROM_BYTES, allocate_memory
from inference.cache.commit_ahead import AHEAD_PAGES, CommitAhead
from inference.cache.page_pool import PAGE_TOKENS, PagePool

WIDTH = 256
SYSTEM_PAGE_BYTES = 4096
LARGE_PAGE_BYTES = 2 << 20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has madvise(MADV_POPULATE_WRITE)")


def committed(memory: Tensor) -> list[bool]:
    """Return for each whole page of the system in `memory` whether it is in memory."""
    first = -(-memory.data_ptr() // SYSTEM_PAGE_BYTES) * SYSTEM_PAGE_BYTES
    count = (memory.data_ptr() + memory.nbytes - first) // SYSTEM_PAGE_BYTES
    states = (ctypes.c_ubyte * count)()
    libc = ctypes.CDLL(None, use_errno=True)
    length = ctypes.c_size_t(count * SYSTEM_PAGE_BYTES)
    assert libc.mincore(ctypes.c_void_p(first), length, states) == 0, ctypes.get_errno()
    return [bool(state & 1) for state in states]


def wait_for_commits() -> None:
    for thread in threading.enumerate():
        if thread.name == "commit-ahead":
            thread.join()


def test_the_pages_that_come_next_are_committed_and_keep_what_they_hold() -> None:
    pages = 2 * LARGE_PAGES_FROM_BYTES // (PAGE_TOKENS * WIDTH * 2)
    memory = allocate_memory(2, pages, WIDTH, torch.bfloat16, torch.device("cpu"))
    pool = PagePool(pages)
    memory[:, 3] = 7.5
    ahead = CommitAhead(memory, pool)
    ahead.go_on()
    wait_for_commits()
    for layer in memory:
        assert all(committed(layer[:AHEAD_PAGES]))
        assert not any(committed(layer[pages // 2 :])[: -LARGE_PAGE_BYTES // SYSTEM_PAGE_BYTES])
    assert (memory[:, 3] == 7.5).all()

    pool.release(pool.allocate(pages // 2))
    ahead.go_on()
    wait_for_commits()
    assert all(all(committed(layer[: pages // 2 + AHEAD_PAGES])) for layer in memory)
    assert (memory[:, 3] == 7.5).all()


def test_the_pages_of_the_last_run_are_committed_at_once_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = 2 * LARGE_PAGES_FROM_BYTES // (PAGE_TOKENS * WIDTH * 2)
    known = pages // 2
    for bound, expected in ((known, known), (known // 2, known // 2)):
        memory = allocate_memory(2, pages, WIDTH, torch.bfloat16, torch.device("cpu"))
        monkeypatch.setattr(commit_ahead, "MOST_KNOWN_BYTES", bound * memory[:, 0].nbytes)
        CommitAhead(memory, PagePool(pages)).go_on(known)
        wait_for_commits()
        for layer in memory:
            assert all(committed(layer[:expected]))
            assert not any(
                committed(layer[expected:])[LARGE_PAGE_BYTES // SYSTEM_PAGE_BYTES :][
                    : -LARGE_PAGE_BYTES // SYSTEM_PAGE_BYTES
                ]
            )


def test_nothing_is_committed_for_a_small_cache() -> None:
    pages = LARGE_PAGES_FROM_BYTES // (PAGE_TOKENS * WIDTH * 2) // 2
    ahead = CommitAhead(allocate_memory(2, pages, WIDTH, torch.bfloat16, torch.device("cpu")), PagePool(pages))
    ahead.go_on()
    assert not [thread for thread in threading.enumerate() if thread.name == "commit-ahead"]


def test_a_process_that_ends_meanwhile_is_not_aborted() -> None:
    """As that of `midspan complete`, whose engine has just been loaded. The thread here goes on until the end."""
    code = f"""
import threading, time, torch
from inference.cache import commit_ahead
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PagePool

class Endless(threading.Thread):
    def run(self):
        while True:
            self._target(*self._args)

commit_ahead.Thread = Endless
commit_ahead.commit_memory = lambda *_: None  # which can be left at any time
memory = allocate_memory(4, 2048, {WIDTH}, torch.bfloat16, torch.device("cpu"))
commit_ahead.CommitAhead(memory, PagePool(2048)).go_on()
time.sleep(0.1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
