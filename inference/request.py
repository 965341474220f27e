"""What goes into the engine and what comes out of it. No torch here: the edge builds these."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

# "repetition" is never the engine's word: whoever cancelled a request says so of it.
FinishReason = Literal["eos", "fim", "lines", "length", "repetition", "cancelled", "error"]


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen from the logits. Temperature 0 is greedy, and then the rest is unused."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Request:
    """One generation. `prompt_tokens` is what the same engine's `fim_prompt` or `chat_prompt` gave: complete."""

    prompt_tokens: tuple[int, ...]
    max_new_tokens: int
    # Generation ends before the newline that would begin line `max_lines + 1`; None is no limit.
    max_lines: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    # What a greedy output probably repeats, as the same engine's `draft` gave it. The output is the same without.
    draft_tokens: tuple[int, ...] = ()
    # A begun word that was taken back from the prompt, as the same engine's `begun_word` gave it. The output has to
    # begin with it, and is handed out and counted without it.
    begins_with: str = ""
    # It gives way to what is not: somebody types and waits for that, while this is read as it is written.
    background: bool = False


@dataclass(frozen=True)
class Trace:
    """What one request cost. Times count from `submit`.

    `counts` says where the numbers of tokens are from: the model's own tokenizer, a server's report, or an estimate
    for a server that reported none, which is so whenever its answer was cut off at a line or cancelled.
    """

    prompt_tokens: int
    cached_tokens: int
    prefilled_tokens: int
    decode_tokens: int
    ttft_ms: float | None  # None: no token was produced
    total_ms: float
    counts: Literal["exact", "reported", "estimated"] = "exact"
    # The geometric mean of the probabilities that the model gave the tokens it wrote; None: no token, or not known.
    confidence: float | None = None
    drafted_tokens: int = 0  # computed on trial
    accepted_tokens: int = 0  # of them, those that were right
    # Until it had its pages: the model was loaded, or other requests had them. None: it never had, or it is not known.
    queue_ms: float | None = None


@dataclass(frozen=True)
class Update:
    """A piece of output. `text` is new since the last update and never ends within a character.

    The last update of a request has `finish_reason` and `trace`; with "error" it has `error` too.
    """

    text: str
    finish_reason: FinishReason | None = None
    trace: Trace | None = None
    error: Exception | None = None


OnUpdate = Callable[[Update], None]
