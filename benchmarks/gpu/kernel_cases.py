"""All kernels at sizes of released models."""

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.gpu import cache_cases, weight_cases
from benchmarks.gpu.case import Case, Sizes
from benchmarks.gpu.random_weights import RandomWeights
from inference.weights.matrix import Quant

FORMS: tuple[Quant, ...] = ("wide", "int8", "int5", "int4")


def kernel_cases(inputs: RandomWeights, sizes: Sizes) -> Iterator[Callable[[], Case]]:
    """Yield a maker for each case: only one case's inputs are in memory at a time."""
    for new in sizes.new_tokens:
        for make in (cache_cases.page_write, cache_cases.rope, weight_cases.norm, weight_cases.router):
            yield partial(make, inputs, sizes, new)
        for is_coded in (False, True):
            for context in sizes.contexts:
                for attention in (cache_cases.latent_attention, cache_cases.key_value_attention):
                    yield partial(attention, inputs, sizes, new, context, is_coded=is_coded)
            for write in (cache_cases.latent_write, cache_cases.key_value_write):
                yield partial(write, inputs, sizes, new, is_coded=is_coded)
        for form in FORMS:
            for product in (weight_cases.linear, weight_cases.experts):
                yield partial(product, inputs, sizes, new, form)
    for context in sizes.contexts:
        yield partial(cache_cases.expanded, inputs, sizes, sizes.new_tokens[-1], context)
