"""The built-in model beside a larger one: it continues the text of a hole, for drafts."""

from collections.abc import Iterator

from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.models.batch import Work
from inference.models.begun_word import logit_addends
from inference.native.model import NativeModel
from inference.prompts.prompt import build_fim_prompt
from inference.prompts.text_stream import TextStream
from inference.prompts.tokenizer import Tokenizer

DRAFT_CONTEXT_TOKENS = 1024


class DraftModel:
    """A model with the cache of one text: what the next text has in common with its beginning is not computed again.

    Its steps run on the thread that asks, alone.
    """

    def __init__(self, model: NativeModel, memory: Tensor, tokenizer: Tokenizer, order: str) -> None:
        """`memory` has the pages of DRAFT_CONTEXT_TOKENS; `order` is that of a hole's parts in the prompt."""
        self._model = model.on_one_thread
        self._memory = memory
        self._pages = range(DRAFT_CONTEXT_TOKENS // PAGE_TOKENS)
        self._tokenizer = tokenizer
        self._order = order
        self._computed: list[int] = []

    def go_on(self, before: str, written: str, suffix: str) -> Iterator[tuple[str, float]]:
        """Yield the likeliest pieces of text behind `written` in the hole behind `before`, with how likely each is."""
        text = before + written
        begun = self._tokenizer.begun_word(text)
        kept = text[: len(text) - len(begun)]
        tokens = [*build_fim_prompt(self._tokenizer, self._order, "", kept[: len(before)], suffix)]
        tokens += self._tokenizer.encode(kept[len(before) :])
        stream, logprob = TextStream(self._tokenizer, begun), 0.0
        while len(tokens) <= DRAFT_CONTEXT_TOKENS:
            token, own_logprob = self._next(tokens, stream)
            if token in self._tokenizer.sentinels.all:
                return
            tokens.append(token)
            logprob += own_logprob
            if piece := stream.push(token):
                yield piece, logprob
                logprob = 0.0

    def _next(self, tokens: list[int], stream: TextStream) -> tuple[int, float]:
        """Return the likeliest token behind these, of those that the begun word allows, and its log-probability."""
        # The last token must be run again to yield logits.
        most, same = min(len(self._computed), len(tokens) - 1), 0
        while same < most and self._computed[same] == tokens[same]:
            same += 1
        self._computed = self._computed[:same]
        work = Work(tokens[same:], same, self._pages, 1)
        forward_pass = self._model.begin_works([work], self._memory, wants_likeliest=not stream.is_healing)
        logits = forward_pass.run()
        assert logits is not None  # nothing stops it
        self._computed = tokens[:]
        if not stream.is_healing:
            return forward_pass.likeliest[0]
        logprobs = (logits[0] + logit_addends(stream.allowed_tokens(), logits.shape[-1])).log_softmax(-1)
        best = int(logprobs.argmax())
        return best, float(logprobs[best])
