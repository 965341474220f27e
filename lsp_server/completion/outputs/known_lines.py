"""Lines of the user's code, scored by the model beside the line that it has written: the likeliest is the suggestion.

The model writes a token at a time, and where its first token is wrong the rest is. A line that the code has, in the
document with the names of this place or in the workspace, is scored as a whole.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

from inference.api import Draft, DraftSource, Engine, Request, Trace
from lsp_server.server.generate import Generated, generate

# The lines of each source that are scored at most: each is about ten rows of one step.
_MOST_LINES: dict[DraftSource, int] = {"renamed": 3, "lines": 2}


async def likeliest_line(engine: Engine, request: Request, written: Generated) -> Generated:
    """Return what the model has `written` for the request, or the line of the code that it finds likelier.

    Lines are compared to their ends; a line that is longer than the output may be is left out. The line returned has
    the log-probabilities of its own tokens, and the cost of both. Raises the MidspanError that ended a request.
    """
    own = engine.draft("prediction", request.begins_with + written.text.partition("\n")[0])
    most_tokens = request.max_new_tokens - 1  # a line's end is scored too
    known = {draft.tokens: draft for draft in _known_lines(request, most_tokens) if draft.tokens != own.tokens}
    if request.max_lines != 1 or written.trace is None or not known or len(own.tokens) > most_tokens:
        return written
    lines = [draft for draft in (own, *known.values()) if draft.tokens]
    scored = await score_lines(engine, _as_read(request, written.trace), lines)
    found, line = max(zip(scored, lines, strict=True), key=lambda pair: _logprob(pair[0]))
    if line is own or found.trace is None:
        return written
    return replace(found, trace=_joined(written.trace, found.trace), source=line.source)


async def score_lines(engine: Engine, request: Request, lines: Sequence[Draft]) -> list[Generated]:
    """Return the lines as outputs, in their order: `Trace.written` has the log-probability of each token.

    They are submitted together, so that the engine scores them in one batch. Raises the MidspanError that ended one.
    """
    asked = [replace(request, given=line.tokens, max_new_tokens=len(line.tokens) + 1) for line in lines]
    return list(await asyncio.gather(*(generate(engine, one) for one in asked)))


def _known_lines(request: Request, most_tokens: int) -> Iterator[Draft]:
    for source, most in _MOST_LINES.items():
        drafts = [draft for draft in request.drafts if draft.source == source]
        yield from [draft for draft in drafts if 0 < len(draft.tokens) <= most_tokens][:most]


def _as_read(request: Request, trace: Trace) -> Request:
    """Return the request with the prompt that was read, and without what ends an output early."""
    prompt = request.quick_prompt if trace.is_quick and request.quick_prompt is not None else request.prompt
    return replace(request, prompt=prompt, quick_prompt=None, is_over=None, least_logprob=None, on_read=None)


def _logprob(output: Generated) -> float:
    """Return the log-probability of a scored line and its end."""
    return sum(logprob for _, logprob in output.trace.written) if output.trace is not None else -float("inf")


def _joined(written: Trace, scored: Trace) -> Trace:
    """Add the cost of scoring to that of writing; the log-probabilities are those of the scored line."""
    return replace(
        written,
        written=scored.written,
        confidence=scored.confidence,
        decode_tokens=scored.decode_tokens,
        total_ms=written.total_ms + scored.total_ms,
    )
