"""The length of a prompt: as many tokens as the engine prefills in the time that a user waits with a cold cache."""

import statistics
from collections import deque

from inference.api import Trace

FIRST_TOKENS = 2048  # before the speed is known
_LEAST_TOKENS, _MOST_TOKENS = 1024, 128 * 1024
_WAIT_SECONDS = 2.0
_SAMPLES = 9
_MIN_PREFILL_TOKENS = 64  # of fewer, the time is mostly other work
_MARGIN = 1.25  # a budget that swings between two sizes would move the prompt each time


class PromptBudget:
    """A power of two, so that the budget is the same from one keystroke to the next."""

    def __init__(self) -> None:
        self.tokens = FIRST_TOKENS
        self._tokens_a_second: deque[float] = deque(maxlen=_SAMPLES)

    def learn(self, trace: Trace) -> None:
        """Learn the speed from the cost of one request. A server does not tell what it had cached."""
        if trace.counts != "exact" or trace.prefilled_tokens < _MIN_PREFILL_TOKENS or not trace.ttft_ms:
            return
        self._tokens_a_second.append(1000 * trace.prefilled_tokens / trace.ttft_ms)
        affordable = statistics.median(self._tokens_a_second) * _WAIT_SECONDS
        while self.tokens < _MOST_TOKENS and affordable >= 2 * self.tokens * _MARGIN:
            self.tokens *= 2
        while self.tokens > _LEAST_TOKENS and affordable < self.tokens / _MARGIN:
            self.tokens //= 2
