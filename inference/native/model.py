"""A model that the library of kernels/cpu runs, in one call for each step."""

import ctypes
import math
import weakref
from bisect import bisect_right
from collections.abc import Sequence
from copy import copy
from functools import cached_property

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.models.architecture import ModelConfig
from inference.models.batch import Batch, Work
from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.forward_pass import ALL_SUBLAYERS, StopFlag
from inference.models.rotary import Rotary
from inference.native.deepseek_plan import latent_at, plan_deepseek_v2, query_at
from inference.native.head_screen import HeadScreen
from inference.native.llama_plan import plan_llama
from inference.native.plan_builder import PlanBuilder
from inference.native.source import StepTensors, WeightSource
from inference.native.step_memory import StepMemories, StepMemory
from inference.weights.own_pages import OwnPages
from inference.weights.smallest_form import embedding_form
from kernels.cpu import plan as cpu
from midspan import MidspanError, ModelError

_WIDE = {
    torch.float32: (cpu.Form.WIDE_F32, cpu.PageType.F32),
    torch.bfloat16: (cpu.Form.WIDE_BF16, cpu.PageType.BF16),
}
NATIVE_DTYPES = tuple(_WIDE)
_MOST_ROWS = 2**31 - 1


class NativeModel:
    """A plan with its weights and threads. One thread at a time may run its forward passes."""

    def __init__(
        self,
        config: ModelConfig,
        source: StepTensors,
        library: ctypes.CDLL,
        threads: int,
        has_int8_pages: bool = False,
        known_tokens: int | None = None,
    ) -> None:
        """`known_tokens` is the tokenizer's vocabulary; the head may have more rows, and has as many by default."""
        c = config
        plan = PlanBuilder(WeightSource(source))
        shape = (c.vocab_size, c.hidden_size)
        form = embedding_form(c.hidden_size, c.tie_word_embeddings)
        embedding = plan.source.matrix("model.embed_tokens.weight", shape, at_least=form)
        plan.embed(embedding)
        if isinstance(c, DeepseekV2Config):
            plan_deepseek_v2(c, plan)
        else:
            plan_llama(c, plan)
        head = embedding
        if not c.tie_word_embeddings:
            head = plan.source.matrix("lm_head.weight", shape, at_least="int8")
        plan.norm(cpu.Kind.PICK, "model.norm.weight", c.hidden_size, c.rms_norm_eps, head)
        plan.logits(head)
        self.screen = HeadScreen(head)
        self._own_pages = OwnPages(plan.spans)
        self.config = c
        self._known_tokens = known_tokens or c.vocab_size
        self._plan = plan
        self._library = library
        self._has_int8_pages = has_int8_pages
        self.shape = self._describe()
        self.memories = StepMemories(self.shape)
        self.instruction_set: str = library.midspan_isa().decode()
        self._sublayer_ends = [index for index, op in enumerate(plan.ops) if op.kind == cpu.Kind.END_SUBLAYER]
        self._handle = self._make_handle(threads)

    def _make_handle(self, threads: int) -> int:
        """Make the library's plan, with threads of its own, for as long as this object lives."""
        ops, make_plan = self._plan.ops, self._library.midspan_make_plan
        handle: int | None = make_plan(ctypes.byref(self.shape), (cpu.Op * len(ops))(*ops), len(ops), threads)
        if not handle:
            raise ModelError("the machine has no memory for the plan of the model; free some, or take a smaller model")
        weakref.finalize(self, self._library.midspan_free_plan, handle)
        return handle

    @cached_property
    def on_one_thread(self) -> "NativeModel":
        """The same weights for the thread that calls `forward` alone: the step takes one core."""
        other = copy(self)
        other._handle = other._make_handle(1)
        return other

    @property
    def expands_context(self) -> bool:
        """True where a step of many tokens expands all tokens of its sequence, at a cost that they share."""
        return isinstance(self.config, DeepseekV2Config)

    def mapped_spans(self) -> list[tuple[int, int]]:
        """Return the addresses and bytes of the weights, which are files that are mapped into memory."""
        return self._plan.spans

    def settle(self) -> bool:
        """Do a part of what makes all later steps faster; return False once nothing is left. No step may run."""
        return self.screen.make() or self._own_pages.go_on()

    def forward(self, batch: Batch, pages: Tensor) -> Tensor:
        """Run the batch's new tokens, as `Decoder.forward` does."""
        forward_pass = self.begin(batch, pages)
        while (logits := forward_pass.run()) is None:
            pass
        return logits

    def begin(self, batch: Batch, pages: Tensor) -> "NativePass":
        """Make the forward pass that `forward` runs to its end."""
        memory = StepMemory(self.shape, len(batch.tokens), len(batch.logit_rows), len(batch.segments))
        memory.point_to(batch)
        return NativePass(self, memory, pages)

    def begin_works(
        self, works: Sequence[Work], pages: Tensor, wants_likeliest: bool = False, addends: Tensor | None = None
    ) -> "NativePass":
        """Make the forward pass of the works, without a batch of tensors.

        `wants_likeliest`: of the logits only the likeliest tokens are looked at, for which half of the head is enough.
        `addends` [vocabulary] in fp32 are added to the first row of logits.
        """
        screen_address = self.screen.address if wants_likeliest else None
        return NativePass(self, self.memories.take(works), pages, screen_address, addends)

    def run_step(self, step: cpu.Batch, first: int, most_sublayers: int, stop: StopFlag | None) -> int:
        """Run a step from operation `first` on; return the operation at which it goes on. Raises MidspanError."""
        address = None if stop is None else stop.address
        reached = self._library.midspan_step(self._handle, ctypes.byref(step), first, most_sublayers, address)
        if reached < 0:
            raise MidspanError(
                "the machine has no memory for a step of this length; free some, or send a shorter prompt"
            )
        return int(reached)

    @property
    def operations(self) -> int:
        return len(self._plan.ops)

    def sublayers_before(self, operation: int) -> int:
        return bisect_right(self._sublayer_ends, operation - 1)

    def _describe(self) -> cpu.Shape:
        c, plan = self.config, self._plan
        wide_form, page_type = _WIDE[plan.source.dtype]
        shape = cpu.Shape(
            hidden=c.hidden_size,
            vocabulary=c.vocab_size,
            layers=c.num_hidden_layers,
            known_tokens=self._known_tokens,
            heads=c.num_attention_heads,
            page_tokens=PAGE_TOKENS,
            page_width=c.page_width,
            page_type=cpu.PageType.INT8 if self._has_int8_pages else page_type,
            wide_form=wide_form,
            largest_input=plan.largest_input,
            values_width=plan.values_width,
            hidden_width=plan.hidden_width,
            softmax_scale=c.softmax_scale,
        )
        if isinstance(c, DeepseekV2Config):
            _describe_deepseek_v2(shape, c)
            rotary = Rotary(c.qk_rope_head_dim, c.rope_theta, c.yarn, torch.device("cpu"))
        else:
            shape.kv_heads = c.num_key_value_heads
            shape.key_width = shape.value_width = shape.rope = c.head_dim
            shape.rotates_halves = True
            rotary = Rotary(c.head_dim, c.rope_theta, None, torch.device("cpu"), c.rope_factor)
        shape.rotation_factor = rotary.factor
        shape.inverse_frequencies = plan.keep(rotary.inverse_frequencies)
        return shape


