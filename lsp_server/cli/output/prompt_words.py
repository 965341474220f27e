"""A packed prompt for the terminal: each segment with its reason, score and tokens."""

from context.prompt.pack import Budget, Pack, Segment
from lsp_server.telemetry.record import secrets_in_words
from midspan.visible_text import visible_source_line

_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def prompt_in_words(packed: Pack, budget: Budget, *, in_color: bool) -> str:
    """The segments in the order of the prompt, the cursor as a block, and a summary as the last line."""
    bold, dim, plain = (_BOLD, _DIM, _PLAIN) if in_color else ("", "", "")
    parts = []
    for segment in packed.segments:
        begin, end = (dim, plain) if segment.kind == "snippet" else ("", "")
        text = "\n".join(map(visible_source_line, segment.text.removesuffix("\n").split("\n")))
        parts += [f"{bold}{_title(segment)}{plain}", f"{begin}{text}{end}"]
        if segment.kind == "prefix":
            parts[-1] += f"{bold}█{plain}"  # the cursor
    summary = f"{packed.tokens} of {budget.total_tokens} tokens in {len(packed.segments)} segments"
    if packed.masked:
        summary += f"; placeholders stand for {secrets_in_words(packed.masked)}"
    parts.append(f"{bold}{summary}{plain}")
    return "\n".join(parts)


def _title(segment: Segment) -> str:
    score = "" if segment.score is None else f", score {segment.score:.2f}"
    return f"── {segment.path}:{segment.first_line + 1} ({segment.why}{score}, {segment.tokens} tokens)"
