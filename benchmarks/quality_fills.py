"""Asks the engine for the middle of a task: with the paper's plain prompt, and on a user's way."""

import asyncio
from dataclasses import dataclass

from benchmarks.quality_tasks import Task
from context.document import Document
from context.snapshot import Snapshot
from inference.engine import Engine
from inference.request import Request
from lsp_server.fill import build_request
from lsp_server.generate import generate
from lsp_server.postprocess import postprocess
from lsp_server.settings import Settings

# The longest line of a solution has 59 tokens in DeepSeek's vocabulary.
MOST_LINE_TOKENS = 96
ONE_LINE = 1


@dataclass(frozen=True)
class Fill:
    """One line without its end, and why the engine stopped there."""

    line: str
    finish_reason: str


def plain_request(engine: Engine, task: Task) -> Request:
    """The paper's: the text before the hole, the text after it, nothing else. Raises ModelError without FIM."""
    prompt = engine.fim_prompt("", task.prompt, task.suffix)
    return Request(prompt, MOST_LINE_TOKENS, ONE_LINE)


def snapshot_of(task: Task) -> Snapshot:
    """The program in an editor, the cursor on an empty line where the hole is."""
    text = f"{task.prompt}\n{task.suffix}"
    return Snapshot(Document(f"{task.entry_point}.py", text, "python", version=0), len(task.prompt))


def user_request(engine: Engine, task: Task) -> Request:
    """What the server would ask for. Raises ModelError without FIM."""
    _, request = build_request(engine, snapshot_of(task), ONE_LINE, Settings(max_tokens=MOST_LINE_TOKENS))
    return request


def ask(engine: Engine, request: Request) -> Fill:
    """The greedy answer, at most one line. Raises MidspanError."""
    generated = asyncio.run(generate(engine, request))
    return Fill(generated.text.partition("\n")[0], generated.finish_reason)


def shown(task: Task, fill: Fill) -> Fill:
    """What the user would see of it."""
    text = postprocess(fill.line, snapshot_of(task), finished=fill.finish_reason != "length")
    return Fill(text.partition("\n")[0], fill.finish_reason)
