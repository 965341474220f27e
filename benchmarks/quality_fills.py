"""Asks the engine for one line, and shows what a user would see of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.quality_results import Result, ResultFile, digest_prompt
from context.snapshot import Snapshot
from inference.engine import Engine
from inference.request import Request
from lsp_server.fill import build_request
from lsp_server.generate import generate
from lsp_server.postprocess import postprocess
from lsp_server.settings import ModelSettings

# The longest line of HumanEval's solutions has 59 tokens in DeepSeek's vocabulary.
MOST_LINE_TOKENS = 96
ONE_LINE = 1


@dataclass(frozen=True)
class Fill:
    """One line without its end, and why the engine stopped there."""

    line: str
    finish_reason: str


def plain_request(engine: Engine, prefix: str, suffix: str) -> Request:
    """The paper's: the text before the hole, the text after it, nothing else. Raises ModelError without FIM."""
    return Request(engine.fim_prompt("", prefix, suffix), MOST_LINE_TOKENS, ONE_LINE)


def user_request(engine: Engine, snapshot: Snapshot) -> Request:
    """What the server would ask for. Raises ModelError without FIM."""
    _, request = build_request(engine, snapshot, ONE_LINE, ModelSettings(max_tokens=MOST_LINE_TOKENS))
    return request


def ask(engine: Engine, request: Request) -> Fill:
    """The greedy answer, at most one line. Raises MidspanError."""
    generated = asyncio.run(generate(engine, request))
    return Fill(generated.text.partition("\n")[0], generated.finish_reason)


def shown(snapshot: Snapshot, fill: Fill) -> Fill:
    """What the user would see of it."""
    text = postprocess(fill.line, snapshot, finished=fill.finish_reason != "length")
    return Fill(text.partition("\n")[0], fill.finish_reason)


@dataclass(frozen=True)
class Question:
    """One case asked in one way. `snapshot` is None where the answer is judged as the model wrote it."""

    case: str
    way: str
    request: Request
    snapshot: Snapshot | None


def answer(engine: Engine, question: Question, kept: ResultFile, judge: Callable[[Fill], dict[str, float]]) -> Result:
    """From the file of results, or from the engine and the judge. Raises MidspanError."""
    prompt = digest_prompt(question.request.prompt_tokens)
    if known := kept.find(question.case, question.way, prompt):
        return known
    fill = ask(engine, question.request)
    if question.snapshot is not None:
        fill = shown(question.snapshot, fill)
    result = Result(question.case, question.way, prompt, fill.line, fill.finish_reason, judge(fill))
    kept.add(result)
    return result
