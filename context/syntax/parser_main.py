"""The process that parses long texts; `parser_process.py` is the other end.

It reads a line of JSON and a text from stdin, and answers on stdout in lines of JSON: the definitions in batches, and
at last the chunks. It ends with its stdin, when nobody has asked for a while, and when the kernel's timer or its limit
of memory ends it over a text.
"""

import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import astuple
from typing import BinaryIO

from context.documents.document import split_lines
from context.documents.work_limit import WorkLimit
from context.syntax.syntax import Outline, parse

_PARSE_SECONDS = 1.0  # of the CPU
_FROZEN_SECONDS = 3.0  # of the CPU, where C code does not look at the limit
_IDLE_SECONDS = 600.0
_MOST_BYTES = 1 << 29
_BATCH = 1000  # definitions in a line: to read a line holds the interpreter of the one who asks


def main() -> None:
    """Answer until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's, which the daemon answers
    _limit_memory()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whoever prints prints to the log
    while _is_asked():
        question = json.loads(sys.stdin.buffer.readline() or "null")
        if question is None:
            break
        text = sys.stdin.buffer.read(question["bytes"]).decode("utf-8", "surrogatepass")
        _set_timer(_FROZEN_SECONDS)
        lines = split_lines(text)
        outline = parse(question["language"], text, lines, WorkLimit(_PARSE_SECONDS))
        _set_timer(0)
        _answer(answers, outline, len(lines))


if sys.platform == "win32":  # which has none of these: only the limit of the parse holds

    def _limit_memory() -> None:
        pass

    def _is_asked() -> bool:
        return True

    def _set_timer(seconds: float) -> None:
        pass

else:
    import resource
    import select

    def _limit_memory() -> None:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, (_MOST_BYTES, _MOST_BYTES))

    def _is_asked() -> bool:
        """Wait for a question, the end of stdin or the idle time; return whether there is anything to read."""
        return bool(select.select([sys.stdin.buffer], [], [], _IDLE_SECONDS)[0])

    def _set_timer(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _answer(answers: BinaryIO, outline: Outline, line_count: int) -> None:
    starts = [chunk.first_line for chunk in outline.chunks]
    with suppress(BrokenPipeError):  # the daemon has gone; stdin ends next
        for first in range(0, len(outline.symbols), _BATCH):
            batch = [astuple(symbol) for symbol in outline.symbols[first : first + _BATCH]]
            answers.write(json.dumps(batch).encode() + b"\n")
        end = {"starts": starts, "line_count": line_count, "why_plain": outline.why_plain}
        answers.write(json.dumps(end).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
