"""`midspan serve` as editors start it: carries bytes between stdin and stdout and the daemon.

It imports nothing heavy, since an editor waits for it. When the daemon dies it starts the next one and says again what
that must know; the editor notices a pause. Two threads: this one reads the editor, another one the daemon.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from lsp_server.relay import handshake
from lsp_server.relay.hung_daemon import PATIENCE_S, Silence, end_hung, takes_more
from lsp_server.relay.launch import DAEMON_COMMAND, connect
from lsp_server.relay.replay_log import ReplayLog, is_farewell
from lsp_server.rpc.frames import FrameReader, FramingError, frame
from midspan import MidspanError, SettingsError

_CHUNK_BYTES = 1 << 16
# The daemon has this long to answer what was asked before `exit`.
_LAST_WORDS_S = 5.0
# A daemon that dies this often before it has answered one request dies of this session.
_DEATHS_WITHOUT_PAUSE = 5
_LONGEST_PAUSE_S = 10.0


def relay(
    settings: dict[str, Any],
    log_file: Path | None,
    command: Sequence[str] = DAEMON_COMMAND,
    patience_s: float = PATIENCE_S,
) -> int:
    """Runs until `exit` or the end of stdin; the exit code. `command` starts a daemon; one that says nothing for
    twice the patience is ended. Raises MidspanError.
    """
    keys = {name: value for name, value in os.environ.items() if name.startswith(handshake.KEY_VARIABLES)}
    details = {"settings": settings, "folder": os.getcwd(), "keys": keys}
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
    log = sys.stderr if log_file is None else _open_log(log_file)
    return _Relay(details, command, patience_s, sys.stdin.fileno(), sys.stdout.buffer, log).run()


def _open_log(log_file: Path) -> TextIO:
    try:
        return open(log_file, "a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise SettingsError(f"{log_file} cannot be written ({error.strerror}). Name another log file.") from error


class _Relay:
    """`_turn` guards the daemon's socket and the conversation's order; `_talk_lock` the conversation's contents."""

    def __init__(
        self,
        details: dict[str, Any],
        command: Sequence[str],
        patience_s: float,
        stdin: int,
        stdout: BinaryIO,
        log: TextIO,
    ) -> None:
        self._details = details
        self._command = command
        self._patience_s = patience_s
        self._stdin = stdin
        self._stdout = stdout
        self._log = log
        self._talk = ReplayLog()
        self._talk_lock = threading.Lock()
        self._stdout_lock = threading.Lock()
        self._turn = threading.Condition()
        self._is_missed = False  # the editor speaks, and waits for a daemon that was told to stop
        self._over = False  # no daemon is needed any more
        self._ending = threading.Event()
        self._deaths = 0  # since the last answer to a request of the editor's
        self._daemon = self._connect(resumes=False)

    def run(self) -> int:
        reader = threading.Thread(target=self._read_daemon, name="midspan-daemon", daemon=True)
        reader.start()
        try:
            self._read_editor()
        except (FramingError, OSError) as error:
            print(f"midspan: {error}", file=sys.stderr)
        self._ending.set()
        with self._turn:
            self._turn.notify_all()
            _half_close(self._daemon)
        reader.join(_LAST_WORDS_S)
        return 0 if self._talk.exited and self._talk.shut_down else 1

    def _connect(self, *, resumes: bool) -> socket.socket:
        greeting = handshake.say("serve", resumes=resumes, **self._details)
        connection, answer = connect(greeting, self._command, lambda: not self._ending.is_set())
        if "error" in answer:
            raise SettingsError(str(answer["error"]))
        return connection

    def _read_editor(self) -> None:
        frames = FrameReader()
        while data := os.read(self._stdin, _CHUNK_BYTES):
            for body in frames.feed(data):
                self._from_editor(body)
                if self._talk.exited:
                    return

    def _from_editor(self, body: bytes) -> None:
        with self._turn:
            if self._over or (self._talk.stopped and is_farewell(body)):
                with self._talk_lock:
                    self._talk.from_editor(body)
                    self._write(self._talk.lost())
                return
            self._is_missed = True
            self._turn.notify_all()
            self._turn.wait_for(lambda: not self._talk.stopped)
            self._is_missed = False
            with self._talk_lock:
                bodies = self._talk.from_editor(body)
            # Into a daemon that has just died it is lost, and said again or answered when that is noticed.
            _send(self._daemon, bodies)

    def _read_daemon(self) -> None:
        while True:
            self._carry_to_editor()
            with self._turn:
                with self._talk_lock:
                    self._write(self._talk.lost())
                self._turn.wait_for(lambda: not self._talk.stopped or self._is_missed or self._ending.is_set())
                if self._ending.is_set() or self._talk.shut_down:
                    self._over = True
                    return
                self._resume()

    def _carry_to_editor(self) -> None:
        """Until the daemon closes its end, or breaks off in the middle of a message, which is dropped."""
        frames = FrameReader()
        silence = Silence(self._daemon, self._patience_s)
        try:
            while True:
                if not silence.is_broken():
                    if self._is_hung(silence):
                        return
                    continue
                if not (data := self._daemon.recv(_CHUNK_BYTES)):
                    return
                for body in frames.feed(data):
                    with self._talk_lock:
                        is_for_editor = self._talk.from_daemon(body)
                        lines, self._talk.log_lines = self._talk.log_lines, []
                    for line in lines:
                        self._note(line)
                    if is_for_editor:
                        self._deaths = 0
                        self._write([body])
        except OSError:
            return

    def _is_hung(self, silence: Silence) -> bool:
        """Asks when the daemon owes an answer for long; ends it when that has none either, and tells the user."""
        with self._talk_lock:
            silence.goes_on(is_owed=self._talk.owes_answer)
        if silence.is_final:
            self._give_up()
            return True
        # Where the other thread waits to send, the daemon does not read either, and there is nothing to ask.
        if silence.is_long and not silence.is_asked and takes_more(self._daemon) and self._turn.acquire(blocking=False):
            try:
                with self._talk_lock:
                    question = self._talk.ask_if_it_hears()
                _send(self._daemon, [question])
                silence.is_asked = True
            finally:
                self._turn.release()
        return False

    def _give_up(self) -> None:
        is_ended = end_hung(self._daemon)
        self._daemon.shutdown(socket.SHUT_RDWR)  # the other thread may wait to send
        done = "was ended, and is started again" if is_ended else "is left, and another one is started"
        message = f"Midspan's daemon did not answer for {2 * self._patience_s:.0f} s. It {done}."
        self._note(message)
        with self._talk_lock:
            self._write([self._talk.warning(message)])

    def _resume(self) -> None:
        self._daemon.close()
        if self._deaths >= _DEATHS_WITHOUT_PAUSE:
            self._ending.wait(min(0.1 * 2 ** (self._deaths - _DEATHS_WITHOUT_PAUSE), _LONGEST_PAUSE_S))
        self._deaths += 1
        began_s = time.monotonic()
        try:
            self._daemon = self._connect(resumes=True)
        except MidspanError as error:
            self._end(str(error))
        with self._talk_lock:
            bodies = self._talk.replay()
        _send(self._daemon, bodies)
        took_ms = 1000 * (time.monotonic() - began_s)
        self._note(f"The daemon had gone; {len(self._talk)} documents were opened in a new one in {took_ms:.0f} ms")
        self._turn.notify_all()

    def _write(self, bodies: Iterable[bytes]) -> None:
        try:
            with self._stdout_lock:
                for body in bodies:
                    self._stdout.write(frame(body))
                self._stdout.flush()
        except OSError:
            os._exit(1)  # the editor has gone; the other thread waits for its stdin

    def _note(self, line: str) -> None:
        with suppress(OSError):  # nobody reads it: the session goes on
            print(line, file=self._log, flush=True)

    def _end(self, reason: str) -> None:
        """There is no daemon to be had. The other thread cannot be told: it waits for the editor."""
        if not self._ending.is_set():
            print(f"midspan: {reason}", file=sys.stderr, flush=True)
        os._exit(1)


def _send(daemon: socket.socket, bodies: Iterable[bytes]) -> None:
    try:
        for body in bodies:
            daemon.sendall(frame(body))
    except OSError:
        return  # the other thread sees it too, and resumes


def _half_close(daemon: socket.socket) -> None:
    try:
        daemon.shutdown(socket.SHUT_WR)
    except OSError:
        return
