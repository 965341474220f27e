"""The cases of the kernels that read or write the cache, with pages of bf16 and of int8."""

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.gpu.case import Case, Sizes
from benchmarks.gpu.random_weights import RandomWeights
from inference.cache.page_pool import PAGE_TOKENS
from kernels.expanded_attention import expanded_attention, expanded_attention_reference
from kernels.int8_rows import decode, encode
from kernels.key_value_write import rotate_and_write, rotate_and_write_reference
from kernels.kv_attention import kv_attention, kv_attention_reference
from kernels.latent_write import write_latents, write_latents_reference
from kernels.mla_attention import mla_attention, mla_attention_reference
from kernels.page_write import write_pages, write_pages_reference
from kernels.rope import apply_rope, apply_rope_reference

_WRITTEN_PAGES = 64  # that new tokens are written into


class Cache:
    """Pages that lie anywhere, of one sequence. `wide` are the values that they hold, in fp32."""

    def __init__(self, inputs: RandomWeights, context: int, width: int, *, is_coded: bool) -> None:
        count = -(-context // PAGE_TOKENS)
        values = inputs.normal(count + 3, PAGE_TOKENS, width)
        self.pages = encode(values) if is_coded else values
        self.wide = decode(self.pages, width) if is_coded else values.float()
        self.table = inputs.permutation(count + 3)[None, :count].int()
        self.lengths = torch.tensor([context], dtype=torch.int32, device=values.device)
        self.bytes = context * self.pages.shape[-1] * self.pages.element_size()


def latent_attention(inputs: RandomWeights, s: Sizes, new: int, context: int, *, is_coded: bool) -> Case:
    row = s.latent + s.rotary
    cache = Cache(inputs, context, row, is_coded=is_coded)
    q, scale = inputs.normal(1, new, s.latent_heads, row), row**-0.5
    place = cache.table, cache.lengths, scale, s.latent
    return Case(
        f"mla_attention {_form(is_coded)} +{new} on {context}",
        lambda: mla_attention(q, cache.pages, *place),
        lambda: mla_attention_reference(q.float(), cache.wide, *place),
        cache.bytes,
        2 * new * s.latent_heads * context * (row + s.latent),
    )


def key_value_attention(inputs: RandomWeights, s: Sizes, new: int, context: int, *, is_coded: bool) -> Case:
    cache = Cache(inputs, context, 2 * s.kv_heads * s.width, is_coded=is_coded)
    q, scale = inputs.normal(1, new, s.heads, s.width), s.width**-0.5
    place = cache.table, cache.lengths, scale, s.kv_heads
    return Case(
        f"kv_attention {_form(is_coded)} +{new} on {context}",
        lambda: kv_attention(q, cache.pages, *place),
        lambda: kv_attention_reference(q.float(), cache.wide, *place),
        cache.bytes,
        4 * new * s.heads * context * s.width,
    )


def expanded(inputs: RandomWeights, s: Sizes, new: int, context: int) -> Case:
    cache = Cache(inputs, context, s.latent + s.rotary, is_coded=False)
    queries = inputs.normal(new, s.latent_heads, s.width), inputs.normal(new, s.latent_heads, s.rotary)
    key_up, value_up = (inputs.normal(s.latent_heads, s.width, s.latent, scale=s.latent**-0.5) for _ in range(2))
    place = cache.table[0], context
    scale = (s.width + s.rotary) ** -0.5
    pairs = new * context * s.latent_heads
    return Case(
        f"expanded_attention +{new} on {context}",
        lambda: expanded_attention(*queries, cache.pages, *place, key_up, value_up, scale),
        lambda: expanded_attention_reference(
            queries[0].float(), queries[1].float(), cache.wide, *place, key_up.float(), value_up.float(), scale
        ),
        cache.bytes,
        2 * pairs * (2 * s.width + s.rotary) + 4 * context * s.latent_heads * s.latent * s.width,
    )


def latent_write(inputs: RandomWeights, s: Sizes, new: int, *, is_coded: bool) -> Case:
    row = s.latent + s.rotary
    entries, weight = inputs.normal(new, row), inputs.normal(s.latent)
    pages = Cache(inputs, _WRITTEN_PAGES * PAGE_TOKENS, row, is_coded=is_coded)
    slots, (cos, sin) = _slots(inputs, new), _angles(inputs, new, s.rotary)

    def written(write: Callable[..., None], target: Tensor, values: Tensor, norm: Tensor) -> Tensor:
        write(target, slots, values, norm, 1e-6, cos, sin)
        return decode(target, row) if target.dtype == torch.int8 else target

    return Case(
        f"write_latents {_form(is_coded)} +{new}",
        lambda: written(write_latents, pages.pages, entries, weight),
        lambda: written(write_latents_reference, pages.wide, entries.float(), weight.float()),
        2 * entries.nbytes,
        0,
    )


def key_value_write(inputs: RandomWeights, s: Sizes, new: int, *, is_coded: bool) -> Case:
    row = 2 * s.kv_heads * s.width
    projected = inputs.normal(new, s.heads + 2 * s.kv_heads, s.width)
    pages = Cache(inputs, _WRITTEN_PAGES * PAGE_TOKENS, row, is_coded=is_coded)
    slots, (cos, sin) = _slots(inputs, new), _angles(inputs, new, s.width)

    def written(write: Callable[..., Tensor], target: Tensor, values: Tensor) -> Tensor:
        queries = write(target, slots, values, s.heads, cos, sin)
        kept = decode(target, row) if target.dtype == torch.int8 else target
        return torch.cat((queries.flatten().float(), kept.flatten().float()))

    return Case(
        f"rotate_and_write {_form(is_coded)} +{new}",
        lambda: written(rotate_and_write, pages.pages, projected),
        lambda: written(rotate_and_write_reference, pages.wide, projected.float()),
        2 * projected.nbytes,
        0,
    )


def page_write(inputs: RandomWeights, s: Sizes, new: int) -> Case:
    values, slots = inputs.normal(new, s.latent), _slots(inputs, new)
    pages = inputs.normal(_WRITTEN_PAGES, PAGE_TOKENS, s.latent)

    def written(write: Callable[..., None], target: Tensor) -> Tensor:
        write(target, slots, values)
        return target

    reference = pages.float()
    return Case(
        f"write_pages +{new}",
        lambda: written(write_pages, pages),
        lambda: written(write_pages_reference, reference),
        2 * values.nbytes,
        0,
    )


def rope(inputs: RandomWeights, s: Sizes, new: int) -> Case:
    x, (cos, sin) = inputs.normal(new, s.heads, s.width), _angles(inputs, new, s.width)
    return Case(
        f"apply_rope +{new}",
        lambda: apply_rope(x, cos, sin),
        lambda: apply_rope_reference(x.float(), cos, sin),
        2 * x.nbytes,
        0,
    )


def _slots(inputs: RandomWeights, count: int) -> Tensor:
    return inputs.permutation(_WRITTEN_PAGES * PAGE_TOKENS)[:count]


def _angles(inputs: RandomWeights, tokens: int, width: int) -> tuple[Tensor, Tensor]:
    angles = inputs.normal(tokens, width // 2).float()
    return angles.cos(), angles.sin()


def _form(is_coded: bool) -> str:
    return "int8" if is_coded else "wide"
