"""Questions to the engine about holes, and the answers as a user would see them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

from context.documents.snapshot import Snapshot
from evaluation.results import KeptResults, Result, digest_request
from inference.api import Engine, FinishReason, Request
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.completion.outputs.known_lines import likeliest_line
from lsp_server.completion.postprocess import postprocess
from lsp_server.server.generate import Generated, generate
from lsp_server.settings.values import CompletionSettings

# The longest line of HumanEval's solutions has 59 tokens in DeepSeek's vocabulary.
MOST_TOKENS = 96
ONE_LINE = 1
NO_SOURCE = PromptSource()  # the snapshot alone


@dataclass(frozen=True)
class Fill:
    """The text that is judged, and why the engine stopped there."""

    text: str
    finish_reason: FinishReason


@dataclass(frozen=True)
class Question:
    """A case asked in one way. `snapshot` is None where the answer is judged as the model wrote it.

    At most `max_lines` lines of the answer are judged. `weighs_known_lines`: lines of the user's code are scored beside
    the model's own, as a user may have it.
    """

    case: str
    way: str
    request: Request
    snapshot: Snapshot | None
    max_lines: int | None = ONE_LINE
    weighs_known_lines: bool = False


def plain_request(
    engine: Engine, prefix: str, suffix: str, max_lines: int | None, most_tokens: int = MOST_TOKENS
) -> Request:
    """The request of the paper: only the text before and after the hole. Raises ModelError for a model without FIM."""
    begun = engine.begun_word(prefix)
    prompt = engine.fim_prompt("", prefix.removesuffix(begun), suffix)
    return Request(prompt, most_tokens, max_lines=max_lines, begins_with=begun)


def user_request(
    engine: Engine,
    snapshot: Snapshot,
    settings: CompletionSettings,
    source: PromptSource = NO_SOURCE,
    max_lines: int = ONE_LINE,
    most_tokens: int = MOST_TOKENS,
) -> Request:
    """The request that the server would make with these settings, but for the length of the longest output.

    Raises ModelError for a model without FIM.
    """
    _, request = build_request(engine, snapshot, max_lines, replace(settings, max_tokens=most_tokens), source)
    return request


def generate_fill(engine: Engine, question: Question) -> Fill:
    """The whole greedy answer. Raises MidspanError."""
    generated = asyncio.run(_generate(engine, question))
    return Fill(generated.text, generated.finish_reason)


async def _generate(engine: Engine, question: Question) -> Generated:
    written = await generate(engine, question.request)
    return await likeliest_line(engine, question.request, written) if question.weighs_known_lines else written


def digest_question(question: Question) -> str:
    """The digest of the request and, where lines of the user's code are scored, of these lines."""
    digest = digest_request(question.request)
    if not question.weighs_known_lines:
        return digest
    return sha256(f"{digest} weighs {question.request.drafts}".encode()).hexdigest()[:16]


def judged_part(question: Question, written: Fill) -> Fill:
    """The part of the answer that is judged: as the user would see it, or as it is, up to the question's lines."""
    text = written.text
    if question.snapshot is not None:
        text = postprocess(text, question.snapshot, written.finish_reason).text
    return Fill("\n".join(text.split("\n")[: question.max_lines]), written.finish_reason)


def answer_question(
    engine: Engine, question: Question, kept: KeptResults, judge: Callable[[Fill], dict[str, float]]
) -> Result:
    """The kept result of the question, or a new one from the engine and the judge. Raises MidspanError.

    The model's text is kept beside the scores: where postprocessing changes its judged part, the text is judged again.
    """
    prompt = digest_question(question)
    known = kept.find(question.case, question.way, prompt)
    written = Fill(known.text, known.finish_reason) if known else generate_fill(engine, question)
    fill = judged_part(question, written)
    if known is not None and known.fill == fill.text:
        return known
    result = Result(question.case, question.way, prompt, written.text, fill.text, written.finish_reason, judge(fill))
    kept.add(result)
    return result
