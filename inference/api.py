"""The interface of every engine: prompts, requests, updates, statistics. Of ours, it imports only the errors."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

from midspan import ModelError, SettingsError

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """A turn of a chat."""

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
    """The files around a hole, for models that were trained on files behind separators instead of path comments."""

    path: str  # of the file with the hole
    files: tuple[ContextFile, ...]
    prefix: str  # of the hole, without a path comment


# The origin of a drafted token: the text that is edited; the prompt and the output so far; the documents around the
# prompt's part of them; lines of the repository; lines of the document with the names of the hole; what the model wrote
# here before; the first lines behind the hole; what the built-in model writes here.
DraftSource = Literal["edit", "prompt", "document", "lines", "renamed", "prediction", "suffix", "builtin"]


@dataclass(frozen=True)
class Draft:
    """A text that a greedy output may repeat, in tokens of the engine.

    The output may begin with a draft of "lines", "renamed" or "prediction". Any part of a "document" may come anywhere,
    and a draft of "edit" is followed through the changes.
    """

    source: DraftSource
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class DraftUse:
    """The tokens that were drafted from a source, and those of them that were right."""

    source: DraftSource
    drafted_tokens: int
    accepted_tokens: int


FIM_PROMPT_OVERHEAD_TOKENS = 4  # BOS, begin, hole, end

# "over": `Request.is_over` has said so.
FinishReason = Literal["eos", "fim", "lines", "length", "over", "cancelled", "error"]

# Tells by the output so far, and by the offset at which its newest piece begins, that nothing after it would be used.
IsOver = Callable[[str, int], bool]


class Prompt(Protocol):
    """A complete prompt, which an engine made for requests to itself. Only an engine of its kind can read it.

    Prompts can be compared and hashed: equal prompts ask the same.
    """

    @property
    def num_tokens(self) -> int:
        """The length in the model's tokens: exact, or an estimate on the high side where only a server has them."""

    @property
    def identity(self) -> str:
        """A text that only equal prompts have, the same in every process."""


class ForeignPromptError(ModelError):
    """A request reached an engine that did not make its prompt."""

    def __init__(self) -> None:
        super().__init__("The model was changed after the prompt had been made for the one before. Ask again")


@dataclass(frozen=True)
class Sampling:
    """The rule that chooses a token from the logits. Temperature 0 is greedy and ignores the other fields."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class KeptPages:
    """The folder on the disk that may keep the computed pages of a prompt, to be read again after a restart.

    `folder` is two folders below `root`, which holds `most_bytes` at most in all its folders. The folder is made by
    who asks; when it is removed, no request writes there any more.
    """

    root: Path
    folder: Path
    most_bytes: int


@dataclass(frozen=True)
class Request:
    """The input of a generation. `prompt` comes from `fim_prompt` or `chat_prompt` of the same engine."""

    prompt: Prompt
    max_new_tokens: int
    # Generation ends before the newline that would begin line `max_lines + 1`; None is no limit.
    max_lines: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    # Texts that a greedy output may repeat, from `draft` of the same engine. They make the output faster and leave it
    # the same.
    drafts: tuple[Draft, ...] = ()
    # A begun word that the prompt leaves out, from `begun_word` of the same engine. The output has to begin with this
    # word; updates and counts of tokens leave the word out.
    begins_with: str = ""
    # A background request gives way to the others, for which a user waits while typing.
    background: bool = False
    # Generation ends when this returns True. The engine's thread calls it after each piece of text, and the next step
    # waits for it: it has to be pure and quick, and takes no lock.
    is_over: IsOver | None = field(default=None, compare=False)
    # Allows an approximation: an earlier request's suffix is moved instead of computed. `Trace.moved_tokens` says so.
    may_move_suffix: bool = False
    kept_pages: KeptPages | None = None  # None: nothing of the prompt goes to the disk
    # Nobody waits for it yet, and perhaps nobody ever will: its steps take one core.
    is_ahead: bool = False
    # Told on the engine's thread how many tokens of the prompt are left to be computed; a server tells nothing.
    on_read: Callable[[int], None] | None = field(default=None, compare=False)
    # A shorter prompt for the same output, which is read instead where much of `prompt` would have to be computed.
    quick_prompt: Prompt | None = None
    least_logprob: float | None = None  # generation ends ("over") once the output's log-probability is below
    given: tuple[int, ...] = ()  # the output, to be scored: how likely are these tokens, and a line end behind them?
    may_copy: bool = False  # what prompt and drafts say of the next token is mixed in, where `ModelInfo.copies`
    stands_alone: bool = False  # prompt and drafts show nothing but the hole's own document


@dataclass(frozen=True)
class Trace:
    """The cost of one request. Times count from `submit`.

    `counts` is the source of the token counts: the model's own tokenizer, a server's report, or an estimate. A server
    reports nothing about an answer that was cut at a line or cancelled, and some servers never do.
    """

    prompt_tokens: int
    cached_tokens: int
    prefilled_tokens: int
    decode_tokens: int
    ttft_ms: float | None  # None: no token was produced
    total_ms: float
    counts: Literal["exact", "reported", "estimated"] = "exact"
    # The geometric mean of the probabilities that the model gave the tokens of its output; None: no token, or unknown.
    confidence: float | None = None
    written: tuple[tuple[int, float], ...] = ()  # these tokens: the characters up to each end, its log-probability
    drafted_tokens: int = 0  # computed speculatively
    accepted_tokens: int = 0  # the drafted tokens that were right
    # Tokens of the suffix that were not computed but moved from an earlier request: 0 where all is exact. And the
    # tokens of the prompt that came or went since these were computed.
    moved_tokens: int = 0
    moved_age_tokens: int = 0
    drafts: tuple[DraftUse, ...] = ()  # the same by source
    # Until the request had its pages: the model was loading, or other requests had them. None: never, or unknown.
    queue_ms: float | None = None
    is_quick: bool = False  # the answer comes from the quick prompt, whose tokens these are


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


Dtype = Literal["auto", "float32", "bfloat16"]
QuantSetting = Literal["auto", "none", "int8", "int4"]
CacheDtype = Literal["auto", "int8"]


@dataclass(frozen=True)
class EngineSettings:
    """The settings of an engine that runs in this process. Raises SettingsError for an unknown choice."""

    model: Path | None = None  # None: the built-in one
    cache_bytes: int | None = None  # None: from the machine's memory
    # The tokens of a prompt that one step reads; it shrinks where a layer of it takes long.
    chunk_tokens: int = 256
    dtype: Dtype = "auto"
    # The form of the weight matrices; auto: by what a user waits for, within the machine's memory.
    quant: QuantSetting = "auto"
    # The type of the cached keys and values; auto: that of the model. int8 needs the native step.
    cache_dtype: CacheDtype = "auto"
    # The device of the model: "auto", "cpu", "cuda", "cuda:N" or "mps". The CPU serves where the GPU cannot.
    device: str = "auto"
    threads: int | None = None  # the most that a step may use; None: torch's own choice
    # Called before the files of the model are read, and after. Raises ModelError for files that are not to be used.
    confirm: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        choices = {"dtype": get_args(Dtype), "quant": get_args(QuantSetting), "cache_dtype": get_args(CacheDtype)}
        for name, known in choices.items():
            if (given := getattr(self, name)) not in known:
                raise SettingsError(f"The setting {name!r} must be one of {', '.join(known)}, not {given!r}.")


@dataclass(frozen=True)
class ModelInfo:
    """The description of an engine's model."""

    name: str
    folder: Path | None  # None: the model is a server's
    family: str
    fim_orders: tuple[str, ...]
    context_tokens: int
    copies: bool = False  # it has learned weights for copying


