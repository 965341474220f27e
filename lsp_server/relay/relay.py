"""The relay, `midspan serve` for editors, carries messages between the editor's stdio and the daemon's socket.

An editor waits for the relay to start, so the relay imports nothing heavy. When the daemon dies the relay starts the
next one and replays the session to it; the editor notices a pause. The main thread reads the editor, and a second
thread reads the daemon.
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
from lsp_server.relay.hung_daemon import PATIENCE_S, SilenceWatch, can_send, kill_hung
from lsp_server.relay.launch import DAEMON_COMMAND, connect
from lsp_server.relay.replay_log import ReplayLog, is_shutdown_or_exit, warning
from lsp_server.rpc.frames import FrameReader, FramingError, frame
from midspan import MidspanError, SettingsError

_CHUNK_BYTES = 1 << 16
_LAST_ANSWERS_S = 5.0  # time for the daemon to answer the requests before `exit`
# Daemons that die this often without one answer die of this session, so the relay pauses before it starts the next.
_DEATHS_WITHOUT_PAUSE = 5
_MAX_PAUSE_S = 10.0


def relay(
    settings: dict[str, Any],
    log_file: Path | None,
    command: Sequence[str] = DAEMON_COMMAND,
    patience_s: float = PATIENCE_S,
) -> int:
    """Run until `exit` or the end of stdin, and return the exit code.

    `command` starts a daemon. The relay kills a daemon that does not answer for twice `patience_s`.
    Raises MidspanError.
    """
    details = {"settings": settings, "folder": os.getcwd(), "keys": handshake.keys_of_environment()}
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
    log = sys.stderr if log_file is None else _open_log(log_file)
    return _Relay(details, command, patience_s, sys.stdin.fileno(), sys.stdout.buffer, log).run()


def _open_log(log_file: Path) -> TextIO:
    try:
        return open(log_file, "a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise SettingsError(f"{log_file} cannot be written ({error.strerror}). Name another log file.") from error


class _Relay:
    """The relay of one session.

    `_turn` guards the daemon's socket and the order of messages, `_replay_lock` the replay log.
    """

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
        self._replay_log = ReplayLog()
        self._replay_lock = threading.Lock()
        self._stdout_lock = threading.Lock()
        self._turn = threading.Condition()
        self._is_message_waiting = False  # for a daemon: the user has stopped the last one
        self._is_over = False  # no daemon is needed any more
        self._ending = threading.Event()
        self._deaths = 0  # of daemons since the last message for the editor
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
        reader.join(_LAST_ANSWERS_S)
        return 0 if self._replay_log.has_exited and self._replay_log.is_shut_down else 1

    def _connect(self, *, resumes: bool) -> socket.socket:
        request_line = handshake.request_line("serve", resumes=resumes, **self._details)
        connection, answer = connect(request_line, self._command, lambda: not self._ending.is_set())
        if "error" in answer:
            raise SettingsError(str(answer["error"]))
        return connection

    def _read_editor(self) -> None:
        frames = FrameReader()
        while data := os.read(self._stdin, _CHUNK_BYTES):
            for body in frames.feed(data):
                self._carry_to_daemon(body)
                if self._replay_log.has_exited:
                    return

    def _carry_to_daemon(self, body: bytes) -> None:
        with self._turn:
            if self._is_over or (self._replay_log.is_stopped and is_shutdown_or_exit(body)):
                with self._replay_lock:
                    self._replay_log.read_from_editor(body)
                    self._write(self._replay_log.close_open_requests())
                return
            self._is_message_waiting = True
            self._turn.notify_all()
            self._turn.wait_for(lambda: not self._replay_log.is_stopped)
            self._is_message_waiting = False
            with self._replay_lock:
                bodies = self._replay_log.read_from_editor(body)
            # If the daemon has just died, the message is lost; `_read_daemon` then replays or answers it.
            _send(self._daemon, bodies)

    def _read_daemon(self) -> None:
        while True:
            self._carry_to_editor()
            with self._turn:
                with self._replay_lock:
                    self._write(self._replay_log.close_open_requests())
                self._turn.wait_for(
                    lambda: not self._replay_log.is_stopped or self._is_message_waiting or self._ending.is_set()
                )
                if self._ending.is_set() or self._replay_log.is_shut_down:
                    self._is_over = True
                    return
                self._resume()

    def _carry_to_editor(self) -> None:
        """Return when the daemon closes its end or hangs. A message that is cut off is dropped."""
        frames = FrameReader()
        silence = SilenceWatch(self._daemon, self._patience_s)
        try:
            while True:
                if not silence.wait_for_data():
                    if self._is_hung(silence):
                        return
                    continue
                if not (data := self._daemon.recv(_CHUNK_BYTES)):
                    return
                for body in frames.feed(data):
                    with self._replay_lock:
                        is_for_editor = self._replay_log.read_from_daemon(body)
                        lines, self._replay_log.log_lines = self._replay_log.log_lines, []
                    for line in lines:
                        self._write_log(line)
                    if is_for_editor:
                        self._deaths = 0
                        self._write([body])
        except OSError:
            return

    def _is_hung(self, silence: SilenceWatch) -> bool:
        """Send a ping when an answer is late; give the daemon up when the ping has no answer either."""
        with self._replay_lock:
            silence.note_silence(is_answer_owed=self._replay_log.is_answer_owed)
        if silence.is_too_long:
            self._give_up()
            return True
        # While the other thread holds the turn, it waits to send: the daemon does not read, and would not read a ping.
        if silence.is_ping_due and can_send(self._daemon) and self._turn.acquire(blocking=False):
            try:
                with self._replay_lock:
                    ping = self._replay_log.make_ping()
                _send(self._daemon, [ping])
                silence.note_ping()
            finally:
                self._turn.release()
        return False

    def _give_up(self) -> None:
        is_killed = kill_hung(self._daemon)
        self._daemon.shutdown(socket.SHUT_RDWR)  # wakes the other thread, which may wait to send
        left = "killed it" if is_killed else "left it"
        message = f"The daemon did not answer for {2 * self._patience_s:.0f} s. Midspan {left} and starts another."
        self._write_log(message)
        with self._replay_lock:
            self._write([warning(message)])

    def _resume(self) -> None:
        self._daemon.close()
        if self._deaths >= _DEATHS_WITHOUT_PAUSE:
            self._ending.wait(min(0.1 * 2 ** (self._deaths - _DEATHS_WITHOUT_PAUSE), _MAX_PAUSE_S))
        self._deaths += 1
        began_s = time.monotonic()
        try:
            self._daemon = self._connect(resumes=True)
        except MidspanError as error:
            self._end(str(error))
        with self._replay_lock:
            bodies = self._replay_log.replay()
        _send(self._daemon, bodies)
        took_ms = 1000 * (time.monotonic() - began_s)
        count = self._replay_log.document_count
        self._write_log(f"The daemon had ended; a new one has opened {count} documents in {took_ms:.0f} ms")
        self._turn.notify_all()

    def _write(self, bodies: Iterable[bytes]) -> None:
        try:
            with self._stdout_lock:
                for body in bodies:
                    self._stdout.write(frame(body))
                self._stdout.flush()
        except OSError:
            os._exit(1)  # the editor has died, and the other thread still waits for its stdin

    def _write_log(self, line: str) -> None:
        with suppress(OSError):  # the session goes on without its log
            print(line, file=self._log, flush=True)

    def _end(self, reason: str) -> None:
        """End the process, since no daemon starts. The main thread cannot return while it waits for the editor."""
        if not self._ending.is_set():
            print(f"midspan: {reason}", file=sys.stderr, flush=True)
        os._exit(1)


def _send(daemon: socket.socket, bodies: Iterable[bytes]) -> None:
    try:
        for body in bodies:
            daemon.sendall(frame(body))
    except OSError:
        return  # the thread that reads the daemon sees the error too, and resumes


def _half_close(daemon: socket.socket) -> None:
    try:
        daemon.shutdown(socket.SHUT_WR)
    except OSError:
        return
