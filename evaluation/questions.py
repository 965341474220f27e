"""Asks the engine to fill a hole, and shows what a user would see of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from context.documents.snapshot import Snapshot
from evaluation.results import Result, ResultFile, digest_request
from inference.api import Engine, FinishReason, Request
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.completion.postprocess import postprocess
from lsp_server.server.generate import generate
from lsp_server.settings.values import ModelSettings

# The longest line of HumanEval's solutions has 59 tokens in DeepSeek's vocabulary.
MOST_TOKENS = 96
ONE_LINE = 1
NOTHING_KNOWN = PromptSource()


@dataclass(frozen=True)
class Fill:
    """What is judged, and why the engine stopped there."""

    text: str
    finish_reason: FinishReason


@dataclass(frozen=True)
class Question:
    """One case asked in one way. `snapshot` is None where the answer is judged as the model wrote it.

    Of the answer no more than `max_lines` lines are judged.
    """

    case: str
    way: str
    request: Request
    snapshot: Snapshot | None
    max_lines: int | None = ONE_LINE


def plain_request(engine: Engine, prefix: str, suffix: str) -> Request:
    """The paper's: the text before the hole, the text after it, nothing else. Raises ModelError without FIM.

    The end of the line is part of what is wanted, so that only a second line shows that the model does not stop.
    """
    begun = engine.begun_word(prefix)
    prompt = engine.fim_prompt("", prefix.removesuffix(begun), suffix)
    return Request(prompt, MOST_TOKENS, max_lines=2, begins_with=begun)


def user_request(
    engine: Engine, snapshot: Snapshot, known: PromptSource = NOTHING_KNOWN, max_lines: int = ONE_LINE
) -> Request:
    """What the server would ask for. Raises ModelError without FIM."""
    _, request = build_request(engine, snapshot, max_lines, ModelSettings(max_tokens=MOST_TOKENS), known)
    return request


def ask(engine: Engine, request: Request) -> Fill:
    """The greedy answer, all of it. Raises MidspanError."""
    generated = asyncio.run(generate(engine, request))
    return Fill(generated.text, generated.finish_reason)


def shown(question: Question, written: Fill) -> Fill:
    """What is judged: what the user would see, or the text as it is, up to the question's lines."""
    text = written.text
    if question.snapshot is not None:
        text = postprocess(text, question.snapshot, written.finish_reason).text
    return Fill("\n".join(text.split("\n")[: question.max_lines]), written.finish_reason)


def answer(engine: Engine, question: Question, kept: ResultFile, judge: Callable[[Fill], dict[str, float]]) -> Result:
    """From the file of results, or from the engine and the judge. Raises MidspanError.

    What the model wrote is kept, not only the scores: where the same text is shown otherwise now, it is judged again.
    """
    request = question.request
    prompt = digest_request(request)
    known = kept.find(question.case, question.way, prompt)
    written = Fill(known.text, known.finish_reason) if known else ask(engine, request)
    fill = shown(question, written)
    if known is not None and known.fill == fill.text:
        return known
    result = Result(question.case, question.way, prompt, written.text, fill.text, written.finish_reason, judge(fill))
    kept.add(result)
    return result
