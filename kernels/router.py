"""Routes each token to its experts (DeepSeek-V2, arXiv:2405.04434, section 2.2). Plain torch."""

import torch
from torch.nn.functional import linear


def route(
    x: torch.Tensor,
    weight: torch.Tensor,
    top_k: int,
    n_group: int,
    topk_group: int,
    method: str,
    scaling: float,
    normalize: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose the top-k experts: x [T, H], weight [E, H] -> (ids [T, K] int64, weights [T, K] in x's dtype).

    Scores are the fp32 softmax over all experts. `method` is config.json's `topk_method`: "greedy"
    takes the top_k best; "group_limited_greedy" scores each of n_group groups by its best expert,
    keeps the topk_group best groups and sets every other score to 0. A row's K are not ordered.

    `normalize` (`norm_topk_prob`) divides the chosen scores by their sum and leaves `scaling` out,
    as DeepSeek's released code does when K > 1 (transformers' port ignores the field); without it
    the scores are multiplied by `scaling` (`routed_scaling_factor`).
    """
    scores = linear(x.float(), weight.float()).softmax(dim=-1)
    if method == "group_limited_greedy":
        scores = _keep_best_groups(scores, n_group, topk_group)
    elif method != "greedy":
        raise ValueError(f"unknown topk_method {method!r}: expected greedy or group_limited_greedy")
    topk_weights, topk_ids = scores.topk(top_k, dim=-1, sorted=False)
    if normalize and top_k > 1:
        topk_weights = topk_weights / (topk_weights.sum(dim=-1, keepdim=True) + 1e-20)
    else:
        topk_weights = topk_weights * scaling
    # Back to the activations' type: fp32 weights would double the cost of every expert.
    return topk_ids, topk_weights.to(x.dtype)


def _keep_best_groups(scores: torch.Tensor, n_group: int, topk_group: int) -> torch.Tensor:
    grouped = scores.view(scores.shape[0], n_group, scores.shape[1] // n_group)
    best = grouped.amax(dim=-1).topk(topk_group, dim=-1, sorted=False).indices
    dropped = torch.ones(scores.shape[0], n_group, dtype=torch.bool, device=scores.device)
    dropped.scatter_(1, best, False)
    return grouped.masked_fill(dropped[..., None], 0.0).flatten(-2)