class NativePass:
    """A forward pass of the native step; between two sublayers it keeps the residual and the rotations of its rows.

    Its logits are memory that a later pass may take once this one is gone.
    """

    def __init__(
        self,
        model: NativeModel,
        memory: StepMemory,
        pages: Tensor,
        screen_address: int | None = None,
        addends: Tensor | None = None,
    ) -> None:
        """With a screen, the likeliest tokens are right, and the logits of the others nearly."""
        self._model = model
        self._memory = memory
        self._kept = pages, addends  # the step points to their memory
        self._next_operation = 0
        self._step = step = memory.batch
        step.pages, step.layer_bytes = pages.data_ptr(), pages.stride(0) * pages.element_size()
        step.screen, step.addends = screen_address, None if addends is None else addends.data_ptr()

    def __del__(self) -> None:
        self._model.memories.give_back(self._memory)

    @property
    def sublayers(self) -> int:
        return self._model.sublayers_before(self._model.operations)

    @property
    def sublayers_done(self) -> int:
        return self._model.sublayers_before(self._next_operation)

    @property
    def likeliest(self) -> list[tuple[int, float]]:
        """The likeliest known token of each row of logits, the first of equal ones, and its log-probability."""
        return self._memory.likeliest

    def run(self, stop: StopFlag | None = None, most_sublayers: int = ALL_SUBLAYERS) -> Tensor | None:
        self._next_operation = self._model.run_step(self._step, self._next_operation, most_sublayers, stop)
        return self._memory.logits if self._next_operation == self._model.operations else None


def _describe_deepseek_v2(shape: cpu.Shape, c: DeepseekV2Config) -> None:
    shape.kv_heads = c.num_attention_heads
    shape.key_width = c.qk_nope_head_dim + c.qk_rope_head_dim
    shape.value_width, shape.latent, shape.rope = c.v_head_dim, c.kv_lora_rank, c.qk_rope_head_dim
    shape.query_at, shape.latent_at = query_at(c), latent_at(c)
    shape.experts, shape.top_k = c.n_routed_experts, c.num_experts_per_tok
    shape.expert_width = c.moe_intermediate_size
    shape.groups, shape.top_groups = c.n_group, c.topk_group
    shape.is_group_limited = c.topk_method == "group_limited_greedy"
    shape.expand_from_rows = math.ceil(min(c.absorb_below_tokens, _MOST_ROWS))
    shape.is_normalized, shape.routed_scaling = c.norm_topk_prob, c.routed_scaling_factor
