"""A request while a server answers it."""

import asyncio
import logging
import time
from dataclasses import dataclass, field

from inference.api import FinishReason, ForeignPromptError, OnUpdate, Request, Trace, Update
from inference.remote.chunks import Chunk, Usage
from inference.remote.output import Output
from inference.remote.prompt import ChatPrompt, HolePrompt
from inference.remote.token_estimate import estimate_tokens
from midspan import MidspanError, ModelError

log = logging.getLogger(__name__)


@dataclass(eq=False)
class LiveRequest:
    """A request, its output so far and its counts. Remote engine's thread only, after `submit`."""

    request: Request
    on_update: OnUpdate
    task: "asyncio.Task[FinishReason] | None" = None
    _submitted_s: float = field(default_factory=time.perf_counter)
    _first_text_s: float | None = None
    _text: list[str] = field(default_factory=list)
    _usage: Usage | None = None
    _pieces: int = 0
    _estimated_tokens: int = 0

    def __post_init__(self) -> None:
        prompt = self.request.prompt
        if not isinstance(prompt, HolePrompt | ChatPrompt):
            raise ForeignPromptError
        self.prompt = prompt
        self.prompt_tokens = prompt.num_tokens
        self._output = Output(self.request.max_lines, fills=isinstance(prompt, HolePrompt))

    def take(self, chunk: Chunk) -> FinishReason | None:
        """Hand out a chunk's text; return the reason when the output ends there."""
        self._usage = chunk.usage or self._usage
        text, reason = self._output.push(chunk.text)
        self._emit_text(text)
        if reason is None and text and self._is_over(text):
            reason = "over"
        return reason or self._beyond_the_limit(chunk.text)

    def stop(self) -> None:
        """End the request now, whatever it is waiting for."""
        if self.task is not None:
            self.task.cancel()

    def finish(self, task: "asyncio.Task[FinishReason]") -> None:
        """Hand out the last update, once the request's task has ended in whatever way."""
        if task.cancelled():
            self._emit(Update("", "cancelled", self._trace()))
        elif (error := task.exception()) is not None:
            if not isinstance(error, MidspanError):
                log.error("a request to a server failed", exc_info=error)
                error = ModelError(f"The request to the server failed: {type(error).__name__}. The log says where")
            self._emit(Update("", "error", self._trace(), error))
        else:
            reason = task.result()
            if reason in ("eos", "length"):
                self._emit_text(self._output.finish())
            self._emit(Update("", reason, self._trace()))

    def _is_over(self, piece: str) -> bool:
        if self.request.is_over is None:
            return False
        text = "".join(self._text)
        return self.request.is_over(text, len(text) - len(piece))

    def _beyond_the_limit(self, piece: str) -> FinishReason | None:
        """End the output of a server that ignores `max_tokens`. A piece is at least one token."""
        if piece:
            self._pieces += 1
            self._estimated_tokens += estimate_tokens(piece)
        written_tokens = min(self._pieces, self._estimated_tokens)
        return "length" if written_tokens > self.request.max_new_tokens else None

    def _emit_text(self, text: str) -> None:
        if text:
            self._first_text_s = self._first_text_s or time.perf_counter()
            self._text.append(text)
            self._emit(Update(text))

    def _emit(self, update: Update) -> None:
        """Hand out an update. A receiver that fails loses its request and does not harm the engine."""
        try:
            self.on_update(update)
        except Exception:
            log.exception("the receiver of an update failed; its request is cancelled")
            self.stop()

    def _trace(self) -> Trace:
        usage = self._usage or Usage(self.prompt_tokens, 0, estimate_tokens("".join(self._text)))
        return Trace(
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            prefilled_tokens=usage.prompt_tokens - usage.cached_tokens,
            decode_tokens=usage.output_tokens,
            ttft_ms=self._ms_since_submit(self._first_text_s) if self._first_text_s else None,
            total_ms=self._ms_since_submit(time.perf_counter()),
            counts="reported" if self._usage else "estimated",
        )

    def _ms_since_submit(self, moment_s: float) -> float:
        return (moment_s - self._submitted_s) * 1000
