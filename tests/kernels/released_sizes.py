"""Calls of the public Triton functions at the sizes of DeepSeek-V2-Lite and Qwen2.5-Coder-7B, in bf16, by name."""

from collections.abc import Callable
from functools import partial

import torch

from kernels.expanded_attention import expanded_attention_triton
from kernels.experts import packed_experts_triton
from kernels.key_value_write import rotate_and_write_triton
from kernels.kv_attention import kv_attention_triton
from kernels.latent_write import write_latents_triton
from kernels.mla_attention import mla_attention_triton
from kernels.packed_linear import packed_linear_triton
from kernels.packed_weights import PackedWeights, pack_weights
from kernels.page_write import write_pages_triton
from kernels.rmsnorm import add_rmsnorm_triton, rmsnorm_triton
from kernels.rope import apply_rope_triton
from kernels.router import route_triton

BF16 = torch.bfloat16
PAGE_TOKENS = 16
PAGES = 4096
HIDDEN, HEADS, LATENT, ROTARY = 2048, 16, 512, 64
EXPERTS, CHOSEN, INNER = 66, 8, 1408  # the two shared experts folded in
QWEN_HEADS, QWEN_KV_HEADS, QWEN_WIDTH = 28, 4, 128


def pages(values: int, is_coded: bool) -> torch.Tensor:
    if is_coded:
        return torch.empty(PAGES, PAGE_TOKENS, values + values // 8, dtype=torch.int8)
    return torch.empty(PAGES, PAGE_TOKENS, values, dtype=BF16)


def tables(sequences: int, context: int) -> tuple[torch.Tensor, torch.Tensor]:
    table = torch.empty(sequences, context // PAGE_TOKENS, dtype=torch.int32)
    return table, torch.empty(sequences, dtype=torch.int32)


def attend_latents(new_tokens: int, context: int, is_coded: bool = False) -> None:
    q = torch.empty(1, new_tokens, HEADS, LATENT + ROTARY, dtype=BF16)
    mla_attention_triton(q, pages(LATENT + ROTARY, is_coded), *tables(1, context), 0.1, LATENT)


def attend_keys(new_tokens: int, context: int, is_coded: bool = False) -> None:
    q = torch.empty(1, new_tokens, QWEN_HEADS, QWEN_WIDTH, dtype=BF16)
    values = 2 * QWEN_KV_HEADS * QWEN_WIDTH
    kv_attention_triton(q, pages(values, is_coded), *tables(1, context), 0.1, QWEN_KV_HEADS)


def prefill(new_tokens: int, length: int, is_coded: bool) -> None:
    q = torch.empty(new_tokens, HEADS, 128 + ROTARY, dtype=BF16)
    up = torch.empty(HEADS, 128, LATENT, dtype=BF16)
    memory, table = pages(LATENT + ROTARY, is_coded), tables(1, 32768)[0][0]
    expanded_attention_triton(q[..., :128], q[..., 128:], memory, table, length, up, up, 0.1)


def packed(quant: str, *shape: int) -> PackedWeights:
    """Weights without data, [N, K] or [E, N, K]."""
    if quant == "wide":
        return pack_weights(quant, [torch.empty(shape, dtype=BF16)])
    *outer, rows, columns = shape
    if quant == "int8":
        return pack_weights(quant, [torch.empty(shape, dtype=torch.int8), torch.empty(*outer, rows)])
    low, scale, offset, high = (torch.empty(*outer, rows, columns // n, dtype=torch.uint8) for n in (2, 32, 32, 8))
    tensors = [low, scale, offset, torch.empty(*outer, rows, 2), high]
    return pack_weights(quant, tensors if quant == "int5" else tensors[:4])


def multiply(x_rows: int, quant: str, rows: int = HIDDEN) -> None:
    bias = torch.empty(rows, dtype=BF16) if quant == "int8" else None
    packed_linear_triton(torch.empty(x_rows, HIDDEN, dtype=BF16), packed(quant, rows, HIDDEN), bias)


def run_experts(tokens: int, quant: str) -> None:
    ids, weights = torch.empty(tokens, CHOSEN, dtype=torch.int64), torch.empty(tokens, CHOSEN, dtype=BF16)
    gate_up, down = packed(quant, EXPERTS, 2 * INNER, HIDDEN), packed(quant, EXPERTS, HIDDEN, INNER)
    packed_experts_triton(torch.empty(tokens, HIDDEN, dtype=BF16), ids, weights, gate_up, down)


def write(tokens: int) -> None:
    slots = torch.empty(tokens, dtype=torch.int64)
    write_pages_triton(pages(LATENT, False), slots, torch.empty(tokens, LATENT, dtype=BF16))


def normalise(tokens: int) -> None:
    rmsnorm_triton(torch.empty(tokens, HIDDEN, dtype=BF16), torch.empty(HIDDEN, dtype=BF16), 1e-6)


def angles(tokens: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.empty(tokens, width // 2), torch.empty(tokens, width // 2)


def rotate(tokens: int) -> None:
    apply_rope_triton(torch.empty(tokens, HEADS, ROTARY, dtype=BF16), *angles(tokens, ROTARY))


def write_latents(tokens: int, is_coded: bool) -> None:
    slots, entries = torch.empty(tokens, dtype=torch.int64), torch.empty(tokens, LATENT + ROTARY, dtype=BF16)
    weight = torch.empty(LATENT, dtype=BF16)
    memory = pages(LATENT + ROTARY, is_coded)
    write_latents_triton(memory, slots, entries, weight, 1e-6, *angles(tokens, ROTARY))


def write_keys(tokens: int, is_coded: bool) -> None:
    slots = torch.empty(tokens, dtype=torch.int64)
    projected = torch.empty(tokens, QWEN_HEADS + 2 * QWEN_KV_HEADS, QWEN_WIDTH, dtype=BF16)
    memory = pages(2 * QWEN_KV_HEADS * QWEN_WIDTH, is_coded)
    rotate_and_write_triton(memory, slots, projected, QWEN_HEADS, *angles(tokens, QWEN_WIDTH))


def route(tokens: int) -> None:
    x, weight = torch.empty(tokens, HIDDEN, dtype=BF16), torch.empty(64, HIDDEN, dtype=BF16)
    route_triton(x, weight, 6, 1, 1, 1.0, False, 2)


def add_and_normalise(tokens: int) -> None:
    x = torch.empty(tokens, HIDDEN, dtype=BF16)
    add_rmsnorm_triton(x, x, torch.empty(HIDDEN, dtype=BF16), 1e-6)


QUANTS = ("int8", "int5", "int4")
CASES: dict[str, Callable[[], None]] = {
    "a token over latents": partial(attend_latents, 1, 32768),
    "17 tokens over latents": partial(attend_latents, 17, 32768),
    "128 tokens over few latents": partial(attend_latents, 128, 128),
    "a token over int8 latents": partial(attend_latents, 1, 32768, True),
    "17 tokens over int8 latents": partial(attend_latents, 17, 32768, True),
    "a prefill": partial(prefill, 512, 512, False),
    "a long prefill": partial(prefill, 512, 16384, True),
    "a token over keys": partial(attend_keys, 1, 32768),
    "17 tokens over keys": partial(attend_keys, 17, 32768),
    "a token over int8 keys": partial(attend_keys, 1, 32768, True),
    "17 tokens over int8 keys": partial(attend_keys, 17, 32768, True),
    **{f"a token by {quant}": partial(multiply, 1, quant) for quant in QUANTS},
    "a token by many rows of int5": partial(multiply, 1, "int5", 32 * HIDDEN),
    "17 tokens by int5": partial(multiply, 17, "int5"),
    **{f"2048 tokens by {quant}": partial(multiply, 2048, quant) for quant in QUANTS},
    **{f"a token to {quant} experts": partial(run_experts, 1, quant) for quant in ("wide", "int8", "int4")},
    **{f"64 tokens to {quant} experts": partial(run_experts, 64, quant) for quant in ("wide", "int8", "int4")},
    **{f"2048 tokens to {quant} experts": partial(run_experts, 2048, quant) for quant in ("wide", "int8", "int4")},
    "a token into pages": partial(write, 1),
    "a latent into pages": partial(write_latents, 1, False),
    "a latent into int8 pages": partial(write_latents, 1, True),
    "keys into pages": partial(write_keys, 1, False),
    "keys into int8 pages": partial(write_keys, 1, True),
    "a route": partial(route, 1),
    "the norm of a sum": partial(add_and_normalise, 1),
    "a norm": partial(normalise, 1),
    "a rotation": partial(rotate, 1),
}
