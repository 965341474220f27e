"""Parses a text within a limit of time, of memory and of nodes."""

from collections.abc import Callable
from contextlib import nullcontext
from threading import Lock
from time import monotonic

import psutil
from tree_sitter import Node, Parser, Point

from context.documents.work_limit import WorkLimit, WorkLimitError
from context.syntax.grammars import Grammar

_MAX_NODES = 500_000  # a node for every two bytes of the largest file that is indexed; code has one for every five
_READ_BYTES = 16 * 1024
# A file of real code takes 60 MB at most. A hostile one takes 200, and as much again at the end of its parse.
_MOST_GROWTH_BYTES = 96 << 20
_SMALL_BYTES = 64 * 1024  # a smaller text grows by 360 MB in each second of the CPU at most, so its time bounds it
# A third of a microsecond is what a byte of real code takes. 23 KB of `@a` and `/*` in Python took 3 s and 1.2 GB.
_LEAST_SECONDS, _SECONDS_A_BYTE = 0.1, 2e-6
_SECONDS_BETWEEN_LOOKS = 0.001  # to read the time of a thread at each call took a tenth of the time of a parse
_LOOKS_A_LOOK_AT_MEMORY = 8  # that costs 20 microseconds
# What the process grows by is put down to the one large text that is parsed.
_one_large_text = Lock()


def parse_within(grammar: Grammar, data: bytes, limit: WorkLimit) -> Node:
    """Return the root of the syntax tree of a text in UTF-8.

    Raises WorkLimitError. Other threads take their turns meanwhile: tree-sitter asks every 100 steps whether to go on.
    """
    view = memoryview(data)
    is_large = len(data) > _SMALL_BYTES
    read_parts: list[memoryview] = []

    def read(offset: int, _point: Point) -> memoryview:
        read_parts.append(view[offset : offset + _READ_BYTES])
        return read_parts[-1]

    with _one_large_text if is_large else nullcontext():
        is_too_large = _growth_watch() if is_large else lambda: False
        own_limit = WorkLimit(_LEAST_SECONDS + _SECONDS_A_BYTE * len(data))
        looked = monotonic()

        def is_over(_offset: int, _has_error: bool) -> bool:
            nonlocal looked
            if (now := monotonic()) < looked + _SECONDS_BETWEEN_LOOKS:
                return False
            looked = now
            return limit.is_over or own_limit.is_over or is_too_large()

        try:
            tree = Parser(grammar.tables).parse(read, progress_callback=is_over)
        except ValueError as error:  # the callback has ended it
            limit.check("parse")
            own_limit.check("parse")
            raise WorkLimitError(f"it takes more than {_MOST_GROWTH_BYTES >> 20} MB to parse") from error
        finally:
            # tree-sitter's binding never lets go of what it was handed, and with it the text would stay for ever.
            for part in read_parts:
                part.release()
    if tree.root_node.descendant_count > _MAX_NODES:
        raise WorkLimitError(f"its syntax tree has more than {_MAX_NODES:,} nodes")
    return tree.root_node


def _growth_watch() -> Callable[[], bool]:
    """Return a function that tells whether the process has grown too far since now. Most calls cost nothing."""
    process, calls = psutil.Process(), 0
    most_bytes = process.memory_info().rss + _MOST_GROWTH_BYTES

    def is_too_large() -> bool:
        nonlocal calls
        calls += 1
        return calls % _LOOKS_A_LOOK_AT_MEMORY == 0 and process.memory_info().rss > most_bytes

    return is_too_large
