"""Drafts by a small model (Leviathan et al., arXiv:2211.17192) whose tokens are other ones than the large model's.

Text goes between the two: the small model continues what the large one has read and written, and the large one's
tokenizer makes tokens of that.
"""

import logging
import math
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Protocol

from inference.drafting.chain import Expected, MayCome, any_may_come
from inference.prompts.tokenizer import Tokenizer

log = logging.getLogger(__name__)

# The text before the hole begins at a line behind a multiple of these tokens, so that it stays the same while a user
# types and the small model reads only what is new.
_BEFORE_TOKENS, _STEP_TOKENS = 192, 128
_SUFFIX_TOKENS = 48
_MOST_PIECES = 8
_LEAST_LOGPROB = math.log(0.25)  # of all pieces together: a further piece is seldom right
_PROBABILITIES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)  # of a token, between the grades
_MOST_SHARE = 0.25  # of a step's time, that asking takes
_MS_WEIGHT = 0.1  # of the newest question
_FADING = 0.99  # at each question that is not asked


class SmallModel(Protocol):
    """A model that continues text, on the thread that asks."""

    def go_on(self, before: str, written: str, suffix: str) -> Iterator[tuple[str, float]]:
        """Yield the pieces of text that follow `written` in the hole behind `before`, with their log-probabilities.

        A piece is computed when it is asked for.
        """


class Continuations:
    """Asks the small model for an engine whose own model is larger. Engine thread only."""

    def __init__(self, model: SmallModel, tokenizer: Tokenizer) -> None:
        """`tokenizer` is the large model's."""
        self.model = model
        self.tokenizer = tokenizer
        self._ms = 0.0  # of a question
        self._has_failed = False

    def pays(self, step_ms: float) -> bool:
        """Return whether a question takes little of the time of a step of one row; `step_ms` is 0 until it is known."""
        if self._has_failed or (step_ms and self._ms > _MOST_SHARE * step_ms):
            self._ms *= _FADING  # so that it is asked again some time: the last questions may have been of new texts
            return False
        return True

    def fail(self) -> None:
        """Never ask again."""
        log.exception("the built-in model has failed and drafts no more")
        self._has_failed = True

    def ask(self, before: str, written: str, suffix: str) -> list[tuple[str, float]]:
        """Return the small model's next pieces, up to the end of a line."""
        began_s = time.thread_time()
        pieces: list[tuple[str, float]] = []
        for piece, logprob in self.model.go_on(before, written, suffix):
            pieces.append((piece, logprob))
            is_unlikely = sum(logprob for _, logprob in pieces) < _LEAST_LOGPROB
            if "\n" in piece or is_unlikely or len(pieces) == _MOST_PIECES:
                break
        self._ms += _MS_WEIGHT * (1000 * (time.thread_time() - began_s) - self._ms)
        return pieces


class Continuation:
    """Expects what the small model writes in the hole of one prompt."""

    def __init__(self, asked: Continuations, before: Sequence[int], suffix: Sequence[int], begun: str) -> None:
        """`before` and `suffix` are the tokens around the hole, without the begun word that the output begins with."""
        self._asked = asked
        begin = max(0, len(before) - _BEFORE_TOKENS) // _STEP_TOKENS * _STEP_TOKENS
        self._before, self._suffix = before[begin:], suffix[:_SUFFIX_TOKENS]
        self._is_cut = begin > 0
        self._begun = begun
        self._output: list[int] = []

    def pays(self, step_ms: float) -> bool:
        """Return whether a question takes little of the time of a step of one row."""
        return self._asked.pays(step_ms)

    def push(self, token: int) -> None:
        """Follow the output by one token."""
        self._output.append(token)

    def expect(self, may_come: MayCome = any_may_come) -> Iterator[Expected]:
        """Yield the tokens of what the small model writes next, up to the end of a line; none when it fails."""
        try:
            expected = self._ask()
        except Exception:  # as for lack of memory: the output needs no draft
            self._asked.fail()
            return
        if expected and may_come(expected[0].token):
            yield from expected

    def _ask(self) -> list[Expected]:
        decode = self._asked.tokenizer.decode
        written = decode(self._output)
        text = written if len(written) >= len(self._begun) else self._begun
        if "\N{REPLACEMENT CHARACTER}" in (written[-1:], text[-1:]):  # an unfinished character
            return []
        pieces: list[tuple[int, float]] = []  # the byte at which each begins, and its log-probability
        for piece, logprob in self._asked.ask(self._text_before(), text, decode(self._suffix)):
            pieces.append((len(text.encode()), logprob))
            text += piece
        return list(self._in_tokens(text.encode(), len(written.encode()), pieces)) if pieces else []

    def _text_before(self) -> str:
        """Return the text of the hole's own file, from the beginning of a line where one is near."""
        tokenizer = self._asked.tokenizer
        controls = tokenizer.sentinels.all
        file_at = next((at for at in range(len(self._before), 0, -1) if self._before[at - 1] in controls), 0)
        text = tokenizer.decode(self._before[file_at:])
        if not self._is_cut or file_at:
            return text
        return text[text.find("\n", 0, len(tokenizer.decode(self._before[:_STEP_TOKENS]))) + 1 :]

    def _in_tokens(self, text: bytes, at: int, pieces: list[tuple[int, float]]) -> Iterator[Expected]:
        """Yield the tokens of the text from `at` on, each as likely as the pieces that begin in it are together."""
        for token in self._asked.tokenizer.encode(text[at:].decode()):
            at += len(self._asked.tokenizer.token_bytes(token))
            probability = 1.0
            while pieces and pieces[0][0] < at:
                probability *= math.exp(pieces.pop(0)[1])
            yield Expected(token, "builtin", (bisect_right(_PROBABILITIES, probability),), 0.8 * probability)
