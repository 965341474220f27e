"""The process that builds indexes: it reads what nobody has opened, so that no file holds up a keystroke.

The process reads jobs from stdin, one JSON object a line, and answers on stdout; `indexer_process.py` is the other end.
It ends with its stdin. A file that takes too much of the CPU's time ends it too: the kernel's timer does so even where
C code holds the interpreter, and the file is in quarantine from then on.
"""

import json
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from context.index.gone_indexes import remove_gone_indexes
from context.index.index import Index, Report
from context.rules.rules import Rules

_log = logging.getLogger(__name__)

_NICE = 10
_FROZEN_SECONDS = 20.0  # of the CPU, since the last file was begun
_END_SECONDS = 2.0  # for the files that are being read when the process is to end
_PROGRESS_SECONDS = 0.1


class _Timer:
    """Ends the process by SIGPROF when no file is begun or finished for long while the CPU works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files = 0

    @contextmanager
    def file(self) -> Iterator[None]:
        """Count one file that is read."""
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        with self._lock:
            self._files += by
            if sys.platform != "win32":
                signal.setitimer(signal.ITIMER_PROF, _FROZEN_SECONDS if self._files else 0)


class _Jobs:
    """The jobs that run, each on a thread of its own. A job is one root's."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._stopped: set[int] = set()
        self._threads: dict[int, threading.Thread] = {}
        self._indexes: dict[int, Index] = {}
        self._timer = _Timer()

    def take(self, message: dict[str, Any]) -> None:
        """Begin a job, or stop one."""
        if "stop" in message:
            self._stopped.add(message["stop"])
            return
        number = message["job"]
        thread = self._threads[number] = threading.Thread(target=self._run, args=(number, message), daemon=True)
        thread.start()

    def end(self) -> None:
        """Stop all jobs after the files that they read, and do not hold the end of the process against a file."""
        self._stopped.update(self._threads)
        deadline = time.monotonic() + _END_SECONDS
        for thread in list(self._threads.values()):
            thread.join(max(0.0, deadline - time.monotonic()))
        for index in list(self._indexes.values()):
            index.forget_work()

    def _run(self, number: int, message: dict[str, Any]) -> None:
        try:
            self._say({"job": number, "report": asdict(self._index(number, message))})
        except (OSError, sqlite3.Error) as error:
            self._say({"job": number, "error": str(error)})
        except Exception as error:
            _log.exception("The index of %s cannot be brought up to date.", message.get("root"))
            self._say({"job": number, "error": f"{type(error).__name__}: {error}"})
        finally:
            self._threads.pop(number, None)

    def _index(self, number: int, message: dict[str, Any]) -> Report:
        rules, paths = Rules(Path(message["root"])), message["paths"]
        said = 0.0

        def say_progress(done: int, total: int) -> None:
            nonlocal said
            if time.monotonic() - said > _PROGRESS_SECONDS:
                said = time.monotonic()
                self._say({"job": number, "progress": [done, total]})

        index = self._indexes[number] = Index(Path(message["database"]), self._timer.file)
        try:
            if paths is not None:
                return index.refresh(rules, paths)
            return index.update(rules, say_progress, lambda: number in self._stopped)
        finally:
            del self._indexes[number]
            index.close()

    def _say(self, message: dict[str, Any]) -> None:
        with self._lock, suppress(OSError):  # the daemon has gone; stdin ends next
            self._answers.write(json.dumps(message).encode() + b"\n")
            self._answers.flush()


def main() -> None:
    """Take jobs until stdin ends."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's, which the daemon answers
    if sys.platform != "win32":
        with suppress(OSError):
            os.nice(_NICE)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whoever prints prints to the log
    jobs = _Jobs(answers)
    signal.signal(signal.SIGTERM, lambda _number, _frame: _end(jobs))
    is_first = True
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if is_first and "database" in message:
            is_first = False
            remove_gone_indexes(Path(message["database"]).parent)
        jobs.take(message)
    _end(jobs)


def _end(jobs: _Jobs) -> None:
    jobs.end()
    os._exit(0)  # a thread that does not stop is not waited for


if __name__ == "__main__":
    main()
