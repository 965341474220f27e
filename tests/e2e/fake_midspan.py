"""`midspan serve` for the editors' tests: a real relay and a real daemon, with an engine whose answers are known.

Arguments: a log file, for the session's log.
"""

import sys
import time
from pathlib import Path

from inference.api import OnUpdate, Request, Update
from lsp_server.daemon.daemon_process import run_daemon
from lsp_server.server.engines import IdleTimes
from lsp_server.settings.values import ModelSettings
from tests.fake_engine import FakeEngine, FakeGeneration, read_prompt
from tests.lsp_server.fake_relay import run_relay

_NEVER_S = 1e6
_STEP_S = 0.05

WORD = "wonderful world"
BODY = "size = width * height\n    return size\n"
EXPLANATION = "It adds **two numbers**:\n\n```python\ndef add(a, b):\n    return a + b + 0\n```\n\nThat is all."
ADD = "def add(a, b):\n    return a + b\n"
SUBTRACT = "def add(a, b):\n    return a - b\n"
THERE = "from sums import add\n\n\ndef test_there():\n    assert add(0, 0) == 0\n"
NEW_TEST = "def test_add():\n    assert add(1, 2) == 3\n"
MARKUP = "<img src=x onerror='window.owned = 1'><script>window.owned = 1</script> ![a](https://e.example/a.png) is over"


def answer(before: str, _after: str) -> str:
    """Return the text that the fake engine writes."""
    if "user: " in before:
        return _chat_answer(before)
    line = before.rpartition("\n")[2]
    if line.startswith("count"):
        return f"<{len(line)}>"  # the answer names the text that it is for, so a stale one is noticed
    if before.endswith("def area(width, height):\n    "):
        return BODY
    if before.endswith("def unknown(width, height):\n    "):
        return ""
    if before.endswith("except "):
        return "ValueError:\n"
    if before.endswith("except ValueError:\n        "):
        return "return None\n"
    return WORD


def _chat_answer(prompt: str) -> str:
    question = prompt.rpartition("user: ")[2]
    if "endless" in question:
        return "never " * 100_000
    if "Write unit tests" in question:
        return f"```python\n{THERE}\n\n{NEW_TEST}```"
    if "subtract" in question:
        return f"```python\n{SUBTRACT}```"
    if "the same" in question:
        return f"```python\n{ADD}```"
    if "markup" in question:
        return MARKUP
    return EXPLANATION


class SlowEngine(FakeEngine):
    """An engine that writes an endless answer slowly, so that a user can stop it."""

    def submit(self, request: Request, on_update: OnUpdate) -> FakeGeneration:
        before, _after = read_prompt(request)

        def tell(update: Update) -> None:
            if "endless" in before:
                time.sleep(_STEP_S)
            on_update(update)

        return super().submit(request, tell)


def _start(_settings: ModelSettings) -> FakeEngine:
    return SlowEngine(answer)


if __name__ == "__main__":
    if sys.argv[1] == "--daemon":
        run_daemon(_start, IdleTimes(_NEVER_S, _NEVER_S))
    run_relay(__file__, log_file=Path(sys.argv[1]))
