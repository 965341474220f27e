"""What one keystroke cost and why nothing was shown: one line of the log."""

import time
from dataclasses import dataclass, field

from context.pack import Pack
from inference.request import Trace


@dataclass
class Record:
    """Filled in along the way of one request. It holds no text of the user's."""

    place: str
    outcome: str = "cancelled"
    packed: Pack | None = None
    trace: Trace | None = None
    _began: float = field(default_factory=time.perf_counter)

    @property
    def elapsed_ms(self) -> float:
        return 1000 * (time.perf_counter() - self._began)

    def line(self) -> str:
        """E.g. ``a.py:3:5 automatic: shown 12 characters; packed 90 tokens from 2 files, ...``"""
        parts = [f"{self.place}: {self.outcome}"]
        if self.packed is not None:
            files = len({segment.path for segment in self.packed.segments})
            parts.append(f"packed {self.packed.tokens} tokens from {files} file{'s'[: files != 1]}")
        if self.trace is not None:
            parts.append(describe(self.trace))
        parts.append(f"{self.elapsed_ms:.1f} ms in all")
        return "; ".join(parts)


def describe(trace: Trace) -> str:
    """What the engine did, in words: tokens reused and prefilled, the first token's ms, tokens per second."""
    first = "no token" if trace.ttft_ms is None else f"first token after {trace.ttft_ms:.1f} ms"
    about = "about " if trace.counts == "estimated" else ""
    text = (
        f"prompt of {about}{trace.prompt_tokens} tokens, {trace.cached_tokens} reused, "
        f"{trace.prefilled_tokens} prefilled; {first}; {about}{trace.decode_tokens} tokens"
    )
    if (rate := tokens_per_second(trace)) is not None:
        text += f", {rate:.1f} tokens/s"
    if trace.drafted_tokens:
        text += f"; {trace.accepted_tokens} of {trace.drafted_tokens} drafted tokens accepted"
    return text if trace.confidence is None else f"{text}; confidence {trace.confidence:.2f}"


def tokens_per_second(trace: Trace) -> float | None:
    """The rate of decoding after the first token; None when there was no second one."""
    if trace.ttft_ms is None or trace.decode_tokens < 2 or trace.total_ms <= trace.ttft_ms:
        return None
    return 1000 * (trace.decode_tokens - 1) / (trace.total_ms - trace.ttft_ms)
