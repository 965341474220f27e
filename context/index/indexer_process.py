"""The daemon's end of the process that builds indexes (`indexer_main.py`).

The process is started for the first job, and again when it has died: each time later, as a workspace may hold many
files that kill it. It ends when it has had nothing to do for a while, at once when it has grown large, and with the
process that started it, whose end closes its stdin.
"""

import json
import logging
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from context.child_process import NoChildError, end_child, start_child
from context.index.index import Report
from midspan import MidspanError

_log = logging.getLogger(__name__)

_MAX_DEATHS = 10  # in a row, without a job done between
_MAX_BACKOFF_SECONDS = 60.0
_POLL_SECONDS = 0.2
_STOP_SECONDS = 10.0  # after this, a job that was stopped is not waited for
_IDLE_SECONDS = 60.0
_MOST_IDLE_BYTES = 96 << 20  # libraries keep memory of what they have read; a process that idles with more ends at once


class IndexerError(MidspanError):
    """A job failed: the disk is full, or the process dies again and again."""


class _DiedError(Exception):
    """The process has died while it had this job."""


class IndexerProcess:
    """Runs jobs in one process. Any thread may call anything; jobs of several threads run side by side."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        # Of each job, the process that has it and the answers, of which None says that the process has died.
        self._answers: dict[int, tuple[subprocess.Popen[bytes], queue.SimpleQueue[dict[str, Any] | None]]] = {}
        self._number = 0
        self._deaths = 0
        self._idle: threading.Timer | None = None
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """The process that runs now; None while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def run(
        self,
        root: Path,
        database: Path,
        paths: Sequence[str] | None,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Make the index agree with the disk about these files, or about all. Raises IndexerError.

        When the process dies, the job begins anew without the file at which that happened.
        """
        job = {"root": str(root), "database": str(database), "paths": None if paths is None else list(paths)}
        while not (should_stop() or self._is_closed):
            try:
                report = self._ask(job, on_progress, should_stop)
            except _DiedError:
                self._deaths += 1
                if self._deaths >= _MAX_DEATHS:
                    raise IndexerError(f"The indexer of {root} has ended {self._deaths} times in a row.") from None
                end = time.monotonic() + min(2.0 ** (self._deaths - 1), _MAX_BACKOFF_SECONDS)
                while time.monotonic() < end and not (should_stop() or self._is_closed):
                    time.sleep(_POLL_SECONDS)
            else:
                self._deaths = 0
                return report
        return Report()

    def close(self) -> None:
        """End the process after the files that it reads; no job begins any more."""
        with self._lock:
            self._is_closed = True
            if self._idle is not None:
                self._idle.cancel()
            process, self._process = self._process, None
        if process is not None:
            end_child(process)

    def _ask(
        self, job: dict[str, Any], on_progress: Callable[[int, int], None], should_stop: Callable[[], bool]
    ) -> Report:
        answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with self._lock:
            if self._is_closed:
                return Report()
            if self._idle is not None:
                self._idle.cancel()
            process = self._started()
            self._number += 1
            number = self._number
            self._answers[number] = process, answers
        try:
            self._say(process, {"job": number, **job})
            return self._follow(process, number, answers, on_progress, should_stop)
        finally:
            with self._lock:
                del self._answers[number]
                if not self._answers and not self._is_closed:
                    seconds = 0 if _resident_bytes(process) > _MOST_IDLE_BYTES else _IDLE_SECONDS
                    self._idle = threading.Timer(seconds, self._end_idle)
                    self._idle.daemon = True
                    self._idle.start()

    def _follow(
        self,
        process: "subprocess.Popen[bytes]",
        number: int,
        answers: "queue.SimpleQueue[dict[str, Any] | None]",
        on_progress: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> Report:
        stopped_at: float | None = None
        while True:
            try:
                answer = answers.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if stopped_at is None and (should_stop() or self._is_closed):
                    stopped_at = time.monotonic()
                    self._say(process, {"stop": number})
                elif stopped_at is not None and time.monotonic() - stopped_at > _STOP_SECONDS:
                    return Report()
                continue
            if answer is None:
                raise _DiedError
            if "progress" in answer:
                on_progress(*answer["progress"])
            elif "error" in answer:
                raise IndexerError(str(answer["error"]))
            else:
                return Report(**answer["report"])

    def _started(self) -> "subprocess.Popen[bytes]":
        """Return the process, started where there is none that lives. The caller holds the lock."""
        if self._process is None or self._process.poll() is not None:
            process = start_child("context.index.indexer_main")
            hears = threading.Thread(target=self._hear, args=(process,), name="midspan-indexer-answers", daemon=True)
            try:
                hears.start()
            except RuntimeError as error:  # without that thread a job would wait for ever
                end_child(process)
                raise NoChildError("the system starts no thread") from error
            self._process = process
        return self._process

    def _say(self, process: "subprocess.Popen[bytes]", message: dict[str, Any]) -> None:
        with self._lock:
            try:
                assert process.stdin is not None
                process.stdin.write(json.dumps(message).encode() + b"\n")
                process.stdin.flush()
            except (OSError, ValueError):  # it has died, or was closed; the thread that hears says so to all jobs
                pass

    def _hear(self, process: "subprocess.Popen[bytes]") -> None:
        """Hand the answers of one process to the jobs that wait for them, until it dies."""
        assert process.stdout is not None
        for line in process.stdout:
            message = json.loads(line)
            with self._lock:
                if message["job"] in self._answers:
                    self._answers[message["job"]][1].put(message)
        code = process.wait()
        with self._lock:
            if self._process is process:
                self._process = None
                _log.warning("The process that builds indexes has ended (%d); it is started again when needed.", code)
            for asked, answers in self._answers.values():
                if asked is process:
                    answers.put(None)

    def _end_idle(self) -> None:
        with self._lock:
            if self._answers or self._process is None:
                return
            process, self._process = self._process, None
        end_child(process)


def _resident_bytes(process: "subprocess.Popen[bytes]") -> int:
    try:
        return int(psutil.Process(process.pid).memory_info().rss)
    except psutil.Error:  # it has died
        return 0