@dataclass(frozen=True)
class EngineStats:
    """Counts of one moment, for people: the engine runs on while they are read."""

    live_requests: int
    waiting_requests: int
    pages_total: int
    pages_free: int
    pages_cached: int
    # The model's device, its type, and the form of its weights, as the setting `quant` names it; None until loaded.
    device: str | None = None
    dtype: str | None = None
    quant: str | None = None
    device_reason: str | None = None  # a line for people: why it is this device
    instruction_set: str | None = None  # of the native step; None: torch computes
    weights_bytes: int = 0  # of the files that are mapped or read
    cache_bytes: int = 0  # of all pages; the system commits a page when the engine first writes to it
    pages_read: int = 0  # from the disk
    cache_dtype: str | None = None  # the type of the values in the pages: that of the model, or int8


class RunningRequest(Protocol):
    """A submitted request."""

    def cancel(self) -> None:
        """End the request soon; its last update says "cancelled". Any thread, any number of times."""


class Engine(Protocol):
    """A model that answers requests, until `close`. Its methods may be called from any thread."""

    @property
    def info(self) -> ModelInfo:
        """The model's description so far: an engine learns more when it has read the folder or reached the server."""

    def describe(self) -> ModelInfo:
        """Return the description that prompts are made by, once a local model's folder is read. Raises ModelError."""

    @property
    def ready(self) -> "Future[None]":
        """Done when requests can be answered, or with the error that refuses them all."""

    @property
    def reading_tokens_per_s(self) -> float | None:
        """The tokens of a prompt that the model reads in a second on this machine; None: a server's, or not known yet.

        It is known after `describe` for a model that has run on this machine, and else when the model is `ready`.
        """

    def count_tokens(self, text: str) -> int:
        """Count the model's tokens in a text, or estimate them on the high side where only a server has them."""

    def fim_prompt(self, context: str, prefix: str, suffix: str, repository: Repository | None = None) -> Prompt:
        """Make the prompt for the hole between `prefix` and `suffix`, after the text of other files in `context`.

        `repository` says the same as `context` and `prefix`, for families that keep files apart by separators.
        Raises ModelError when the model was not trained to fill a hole.
        """

    def begun_word(self, prefix: str) -> str:
        """Return the begun word at the end of `prefix`, which the prompt has to leave out, for `Request.begins_with`.

        The finished word may have other tokens than its beginning. Empty where only a server decodes.
        """

    def chat_prompt(self, messages: Sequence[Message], files: Sequence[ContextFile] = ()) -> Prompt:
        """Make the prompt for the assistant's next answer; `files` of the repository stand before the conversation.

        Raises ModelError when the model was not trained to chat.
        """

    def draft(self, source: DraftSource, text: str) -> Draft:
        """Return a text that the output may repeat, for `Request.drafts`. Without tokens where a server decodes."""

    def submit(self, request: Request, on_update: OnUpdate) -> RunningRequest:
        """Queue a request. `on_update` is called on the engine's thread and must not block it.

        The last update has a finish reason, and the error of a request that failed. Raises CapacityError for a request
        that is too long, ForeignPromptError for a prompt of another engine.
        """

    def stats(self) -> EngineStats:
        """Read the counts of this moment, for people."""

    def close(self) -> None:
        """Cancel what runs and end the engine's thread."""
