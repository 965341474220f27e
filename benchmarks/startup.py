"""The wait of an editor for Midspan: for the answer to `initialize`, and for the first completion after the start.

The peer of the relay is the same server in a process of the editor's own (`midspan serve --standalone`), in the same
run; `interpreter_ms` is the start of Python alone.

`--first` measures the first suggestion in a long file instead, of a model that was used before: while no daemon runs,
and in a new file while one does. Its peer is the same with `completion.quick_first` off, in the same run.
"""

import argparse
import inspect
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
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
INVOKED, AUTOMATIC = 1, 2
CUT = "return self._registry_get("  # in the text of argparse
REST_S = 10.0  # for what is computed ahead


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
    def pid(self) -> int:
        """The id of the relay's process."""
        return self._process.pid

    @property
    def ms(self) -> float:
        """The time since the server was started."""
        return 1000 * (perf_counter() - self.began_s)

    def initialize(self, root: str = "file:///project", settings: Mapping[str, Any] | None = None) -> None:
        params = {"processId": None, "rootUri": root, "capabilities": {}, "initializationOptions": settings}
        self.request("initialize", params)
        self.notify("initialized", {})

    def open(self, text: str = SOURCE, uri: str = URI) -> None:
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def complete(self, before: str = SOURCE, uri: str = URI, kind: int = INVOKED) -> Any:
        """Ask for a completion at the end of `before`, the text before the cursor."""
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        params = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": kind}}
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
    """Set a runtime folder of its own, so that the user's daemon is left alone.

    What is started keeps the bytecode of its modules, which an installed Midspan has too.
    """
    folder = tempfile.mkdtemp(prefix="mid")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
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


def long_file(number: int) -> tuple[str, str]:
    """Return a text of 2,600 lines up to the cursor, and the rest. Each number gives a text with words of its own."""
    text = inspect.getsource(argparse)
    before, _, after = text.partition(CUT)
    rest = after.partition("\n")[2]
    words = re.compile(r"\b(_?[a-z]{6,})\b(?! import)")
    before, rest = (words.sub(rf"\g<1>{number}" if number else r"\g<1>", part) for part in (before, rest))
    return before + "return ", "\n" + rest


def suggestion_ms(editor: Editor, number: int) -> float:
    """Open the file of this number, and return the time until the answer to an automatic completion in it."""
    before, rest = long_file(number)
    uri = f"file:///project/file_{number}.py"
    began_s = perf_counter()
    editor.open(before + rest, uri)
    editor.complete(before, uri, AUTOMATIC)
    return 1000 * (perf_counter() - began_s)


def measure_first(runs: int, arguments: list[str]) -> dict[str, float]:
    """Measure the first suggestion, with and without a quick prompt by turns."""
    found: dict[str, list[float]] = {}
    for run in range(runs + 1):
        for name, is_quick in (("", True), ("_whole_prompt", False)):
            editor = Editor(*arguments)
            editor.initialize(settings={"completion": {"quick_first": is_quick}})
            before_ms = editor.ms
            cold_ms = before_ms + suggestion_ms(editor, 2 * run)
            time.sleep(REST_S)
            new_ms = suggestion_ms(editor, 2 * run + 1)
            editor.leave()
            stop_daemon()
            if run:  # the first run may have to make what later ones find
                found.setdefault(f"first_ms{name}", []).append(cold_ms)
                found.setdefault(f"new_file_ms{name}", []).append(new_ms)
    return {name: statistics.median(values) for name, values in found.items()}


def parse_options() -> Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="FOLDER", help="a model folder (default: the built-in model)")
    parser.add_argument("--runs", type=int, default=15, help="measurements of each start")
    parser.add_argument("--first", action="store_true", help="measure the first suggestion in a long file instead")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    arguments = ["--model", options.model] if options.model else []
    with own_runtime_folder():
        measured = (measure_first if options.first else measure)(options.runs, arguments)
        figures = {name: round(value, 1) for name, value in measured.items()}
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:32} {value:>14,.1f}")


if __name__ == "__main__":
    main()
