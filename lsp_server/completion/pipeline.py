"""The pipeline of a completion: build the prompt, generate, clean the text, weigh the confidence.

A keystroke, look-ahead, `midspan complete` and the actions that fill a hole all go this way.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from context.documents.snapshot import Snapshot
from context.secrets.cursor import is_in_secret
from context.secrets.masking import Masked, find_placeholders, mask_document
from inference.api import Engine, Request
from lsp_server.completion.build_request import PromptSource, build_quick_request, build_request
from lsp_server.completion.confidence.confidence_table import UNCALIBRATED, ConfidenceTable
from lsp_server.completion.confidence.sure_beginning import sure_beginning
from lsp_server.completion.outputs.candidates import generate_one, read_prompt, surest_first
from lsp_server.completion.outputs.known_lines import likeliest_line
from lsp_server.completion.postprocess import Cleaned, postprocess
from lsp_server.server.generate import Generated
from lsp_server.settings.values import CompletionSettings, Eagerness
from lsp_server.telemetry.outcome import Outcome
from lsp_server.telemetry.record import Record
from midspan import ModelError

Generate = Callable[[Engine, Request, Snapshot], Awaitable[list[Generated]]]
Clean = Callable[[Generated, Snapshot], Cleaned]

_LOW_CONFIDENCE = 0.5  # of a whole fill that somebody has asked for


def clean_output(generated: Generated, snapshot: Snapshot) -> Cleaned:
    """Clean an output by the rules of completions."""
    return postprocess(generated.text, snapshot, generated.finish_reason)


@dataclass(frozen=True)
class FillJob:
    """A hole at the cursor of the snapshot, which the completion model is to fill.

    `may_submit` is asked when the prompt is built: by then the engine may have been unloaded.
    """

    snapshot: Snapshot
    source: PromptSource
    settings: CompletionSettings
    max_lines: int | None
    is_ahead: bool = False  # nobody waits for it yet
    is_quick: bool = False  # from the text at the cursor alone
    may_move_suffix: bool = False
    table: ConfidenceTable = UNCALIBRATED
    eagerness: Eagerness = "medium"
    generate: Generate = generate_one
    clean: Clean = clean_output
    may_submit: Callable[[], bool] = lambda: True

    @property
    def weighs_known_lines(self) -> bool:
        """True where lines of the user's code are scored beside what the model writes."""
        return self.settings.scores_known_lines and self.generate is not read_prompt


@dataclass(frozen=True)
class Filled:
    """`candidates` are the cleaned texts, the surest first, or one without text whose outcome says why.

    `greedy` is the output without sampling; the confidence is that of this one. `unasked` is the part of its text that
    is likely enough right to be shown while somebody types. `shown_tokens` are those of its tokens that are shown.
    """

    candidates: tuple[Cleaned, ...]
    greedy: Generated
    unasked: str = ""
    is_quick: bool = False  # the output comes from a quick prompt
    shown_tokens: int = 0

    @property
    def texts(self) -> list[str]:
        """The candidates that have a text."""
        return [candidate.text for candidate in self.candidates if candidate.text]

    @property
    def has_low_confidence(self) -> bool:
        """True where the model doubts the text as a whole. A server says no confidence, and is trusted."""
        trace = self.greedy.trace
        return trace is not None and trace.confidence is not None and trace.confidence < _LOW_CONFIDENCE


async def fill(engine: Engine, job: FillJob, record: Record, executor: Executor | None = None) -> Filled:
    """Fill the hole, and note in the record what each stage did. The prompt is built on a thread of the executor.

    The model sees placeholders for secrets, and its text is cleaned against a document that has them; the candidates
    have the secrets of this document again. In a secret, the engine is not asked.

    Raises MidspanError: the document is kept out of prompts, the model has no FIM, or generating failed.
    """
    record.model = engine.info.name
    document, cursor = job.snapshot.document, job.snapshot.cursor
    arguments = (engine, job.snapshot, job.max_lines, job.settings, job.source)
    loop = asyncio.get_running_loop()
    masked = await loop.run_in_executor(executor, mask_document, document)
    if is_in_secret(masked, document, cursor):
        return Filled((Cleaned("", Outcome.IN_SECRET),), Generated("", "eos", None))
    build = build_quick_request if job.is_quick else build_request
    packed, request = await loop.run_in_executor(executor, build, *arguments)
    record.packed = packed
    record.masks(packed.masked)
    record.mark("pack")
    if not job.may_submit():
        raise ModelError("The model was unloaded. Ask again.")
    seen = replace(job.snapshot, document=masked.document)
    request = replace(request, background=job.is_ahead, is_ahead=job.is_ahead, may_move_suffix=job.may_move_suffix)
    outputs = await job.generate(engine, request, seen)
    if job.weighs_known_lines:
        outputs[0] = await likeliest_line(engine, request, outputs[0])
    record.mark("engine")
    greedy = outputs[0]
    record.trace, record.ended = greedy.trace, greedy.finish_reason
    cleaned = [_with_secrets(job.clean(output, seen), masked) for output in outputs]
    candidates = surest_first(outputs, cleaned)
    is_quick = job.is_quick or (greedy.trace is not None and greedy.trace.is_quick)
    if is_quick:
        record.source = "quick"
    if greedy.source is not None:
        record.source = "workspace_line" if greedy.source == "lines" else "document_line"
    unasked = _unasked(job, greedy, cleaned[0].text)
    shown = unasked if not record.explicit else cleaned[0].text if cleaned[0] in candidates else ""
    record.text_tokens, record.kept_tokens = len(greedy.pieces), _tokens_within(greedy, shown)
    record.mark("post")
    return Filled(tuple(candidates), greedy, unasked, is_quick, record.kept_tokens)


def _unasked(job: FillJob, output: Generated, text: str) -> str:
    """Return the part of a cleaned text to show unasked. A server tells no probabilities, and is trusted."""
    if not text or output.trace is None or not output.trace.written:
        return text
    return sure_beginning(text, output.text, output.trace.written, job.snapshot, job.table, job.eagerness)


def _tokens_within(output: Generated, text: str) -> int:
    """Count the tokens that begin within as many characters as the text has."""
    begins_at = itertools.accumulate(map(len, output.pieces), initial=0)
    return sum(begin < len(text) for begin, _ in zip(begins_at, output.pieces, strict=False))


def _with_secrets(cleaned: Cleaned, masked: Masked) -> Cleaned:
    """Put the document's secrets back; a text with the placeholder of another file's secret is not shown."""
    text = masked.restore(cleaned.text)
    return Cleaned("", Outcome.MASKED_SECRET) if find_placeholders(text) else replace(cleaned, text=text)
