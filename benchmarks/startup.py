"""The wait of an editor for Midspan: for the answer to `initialize`, and for the first completion after the start.

The peer of the relay is the same server in a process of the editor's own (`midspan serve --standalone`), in the same
run; `interpreter_ms` is the start of Python alone.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

from lsp_server.relay import handshake
from lsp_server.relay.launch import ask
from lsp_server.rpc.frames import FrameReader, frame

ROOT = Path(__file__).parents[1]
URI = "file:///project/area.py"
SOURCE = "def area(width, height):\n    return "


class Editor:
    """A client that waits for each answer; `began_s` is the time at which its server was started."""

    def __init__(self, *arguments: str) -> None:
        self.began_s = perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lsp_server.cli", "serve", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._frames = FrameReader()
        self._bodies: list[bytes] = []
        self._requests = 0

    @property
    def ms(self) -> float:
        """The time since the server was started."""
        return 1000 * (perf_counter() - self.began_s)

    def initialize(self, root: str = "file:///project", settings: Mapping[str, Any] | None = None) -> None:
        params = {"processId": None, "rootUri": root, "capabilities": {}, "initializationOptions": settings}
        self.request("initialize", params)
        self.notify("initialized", {})

    def open(self) -> None:
        item = {"uri": URI, "languageId": "python", "version": 1, "text": SOURCE}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def complete(self) -> Any:
        position = {"line": 1, "character": len(SOURCE.splitlines()[1])}
        context = {"triggerKind": 1}
        params = {"textDocument": {"uri": URI}, "position": position, "context": context}
        return self.request("textDocument/inlineCompletion", params)

    def leave(self) -> None:
        self.request("shutdown", None)
        self._send({"method": "exit"})
        self._process.wait()

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def kill(self) -> None:
        """End the relay; the daemon runs on."""
        self._process.kill()
        self._process.wait()

    def request(self, method: str, params: Any) -> Any:
        """Return the result, None for an error."""
        return self.answer(method, params).get("result")

    def answer(self, method: str, params: Any) -> dict[str, Any]:
        """Return the whole response. Raises SystemExit when the server has ended."""
        self._requests += 1
        self._send({"id": self._requests, "method": method, "params": params})
        while True:
            message: dict[str, Any] = json.loads(self._receive())
            if message.get("id") == self._requests and "method" not in message:
                return message

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(frame(json.dumps({"jsonrpc": "2.0", **message}).encode()))

    def _receive(self) -> bytes:
        assert self._process.stdout
        while not self._bodies:
            data = self._process.stdout.read(1 << 16)
            if not data:
                raise SystemExit("the server has ended")
            self._bodies += self._frames.feed(data)
        return self._bodies.pop(0)


def initialize_ms(*arguments: str) -> float:
    """The time from the start of the server to its answer to `initialize`."""
    editor = Editor(*arguments)
    editor.initialize()
    took_ms = editor.ms
    editor.leave()
    return took_ms


def first_completion_ms(*arguments: str) -> float:
    """The time from the start of the server to the answer to a completion that is requested at once."""
    editor = Editor(*arguments)
    editor.initialize()
    editor.open()
    editor.complete()
    took_ms = editor.ms
    editor.leave()
    return took_ms


def interpreter_ms() -> float:
    began_s = perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return 1000 * (perf_counter() - began_s)


def recovery_ms(*arguments: str) -> tuple[float, float]:
    """The times from a kill of the daemon to an answer of the next daemon, and to a completion of it."""
    editor = Editor(*arguments)
    editor.initialize()
    editor.open()
    editor.complete()
    daemon = psutil.Process(daemon_status()["pid"])
    began_s = perf_counter()
    daemon.kill()
    while editor.request("midspan/document", {"textDocument": {"uri": URI}}) is None:
        pass  # a request to the dying daemon is answered with an error
    answered_s = perf_counter()
    editor.complete()
    completed_s = perf_counter()
    editor.leave()
    return 1000 * (answered_s - began_s), 1000 * (completed_s - began_s)


def daemon_status() -> dict[str, Any]:
    """Return the status of the daemon."""
    answered = ask(handshake.request_line("status"))
    if answered is None:
        raise SystemExit("there is no daemon")
    answered[0].close()
    return answered[1]


def stop_daemon() -> None:
    if answered := ask(handshake.request_line("stop")):
        answered[0].close()
        psutil.wait_procs([psutil.Process(answered[1]["pid"])])


@contextmanager
def own_runtime_folder() -> Iterator[None]:
    """Set a runtime folder of its own, so that the user's daemon is left alone."""
    folder = tempfile.mkdtemp(prefix="mid")
    os.environ |= {"XDG_RUNTIME_DIR": folder, "XDG_STATE_HOME": folder, "PYTHONPATH": str(ROOT)}
    try:
        yield
    finally:
        stop_daemon()
        shutil.rmtree(folder)


def measure(runs: int, arguments: list[str]) -> dict[str, float]:
    cold, cold_alone, warm_completion = [], [], []
    for _ in range(max(1, runs // 5)):
        cold_alone.append(first_completion_ms("--standalone", *arguments))
        cold.append(first_completion_ms(*arguments))
        warm_completion.append(first_completion_ms(*arguments))
        stop_daemon()
    first_completion_ms(*arguments)  # the daemon is up, and its model loaded
    warm, alone, bare = [], [], []
    for _ in range(runs):
        warm.append(initialize_ms(*arguments))
        alone.append(initialize_ms("--standalone", *arguments))
        bare.append(interpreter_ms())
    memory_bytes = daemon_status()["memory_bytes"]
    answered_ms, completed_ms = recovery_ms(*arguments)
    median = statistics.median
    return {
        "initialize_ms": median(warm),
        "initialize_max_ms": max(warm),
        "initialize_standalone_ms": median(alone),
        "interpreter_ms": median(bare),
        "first_completion_ms": median(cold),
        "first_completion_standalone_ms": median(cold_alone),
        "first_completion_daemon_up_ms": median(warm_completion),
        "answer_after_kill_ms": answered_ms,
        "completion_after_kill_ms": completed_ms,
        "daemon_memory_bytes": memory_bytes,
    }


def parse_options() -> Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="FOLDER", help="a model folder (default: the built-in model)")
    parser.add_argument("--runs", type=int, default=15, help="measurements of each start")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    arguments = ["--model", options.model] if options.model else []
    with own_runtime_folder():
        figures = {name: round(value, 1) for name, value in measure(options.runs, arguments).items()}
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:32} {value:>14,.1f}")


if __name__ == "__main__":
    main()
