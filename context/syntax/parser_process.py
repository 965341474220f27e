"""The outline of a buffer. Long texts are parsed in a process of their own (`parser_main.py` is the other end).

Tree-sitter holds the interpreter: for a second over some texts, while nobody's keystroke is answered. Other texts make
it overflow the stack, which ends the process. A short text costs less than the way to another process.
"""

import json
import logging
import subprocess
import threading
from itertools import pairwise

from context.child_process import NoChildError, end_child, start_child
from context.documents.document import Document
from context.documents.work_limit import WorkLimit
from context.syntax.grammars import grammar
from context.syntax.symbols import Symbol
from context.syntax.syntax import Chunk, Outline, parse, plain_outline

_log = logging.getLogger(__name__)

_SHORT_CHARACTERS = 16_000
_SHORT_SECONDS = 0.1  # of the CPU, to parse a short text
_MAX_PROCESSES = 4
_MAX_GIVEN_UP = 1000


class ParserProcesses:
    """Processes that start when they are needed and stay for the next text. Any thread may call."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(_MAX_PROCESSES)
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        self._given_up: dict[int, str] = {}  # the hashes of texts that are not tried again -> why

    def outline(self, document: Document) -> Outline:
        """Return the outline of a text, by its blank lines when its syntax takes too long or ends a process."""
        if why := self._given_up.get(hash(document)):
            return plain_outline(document.lines, why)
        try:
            with self._slots:
                found = self._ask(document)
        except NoChildError as error:  # the next text is tried again
            return plain_outline(document.lines, str(error))
        if found.why_plain:
            with self._lock:
                if len(self._given_up) >= _MAX_GIVEN_UP:
                    self._given_up.clear()
                self._given_up[hash(document)] = found.why_plain
        return found

    def close(self) -> None:
        """End the processes that have nothing to do."""
        while (process := self._take_idle()) is not None:
            end_child(process)

    def _ask(self, document: Document) -> Outline:
        idle = self._take_idle()
        # A process that was idle may have ended by itself, so its end says nothing about this text.
        outline = self._ask_one(idle, document) if idle is not None else None
        outline = outline or self._ask_one(start_child("context.syntax.parser_main"), document)
        if outline is None:
            _log.warning("%r: its syntax ended the process that parses, so it is read as plain text.", document.path)
            return plain_outline(document.lines, "its syntax ends the process that parses it")
        return outline

    def _ask_one(self, process: "subprocess.Popen[bytes]", document: Document) -> Outline | None:
        """Ask a process, which is idle then; None when it has ended."""
        try:
            found = _outline_from(process, document)
        except (OSError, ValueError):
            end_child(process)
            return None
        with self._lock:
            self._idle.append(process)
        return found

    def _take_idle(self) -> "subprocess.Popen[bytes] | None":
        with self._lock:
            return self._idle.pop() if self._idle else None


def _outline_from(process: "subprocess.Popen[bytes]", document: Document) -> Outline:
    """Ask one process. Raises OSError or ValueError when the process ends."""
    assert process.stdin is not None
    assert process.stdout is not None
    data = document.text.encode("utf-8", "surrogatepass")
    process.stdin.write(json.dumps({"language": document.language, "bytes": len(data)}).encode() + b"\n")
    process.stdin.write(data)
    process.stdin.flush()
    symbols: list[Symbol] = []
    while isinstance(answer := json.loads(process.stdout.readline()), list):
        symbols += [Symbol(*fields) for fields in answer]
    chunks = [Chunk(*lines) for lines in pairwise((*answer["starts"], answer["line_count"]))]
    return Outline(symbols, chunks, answer["why_plain"])


_PROCESSES = ParserProcesses()


def outline_of(document: Document) -> Outline:
    """Return the definitions and chunks of a buffer."""
    if len(document.text) > _SHORT_CHARACTERS and grammar(document.language) is not None:
        return _PROCESSES.outline(document)
    return parse(document.language, document.text, document.lines, WorkLimit(_SHORT_SECONDS))
