"""Calls of the public Triton functions at the sizes of DeepSeek-V2-Lite and Qwen2.5-Coder-7B, in bf16, by name."""

from collections.abc import Callable
from functools import partial

import torch

from kernels.experts import packed_experts_triton
from kernels.kv_attention import kv_attention_triton
from kernels.mla_attention import mla_attention_triton
from kernels.packed_linear import packed_linear_triton
from kernels.packed_weights import PackedWeights, pack_weights
from kernels.page_write import write_pages_triton
from kernels.rmsnorm import rmsnorm_triton
from kernels.rope import apply_rope_triton

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


def multiply(x_rows: int, quant: str) -> None:
    bias = torch.empty(HIDDEN, dtype=BF16) if quant == "int8" else None
    packed_linear_triton(torch.empty(x_rows, HIDDEN, dtype=BF16), packed(quant, HIDDEN, HIDDEN), bias)


def run_experts(tokens: int, quant: str) -> None:
    ids, weights = torch.empty(tokens, CHOSEN, dtype=torch.int64), torch.empty(tokens, CHOSEN, dtype=BF16)
    gate_up, down = packed(quant, EXPERTS, 2 * INNER, HIDDEN), packed(quant, EXPERTS, HIDDEN, INNER)
    packed_experts_triton(torch.empty(tokens, HIDDEN, dtype=BF16), ids, weights, gate_up, down)


def write(tokens: int) -> None:
    slots = torch.empty(tokens, dtype=torch.int64)
    write_pages_triton(pages(LATENT, False), slots, torch.empty(tokens, LATENT, dtype=BF16))


def normalise(tokens: int) -> None:
    rmsnorm_triton(torch.empty(tokens, HIDDEN, dtype=BF16), torch.empty(HIDDEN, dtype=BF16), 1e-6)


def rotate(tokens: int) -> None:
    cos, sin = (torch.empty(tokens, ROTARY // 2) for _ in range(2))
    apply_rope_triton(torch.empty(tokens, HEADS, ROTARY, dtype=BF16), cos, sin)


QUANTS = ("int8", "int5", "int4")
CASES: dict[str, Callable[[], None]] = {
    "a token over latents": partial(attend_latents, 1, 32768),
    "17 tokens over latents": partial(attend_latents, 17, 32768),
    "128 tokens over few latents": partial(attend_latents, 128, 128),
    "a token over int8 latents": partial(attend_latents, 1, 32768, True),
    "17 tokens over int8 latents": partial(attend_latents, 17, 32768, True),
    "a token over keys": partial(attend_keys, 1, 32768),
    "17 tokens over keys": partial(attend_keys, 17, 32768),
    "a token over int8 keys": partial(attend_keys, 1, 32768, True),
    "17 tokens over int8 keys": partial(attend_keys, 17, 32768, True),
    **{f"a token by {quant}": partial(multiply, 1, quant) for quant in QUANTS},
    **{f"2048 tokens by {quant}": partial(multiply, 2048, quant) for quant in QUANTS},
    **{f"a token to {quant} experts": partial(run_experts, 1, quant) for quant in ("wide", "int8", "int4")},
    **{f"64 tokens to {quant} experts": partial(run_experts, 64, quant) for quant in ("wide", "int8", "int4")},
    **{f"2048 tokens to {quant} experts": partial(run_experts, 2048, quant) for quant in ("wide", "int8", "int4")},
    "a token into pages": partial(write, 1),
    "a norm": partial(normalise, 1),
    "a rotation": partial(rotate, 1),
}
