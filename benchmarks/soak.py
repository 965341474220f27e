"""The resident memory of the daemon before its model loads, over 1,000 completions of every length, and after that.

Each completion is of another document, cut from Python's library, with a prompt of 1 to about 2,000 tokens and another
limit of the output, all from a seed. The peer is a process that has imported torch and nothing else. `--results FOLDER`
writes the curve there, as a picture and as JSON.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from benchmarks.startup import Editor, daemon_status, own_runtime_folder
from evaluation.line_chart import Axis, draw_chart
from lsp_server.relay import handshake
from lsp_server.relay.launch import connect

# The model is not in use for this long before it is unloaded. No completion takes so long.
UNLOAD_AFTER_S = 30
DAEMON = f"""
from lsp_server.daemon.daemon_process import run_daemon
from lsp_server.server.engines import IdleTimes
from lsp_server.server.start_engine import start_engine
run_daemon(start_engine, IdleTimes(unload_after_s={UNLOAD_AFTER_S}))
"""
SOURCES = [Path(argparse.__file__).with_name(name) for name in ("argparse.py", "typing.py", "tarfile.py", "ast.py")]
CHARACTERS_PER_TOKEN = 3.2  # of the built-in model, in these sources
MOST_PROMPT_TOKENS = 2000
MOST_OUTPUT_TOKENS = 96
INVOKED = 1
MB = 1e6


class Soak:
    """A session that asks for completions; `traces` are those of the daemon for these."""

    def __init__(self, seed: int, cache_bytes: int | None) -> None:
        self._dice = random.Random(seed)
        self._cache = {} if cache_bytes is None else {"cache_bytes": cache_bytes}
        self._sources = [path.read_text(encoding="utf-8") for path in SOURCES]
        self._editor = Editor()
        self._editor.initialize()
        self._count = 0
        self._last_trace = 0
        self.prompt_tokens: list[int] = []
        self.output_tokens: list[int] = []

    def complete(self) -> None:
        """Open a document, ask for a completion somewhere in it, and close it."""
        self._count += 1
        source = self._dice.choice(self._sources)
        length = round(self._dice.randint(1, MOST_PROMPT_TOKENS) * CHARACTERS_PER_TOKEN)
        start = self._dice.randrange(len(source) - length)
        text = source[start : start + length]
        before = text[: self._dice.randint(0, length)]
        limit = {"max_tokens": self._dice.randint(1, MOST_OUTPUT_TOKENS)} | self._cache
        document = {"uri": f"file:///project/file_{self._count}.py"}
        opened = document | {"languageId": "python", "version": 1, "text": text}
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2].encode("utf-16-le")) // 2}
        params = {"textDocument": document, "position": position, "context": {"triggerKind": INVOKED}}
        self._editor.notify("workspace/didChangeConfiguration", {"settings": {"midspan": {"completion": limit}}})
        self._editor.notify("textDocument/didOpen", {"textDocument": opened})
        self._editor.request("textDocument/inlineCompletion", params)
        self._editor.notify("textDocument/didClose", {"textDocument": document})

    def note_lengths(self) -> None:
        """Take note of the lengths of the prompts and outputs since the last call."""
        traces = self._editor.request("midspan/trace", {"limit": 300})["traces"]
        for trace in traces:
            if trace["id"] > self._last_trace and trace["tokens"]:
                self.prompt_tokens.append(trace["tokens"]["prompt"])
                self.output_tokens.append(trace["tokens"]["decode"])
        self._last_trace = traces[-1]["id"]

    def leave(self) -> None:
        self._editor.leave()


def measure(arguments: Namespace) -> dict[str, Any]:
    with own_runtime_folder():
        connection, status = connect(handshake.request_line("status"), (sys.executable, "-P", "-c", DAEMON))
        connection.close()
        before_load_bytes = status["memory_bytes"]
        soak = Soak(arguments.seed, arguments.cache_bytes)
        curve = []
        for number in range(1, arguments.completions + 1):
            soak.complete()
            if number == 1 or number % arguments.every == 0:
                curve.append((number, daemon_status()["memory_bytes"]))
                soak.note_lengths()
        while daemon_status()["models"]:
            time.sleep(1)
        after_unload_bytes = daemon_status()["memory_bytes"]
        soak.leave()
    torch_bytes = memory_of_torch_bytes()
    return {
        "completions": arguments.completions,
        "before_load_bytes": before_load_bytes,
        "curve_bytes": curve,
        "most_bytes": max(used for _, used in curve),
        "after_unload_bytes": after_unload_bytes,
        "torch_bytes": torch_bytes,
        "after_unload_beyond_torch_bytes": after_unload_bytes - torch_bytes,
        "prompt_tokens": span(soak.prompt_tokens),
        "output_tokens": span(soak.output_tokens),
    }


def span(values: list[int]) -> dict[str, int]:
    return {"least": min(values), "most": max(values), "different": len(set(values))}


def memory_of_torch_bytes() -> int:
    """Return the resident memory of a Python process that has imported torch."""
    program = "import torch, psutil; print(psutil.Process().memory_info().rss)"
    return int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def write_results(figures: dict[str, Any], folder: Path) -> None:
    curve = [(number, used / MB) for number, used in figures["curve_bytes"]]
    top = 100 * (2 + max(round(used) for _, used in curve) // 100)  # with room for the legend
    lines = {
        "the daemon": curve,
        "before the model loads": [(number, figures["before_load_bytes"] / MB) for number, _ in curve],
        "after the model is unloaded": [(number, figures["after_unload_bytes"] / MB) for number, _ in curve],
        "a process with torch alone": [(number, figures["torch_bytes"] / MB) for number, _ in curve],
    }
    last = figures["completions"]
    x = Axis("completions", 0, last, range(0, last + 1, max(1, last // 10)), str)
    y = Axis("resident MB", 0, top, range(0, top + 1, 100), str)
    draw_chart(folder / "soak.png", "Memory over completions of every length", x, y, lines)
    (folder / "soak.json").write_text(json.dumps(figures) + "\n", encoding="utf-8")


def parse_options() -> Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--completions", type=int, default=1000)
    parser.add_argument("--every", type=int, default=50, help="the number of completions between two measurements")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--cache-bytes", type=int, help="what the prefix cache may take (default: Midspan's own)")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="write soak.png and soak.json there")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    figures = measure(options)
    if options.results:
        write_results(figures, options.results)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for number, used in figures.pop("curve_bytes"):
        print(f"after {number:5} completions {used / MB:10,.1f} MB")
    for name, value in figures.items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
