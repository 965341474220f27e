"""Whole models with random weights at the sizes of released ones: decoding and first tokens behind a context."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from benchmarks.gpu.clock import Clock, Roofline
from benchmarks.gpu.random_weights import RandomWeights
from benchmarks.native.lite_shape import LITE
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.devices.captured_step import CapturedDecoder, CapturedPass, CudaGraphs, begin_pass, logprobs_of
from inference.models.architecture import ModelConfig
from inference.models.batch import Work
from inference.models.llama_config import LlamaConfig
from inference.models.load import load_decoder
from inference.sampler import read_choices
from inference.weights.default_form import DefaultForm

QWEN_7B = LlamaConfig(
    vocab_size=152064,
    hidden_size=3584,
    intermediate_size=18944,
    num_hidden_layers=28,
    num_attention_heads=28,
    num_key_value_heads=4,
    head_dim=128,
    rms_norm_eps=1e-6,
    rope_theta=1e6,
    rope_factor=1.0,
    qkv_bias=True,
    max_position_embeddings=131072,
    tie_word_embeddings=False,
)
MODELS: dict[str, ModelConfig] = {"DeepSeek-Coder-V2-Lite": LITE, "Qwen2.5-Coder-7B": QWEN_7B}
FORMS: tuple[DefaultForm, ...] = ("wide", "int8", "int4")
CONTEXTS = (0, 8192, 32768, 131072)
ADDED_TOKENS = (1, 16, 256)
COLD_TOKENS = 8192  # the longest prompt that is read from nothing
DECODED_TOKENS = 16  # of a run, whose mean is the time of a token
_CHUNK_TOKENS = 1024


@dataclass(frozen=True)
class ModelRow:
    """A step of a model: `new_tokens` behind a context. `share` is that of the time that its bytes or FLOP take."""

    model: str
    form: str
    what: str
    context_tokens: int
    time_ms: float
    tokens_per_s: float
    least_ms: float
    share: float


class MeasuredModel:
    """A model on a device with a cache of random entries, which take as long to read as real ones."""

    def __init__(
        self, name: str, config: ModelConfig, form: DefaultForm, device: torch.device, most_context: int
    ) -> None:
        source = RandomWeights(form, device, 0)
        self._name, self._config, self._form, self._device = name, config, form, device
        decoder = load_decoder(config, source, device)
        is_cuda = device.type == "cuda"
        self._model = CapturedDecoder(decoder, config.vocab_size, CudaGraphs(device)) if is_cuda else decoder
        count = -(-(most_context + max(ADDED_TOKENS) + PAGE_TOKENS) // PAGE_TOKENS)
        self._memory = allocate_memory(config.num_hidden_layers, count, config.page_width, source.dtype, device)
        for layer in self._memory:
            layer.normal_()
        self._pages = source.permutation(count).tolist()

    def step(self, new_tokens: int, context_tokens: int) -> None:
        """Run one step as the engine does, and read the token that it chooses."""
        self._run([1] * new_tokens, context_tokens, goes_on=False)

    def decode(self, context_tokens: int) -> None:
        """Decode some tokens as the engine does: each step is launched before the token of the last one is read."""
        token = 1
        for count in range(DECODED_TOKENS):
            token = self._run([token], context_tokens + count, goes_on=count + 1 < DECODED_TOKENS)

    def _run(self, tokens: Sequence[int], start: int, *, goes_on: bool) -> int:
        forward_pass = begin_pass(self._model, [Work(tokens, start, self._pages, 1)], self._memory)
        logits = forward_pass.run()
        assert logits is not None  # nothing stops it
        if isinstance(forward_pass, CapturedPass) and forward_pass.greedy is not None:
            return forward_pass.greedy.read(goes_on=goes_on)[0][0]
        chosen = logits.argmax(-1)
        return read_choices(chosen, logprobs_of(logits, chosen))[0][0]

    def read_cold(self, prompt_tokens: int) -> None:
        """Read a prompt from nothing, in the chunks of the engine."""
        for start in range(0, prompt_tokens, _CHUNK_TOKENS):
            self.step(min(_CHUNK_TOKENS, prompt_tokens - start), start)

    def rows(
        self, contexts: Sequence[int], added: Sequence[int], clock: Clock, roofline: Roofline
    ) -> Iterator[ModelRow]:
        """Measure a decoded token and steps of several tokens behind each context, and prompts from nothing."""
        for context in contexts:
            yield self._row("decode", 1, context, partial(self.decode, context), clock, roofline, DECODED_TOKENS)
            for new in added if context else ():
                yield self._row(f"+{new}", new, context, partial(self.step, new, context), clock, roofline)
            if 0 < context <= COLD_TOKENS:
                yield self._row("cold", context, 0, partial(self.read_cold, context), clock, roofline)

    def _row(
        self,
        what: str,
        new: int,
        context: int,
        work: Callable[[], None],
        clock: Clock,
        roofline: Roofline,
        steps: int = 1,
    ) -> ModelRow:
        """Measure `work`, which is as many steps of `new` tokens."""
        seconds = clock.time_s(work) / steps
        least_s = roofline.least_s(*self._least_work(new, context))
        return ModelRow(
            self._name, self._form, what, context, 1000 * seconds, new / seconds, 1000 * least_s, least_s / seconds
        )

    def _least_work(self, new: int, context: int) -> tuple[int, int]:
        """Return the bytes and FLOP: the active weights once, the context once, and two FLOP a weight and token."""
        active = self._config.active_weights
        row_bytes = self._config.page_width * self._memory.element_size()
        cache_bytes = self._config.num_hidden_layers * row_bytes * (context + new)
        return active.bytes_in(self._form) + cache_bytes, 2 * active.parameters * new


def fits(config: ModelConfig, context_tokens: int, weights_bytes: int, free_bytes: int) -> bool:
    """Return whether a card holds the weights, the cache and some work space."""
    cache = config.num_hidden_layers * config.page_width * 2 * (context_tokens + 512)
    return weights_bytes + cache + (3 << 30) <= free_bytes


def largest_context(config: ModelConfig, weights_bytes: int, free_bytes: int) -> int | None:
    """Return the longest of the contexts that a card holds with the weights; None: not even the weights fit."""
    fitting = [context for context in CONTEXTS if fits(config, context, weights_bytes, free_bytes)]
    return max(fitting) if fitting else None
