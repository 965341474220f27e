"""Moves mapped weights into memory of the process's own, in pages of 2 MB. Imports no torch."""

import ctypes
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from inference.heap import use_large_pages
from midspan.memory import usable_memory

_LARGE_PAGE_BYTES = 2 << 20
_PIECE_BYTES = 4 << 20  # a request waits for one piece at most: 10 ms, 18 at p95
_SHARE_OF_AVAILABLE = 2  # the system can take back a file's pages, but not these
# Of Linux' mman.h.
_PROT_READ, _PROT_WRITE = 1, 2
_MAP_PRIVATE, _MAP_ANONYMOUS = 2, 32
_MREMAP_MAYMOVE, _MREMAP_FIXED = 1, 2
_FAILED = ctypes.c_void_p(-1).value


class OwnPages:
    """Weights that are moved piece by piece, each to the address at which it is mapped: whoever reads them goes on.

    A step reads pages of 4 KB up to a tenth slower. Files of most file systems lie in such, and the others' large pages
    are split after hours. Weights of more than half of the free memory stay in their files, and so do all where the
    system has no large pages. Where others take memory meanwhile, as another engine does, the rest stays in its file.
    """

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        """`spans` are the addresses and bytes of the weights; the caller keeps them mapped while it calls `go_on`."""
        self._pieces = _pieces_of(spans)

    def go_on(self) -> bool:
        """Move the next piece; return False once all are moved, or the system has no memory for more."""
        piece = next(self._pieces, None)
        return piece is not None and _move(*piece)


def _pieces_of(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the addresses and bytes of the pieces; none where moving is no gain, none more where there is no room."""
    if sys.platform != "linux":
        return
    try:
        parts = list(_mapped_parts(spans)) if _has_large_pages() else []
    except OSError:  # a sandbox hides what Linux says of itself
        return
    left_bytes = sum(end - start for start, end in parts)
    free_bytes = (_SHARE_OF_AVAILABLE - 1) * left_bytes  # at the end
    for start, end in parts:
        for address in range(start, end, _PIECE_BYTES):
            if usable_memory().available_bytes < left_bytes + free_bytes:
                return
            size_bytes = min(_PIECE_BYTES, end - address)
            yield address, size_bytes
            left_bytes -= size_bytes


def _has_large_pages() -> bool:
    path = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return path.exists() and "[never]" not in path.read_text(encoding="ascii")


def _mapped_parts(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the first and end addresses of the whole large pages in which a mapped file's spans lie."""
    ordered = sorted(spans)  # a model of experts has thousands
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        addresses, _, _, _, inode = line.split(maxsplit=5)[:5]
        first, end = (int(address, 16) for address in addresses.split("-"))
        inside = ordered[bisect_left(ordered, (first, 0)) : bisect_left(ordered, (end, 0))]
        if inode != "0" and inside:
            lowest, highest = inside[0][0], sum(inside[-1])
            yield max(_floor(lowest), -_floor(-first)), min(-_floor(-highest), _floor(end))


def _floor(address: int) -> int:
    """Round an address down to the beginning of a large page. `-_floor(-address)` rounds it up."""
    return address // _LARGE_PAGE_BYTES * _LARGE_PAGE_BYTES


def _move(address: int, size_bytes: int) -> bool:
    """Put a copy of mapped memory in its place at once; return False where the system has no memory for it."""
    libc, here = ctypes.CDLL(None), ctypes.c_void_p
    libc.mmap.argtypes = here, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long
    libc.munmap.argtypes = here, ctypes.c_size_t
    libc.mremap.argtypes = here, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, here
    libc.mmap.restype = libc.mremap.restype = here
    room_bytes = size_bytes + _LARGE_PAGE_BYTES
    room = libc.mmap(None, room_bytes, _PROT_READ | _PROT_WRITE, _MAP_PRIVATE | _MAP_ANONYMOUS, -1, 0)
    if room == _FAILED:
        return False
    copy = -_floor(-room)
    libc.munmap(copy + size_bytes, room + room_bytes - copy - size_bytes)
    if copy > room:
        libc.munmap(room, copy - room)
    use_large_pages(copy, size_bytes)
    ctypes.memmove(copy, address, size_bytes)
    if libc.mremap(copy, size_bytes, size_bytes, _MREMAP_MAYMOVE | _MREMAP_FIXED, address) == _FAILED:
        libc.munmap(copy, size_bytes)
        return False
    return True
