"""Routes each token to its experts (DeepSeek-V2, arXiv:2405.04434, section 2.2)."""

import torch
from torch.nn.functional import linear

from kernels.triton_import import compute_dtype, jit_for_any, runs_triton, tl, triton, warps


def route(
    x: torch.Tensor,
    weight: torch.Tensor,
    top_k: int,
    n_group: int,
    topk_group: int,
    method: str,
    scaling: float,
    normalize: bool,
    shared: int = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose the top-k experts: x [T, H], weight [E, H] -> (ids [T, K] int64, weights [T, K] in x's dtype).

    Scores are the fp32 softmax over all experts. `method` is config.json's `topk_method`: "greedy"
    takes the top_k best; "group_limited_greedy" scores each of n_group groups by its best expert,
    keeps the topk_group best groups and sets every other score to 0. A row's K are not ordered.

    `normalize` (`norm_topk_prob`) divides the chosen scores by their sum and leaves `scaling` out,
    as DeepSeek's released code does when K > 1 (transformers' port ignores the field); without it
    the scores are multiplied by `scaling` (`routed_scaling_factor`).

    `shared` more columns name the experts E, E + 1, ... with weight 1: the shared ones, where they are stacked behind
    the routed ones (experts.py).
    """
    if method not in ("greedy", "group_limited_greedy"):
        raise ValueError(f"unknown topk_method {method!r}: expected greedy or group_limited_greedy")
    if method == "greedy":
        n_group = topk_group = 1
    run = route_triton if runs_triton(x) else route_reference
    return run(x, weight, top_k, n_group, topk_group, scaling, normalize, shared)


def route_reference(
    x: torch.Tensor,
    weight: torch.Tensor,
    top_k: int,
    n_group: int,
    topk_group: int,
    scaling: float,
    normalize: bool,
    shared: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    scores = linear(x.float(), weight.float()).softmax(dim=-1)
    if topk_group < n_group:
        scores = _keep_best_groups(scores, n_group, topk_group)
    topk_weights, topk_ids = scores.topk(top_k, dim=-1, sorted=False)
    if normalize and top_k > 1:
        topk_weights = topk_weights / (topk_weights.sum(dim=-1, keepdim=True) + 1e-20)
    else:
        topk_weights = topk_weights * scaling
    if shared:
        experts = len(weight)
        shared_ids = torch.arange(experts, experts + shared, device=x.device).expand(len(x), shared)
        topk_ids = torch.cat((topk_ids, shared_ids), dim=1)
        topk_weights = torch.cat((topk_weights, topk_weights.new_ones(len(x), shared)), dim=1)
    # Back to the activations' type: fp32 weights would double the cost of every expert.
    return topk_ids, topk_weights.to(x.dtype)


def _keep_best_groups(scores: torch.Tensor, n_group: int, topk_group: int) -> torch.Tensor:
    grouped = scores.view(scores.shape[0], n_group, scores.shape[1] // n_group)
    best = grouped.amax(dim=-1).topk(topk_group, dim=-1, sorted=False).indices
    dropped = torch.ones(scores.shape[0], n_group, dtype=torch.bool, device=scores.device)
    dropped.scatter_(1, best, False)
    return grouped.masked_fill(dropped[..., None], 0.0).flatten(-2)


def route_triton(
    x: torch.Tensor,
    weight: torch.Tensor,
    top_k: int,
    n_group: int,
    topk_group: int,
    scaling: float,
    normalize: bool,
    shared: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Launch a program for each 16 tokens, the least that a tensor core multiplies. A row's experts are ordered."""
    tokens, experts = x.shape[0], len(weight)
    x = x if x.stride(-1) == 1 else x.contiguous()
    ids = torch.empty(tokens, top_k + shared, dtype=torch.int64, device=x.device)
    weights = x.new_empty(tokens, top_k + shared)
    if tokens:
        _route_kernel[(triton.cdiv(tokens, 16),)](
            x, weight.contiguous(), ids, weights, x.stride(0), tokens, experts, x.shape[1], experts // n_group,
            float(scaling), shared,
            COMPUTE=compute_dtype(x), TOP_K=top_k, GROUPS=n_group, TOP_GROUPS=topk_group,
            NORMALIZE=normalize and top_k > 1, TOKENS=16, SLOTS=triton.next_power_of_2(top_k + shared),
            EXPERTS=max(16, triton.next_power_of_2(experts)), INNER=64, num_warps=warps(8), num_stages=2,
        )  # fmt: skip
    return ids, weights


@jit_for_any("tokens")
def _route_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_ptr, weight_ptr, ids_ptr, weights_ptr, x_stride, tokens, experts, inner, group_experts, scaling, shared,
    COMPUTE: tl.constexpr, TOP_K: tl.constexpr, GROUPS: tl.constexpr, TOP_GROUPS: tl.constexpr,
    NORMALIZE: tl.constexpr, TOKENS: tl.constexpr, SLOTS: tl.constexpr, EXPERTS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    token = (tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)).to(tl.int64)
    expert = tl.arange(0, EXPERTS)
    real, known = token < tokens, expert < experts
    logits = tl.zeros((TOKENS, EXPERTS), tl.float32)
    for start in range(0, inner, INNER):
        k = start + tl.arange(0, INNER)
        x = x_ptr + token[:, None] * x_stride + k[None, :]
        x = tl.load(x, mask=real[:, None] & (k < inner)[None, :], other=0.0)
        weight = weight_ptr + expert[None, :] * inner + k[:, None]
        weight = tl.load(weight, mask=known[None, :] & (k < inner)[:, None], other=0.0)
        logits += tl.dot(x.to(COMPUTE), weight.to(COMPUTE), input_precision="ieee")
    logits = tl.where(known[None, :], logits, float("-inf"))
    scores = tl.exp(logits - tl.max(logits, axis=1)[:, None])
    scores = scores / tl.sum(scores, axis=1)[:, None]

    left = tl.where(known[None, :], scores, -1.0)  # of which to choose
    if TOP_GROUPS < GROUPS:
        group = expert // group_experts
        others = left
        for _ in range(TOP_GROUPS):
            best = tl.argmax(others, axis=1) // group_experts  # the group of the best expert outside those kept
            others = tl.where(group[None, :] == best[:, None], -2.0, others)
        left = tl.where(known[None, :] & (others >= 0), 0.0, left)
    slot = tl.arange(0, SLOTS)[None, :]
    ids = tl.broadcast_to(experts + slot - TOP_K, (TOKENS, SLOTS))  # the shared experts; the others replace theirs
    weights = tl.zeros((TOKENS, SLOTS), tl.float32)
    for k in range(TOP_K):
        weights = tl.where(slot == k, tl.max(left, axis=1)[:, None], weights)
        best = tl.argmax(left, axis=1)[:, None]
        ids = tl.where(slot == k, tl.minimum(best, experts - 1), ids)  # NaN may choose any, but no memory beyond
        left = tl.where(expert[None, :] == best, -3.0, left)
    weights = weights / (tl.sum(weights, axis=1)[:, None] + 1e-20) if NORMALIZE else weights * scaling
    weights = tl.where(slot < TOP_K, weights, 1.0)
    target = token[:, None] * (TOP_K + shared) + slot
    stored = real[:, None] & (slot < TOP_K + shared)
    tl.store(ids_ptr + target, ids.to(tl.int64), mask=stored)
    tl.store(weights_ptr + target, weights.to(weights_ptr.dtype.element_ty), mask=stored)
