"""The door of every engine: what goes in, what comes out, and what may be asked. It imports no module of ours."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True)
class ContextFile:
    """A part of another file. `title` is the comment with its path, for families without separators."""

    path: str
    text: str
    title: str = ""


@dataclass(frozen=True)
class Repository:
    """Where the hole is, for models that were trained on files behind separators instead of path comments."""

    path: str  # of the file with the hole
    files: tuple[ContextFile, ...]
    prefix: str  # of the hole, without a path comment


FIM_PROMPT_OVERHEAD_TOKENS = 4  # BOS, begin, hole, end

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


@dataclass(frozen=True)
class EngineSettings:
    model: Path | None = None  # None: the built-in one
    cache_bytes: int | None = None  # None: from the machine's memory
    # A cancel is seen after one chunk at the latest.
    chunk_tokens: int = 256
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    # How weight matrices are kept; auto: as wide as the machine's memory allows.
    quant: Literal["auto", "none", "int8", "int4"] = "auto"
    threads: int | None = None  # the most that a step may use; None: torch's own choice


@dataclass(frozen=True)
class ModelInfo:
    name: str
    folder: Path | None  # None: the model is a server's
    family: str
    fim_orders: tuple[str, ...]
    context_tokens: int


@dataclass(frozen=True)
class EngineStats:
    """A moment's counts, for people: they are read while the engine runs."""

    live_requests: int
    waiting_requests: int
    pages_total: int
    pages_free: int
    pages_cached: int
    # Where the model runs, in what type, and how its weight matrices are kept; None until it is loaded.
    device: str | None = None
    dtype: str | None = None
    quant: str | None = None
    weights_bytes: int = 0  # of the files that are mapped or read
    cache_bytes: int = 0  # of all pages, which the system commits as they are written


class RunningRequest(Protocol):
    """One submitted request."""

    def cancel(self) -> None:
        """End it soon; its last update says "cancelled". Any thread, any number of times."""


class Engine(Protocol):
    """A model that answers requests, until `close`. Its methods may be called from any thread."""

    @property
    def info(self) -> ModelInfo:
        """What is known of the model by now: a remote engine learns more when it first reaches the server."""

    @property
    def ready(self) -> "Future[None]":
        """Done when requests can be answered, or with the error that refuses them all."""

    def count_tokens(self, text: str) -> int:
        """How many of the model's tokens a text is, or rather too many where only its server knows."""

    def fim_prompt(
        self, context: str, prefix: str, suffix: str, repository: Repository | None = None
    ) -> tuple[int, ...]:
        """The prompt for the hole between `prefix` and `suffix`, after the text of other files in `context`.

        `repository` says the same as `context` and `prefix`, for families that keep files apart by separators.
        Raises ModelError when the model was not trained to fill a hole.
        """

    def begun_word(self, prefix: str) -> str:
        """For `Request.begins_with`: what at the end of `prefix` is to be left out of the prompt, because its tokens
        may be other ones when the word is finished. Empty where only a server decodes.
        """

    def chat_prompt(self, messages: Sequence[Message], files: Sequence[ContextFile] = ()) -> tuple[int, ...]:
        """The prompt for the assistant's next answer; `files` are of the repository, before the conversation.

        Raises ModelError when the model was not trained to chat.
        """

    def draft(self, text: str) -> tuple[int, ...]:
        """For `Request.draft_tokens`: a text that the output probably repeats. Empty where only a server decodes."""

    def submit(self, request: Request, on_update: OnUpdate) -> RunningRequest:
        """Queue a request. `on_update` is called on the engine's thread and must not block it.

        The last update has a finish reason; errors of this request arrive there too.
        """

    def stats(self) -> EngineStats:
        """A moment's counts, for people."""

    def close(self) -> None:
        """Cancel what runs and end the engine's thread."""
