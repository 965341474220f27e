"""The number of tokens of a prompt that one step reads."""

from collections import defaultdict, deque
from collections.abc import Sequence

from inference.live_sequence import LiveSequence
from inference.step import Step

# On a CPU a step takes as long as its tokens. So while a sequence of the foreground decodes, the chunks of the others
# are this much shorter: each of its tokens takes a few times as long, not twenty times. Chunks of the background are
# not, because a step of the background stops when the foreground has work.
CHUNK_BESIDE_DECODING = 8
# A step that expands its context does so for all its tokens at once: benchmarks/native/prefill_growth.py. So its chunk
# grows to this part of the context, up to the most tokens.
_GROWN_PART = 8
_MOST_GROWN_TOKENS = 2048
# A step stops at the end of a sublayer, so a layer is to take at most so long. But a chunk does not shrink below the
# least tokens: with 64 a token takes 10% longer than with 256, and with 32 18% (Qwen2.5-Coder 0.5B in int8).
_MOST_LAYER_S = 0.02
_LEAST_TOKENS = 64
_REMEMBERED_STEPS = 3  # the fastest of them counts: another program may have slowed the others down


class ChunkSize:
    """Chooses the size of a chunk, from what the layers of the last chunks took."""

    def __init__(self, usual_tokens: int, *, expands_context: bool, is_cpu: bool) -> None:
        self._usual_tokens = usual_tokens
        self._expands_context = expands_context
        self._is_cpu = is_cpu
        # For steps that nobody waits for yet, which take one core, and for the others.
        self._token_layer_s: dict[bool, deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED_STEPS))

    @property
    def tokens_beside_decoding(self) -> int:
        """The most tokens that a step reads while a sequence of the foreground decodes."""
        return max(1, self._usual_tokens // CHUNK_BESIDE_DECODING)

    def choose(self, sequences: Sequence[LiveSequence], *, is_background: bool) -> int:
        """Return the tokens that a step with these sequences may read."""
        tokens = self._usual_tokens
        if took_s := self._token_layer_s[all(sequence.request.is_ahead for sequence in sequences)]:
            tokens = min(tokens, max(_LEAST_TOKENS, int(_MOST_LAYER_S / min(took_s))))
        if self._expands_context:
            computed = max((s.num_computed_tokens for s in sequences if s.left_tokens > 1), default=0)
            tokens = max(tokens, min(computed // _GROWN_PART, _MOST_GROWN_TOKENS))
        decodes = any(s.left_tokens == 1 and not s.request.background for s in sequences)
        if self._is_cpu and decodes and not is_background:
            tokens = max(1, tokens // CHUNK_BESIDE_DECODING)
        return tokens

    def learn(self, step: Step) -> None:
        """Learn from a complete step."""
        if step.new_tokens >= _LEAST_TOKENS:
            self._token_layer_s[step.is_ahead].append(2 * step.sublayer_s / step.new_tokens)
