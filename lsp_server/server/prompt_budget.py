"""The length of a prompt: as many tokens as the engine prefills in the time that a user waits with a cold cache."""

import statistics
from collections import deque

from inference.api import Trace

FIRST_TOKENS = 2048  # before the speed is known
_LEAST_TOKENS, _MOST_TOKENS = 1024, 128 * 1024
_WAIT_SECONDS = 2.0
# A prompt of which nothing is cached is answered from a quick one, of the text at the cursor.
_LEAST_QUICK_TOKENS, _MOST_QUICK_TOKENS = 128, 1024  # a model that reads the most in that time needs no quick prompt
_QUICK_STEP_TOKENS = 64
_QUICK_WAIT_SECONDS = 0.25
_SAMPLES = 9
# A question is asked on purpose, and progress is shown while its prompt is read.
_QUESTION_WAIT_SECONDS = 10.0
_LEAST_QUESTION_TOKENS, _MOST_QUESTION_TOKENS = 1024, 8192  # more distracts a small model, however fast it reads
_MIN_PREFILL_TOKENS = 64  # of fewer, the time is mostly other work
_MARGIN = 1.25  # a budget that swings between two sizes would move the prompt each time


class PromptBudget:
    """The lengths of a whole prompt, a power of two, of a quick one, and of the files that a question is asked with.

    The first two seldom change, so that prompts stay.
    """

    def __init__(self) -> None:
        self.tokens = FIRST_TOKENS
        self.question_tokens = FIRST_TOKENS  # of the files that a question in words is asked with
        self.tokens_a_second: float | None = None  # that are read, as far as that is known
        self.quick_tokens: int | None = None  # None: the speed is not known, or no prompt takes long
        self._tokens_a_second: deque[float] = deque(maxlen=_SAMPLES)

    def start_from(self, tokens_a_second: float | None) -> None:
        """Take the engine's own speed, if it knows one, until requests have told more."""
        if tokens_a_second is not None and not self._tokens_a_second:
            self._fit(tokens_a_second)

    def learn(self, trace: Trace) -> None:
        """Learn the speed from the cost of one request. A server does not tell what it had cached."""
        if trace.counts != "exact" or trace.prefilled_tokens < _MIN_PREFILL_TOKENS or not trace.ttft_ms:
            return
        read_ms = trace.ttft_ms - (trace.queue_ms or 0.0)  # while it waits, perhaps for the model, nothing is read
        self._tokens_a_second.append(1000 * trace.prefilled_tokens / max(read_ms, 0.001))
        self._fit(statistics.median(self._tokens_a_second))

    def _fit(self, tokens_a_second: float) -> None:
        self.tokens_a_second = tokens_a_second
        readable = int(tokens_a_second * _QUESTION_WAIT_SECONDS)
        self.question_tokens = max(_LEAST_QUESTION_TOKENS, min(_MOST_QUESTION_TOKENS, readable))
        affordable = tokens_a_second * _WAIT_SECONDS
        while self.tokens < _MOST_TOKENS and affordable >= 2 * self.tokens * _MARGIN:
            self.tokens *= 2
        while self.tokens > _LEAST_TOKENS and affordable < self.tokens / _MARGIN:
            self.tokens //= 2
        quick = tokens_a_second * _QUICK_WAIT_SECONDS
        if quick >= _MOST_QUICK_TOKENS:
            self.quick_tokens = None
        elif self.quick_tokens is None or not quick / _MARGIN <= self.quick_tokens <= quick * _MARGIN:
            self.quick_tokens = max(_LEAST_QUICK_TOKENS, round(quick / _QUICK_STEP_TOKENS) * _QUICK_STEP_TOKENS)
