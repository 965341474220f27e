"""Mixes the copy distribution with the model's, in probabilities."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inference.copying.copier import Copied


def mix(logits: Tensor, copied: Copied) -> Tensor:
    """Return the log-probabilities of the mixture for logits [vocabulary], which stay as they are."""
    device = logits.device
    mixed = logits.log_softmax(-1) + math.log1p(-copied.weight)
    if copied.tokens:
        tokens = torch.tensor(copied.tokens, device=device)
        logprobs = torch.tensor([math.log(copied.weight * share) for share in copied.probabilities], device=device)
        mixed[tokens] = torch.logaddexp(mixed[tokens], logprobs)
    if copied.line_ends:
        ends = torch.tensor(copied.line_ends, device=device)
        logprobs = logits[ends].log_softmax(-1) + math.log(copied.weight * copied.line_end_share)
        mixed[ends] = torch.logaddexp(mixed[ends], logprobs)
    return mixed


def likeliest_of_mixture(
    logits: npt.NDArray[np.float32], token: int, logprob: float, copied: Copied
) -> tuple[int, float]:
    """Return the likeliest token of what `mix` returns, the first of equal ones, and its log-probability.

    `token` is the likeliest of the model and `logprob` its log-probability, by `logits` [vocabulary]: beside the copied
    ones no other comes into question.
    """
    total = float(logits[token]) - logprob
    candidates = [(math.log1p(-copied.weight) + logprob, -token), *_mixed(logits, total, copied)]
    best, negative_token = max(candidates)
    return -negative_token, best


def _mixed(logits: npt.NDArray[np.float32], total: float, copied: Copied) -> Iterator[tuple[float, int]]:
    """Yield the log-probabilities of the copied tokens, and of the likeliest line end, with the tokens' negatives."""
    rest = math.log1p(-copied.weight) - total
    for token, share in zip(copied.tokens, copied.probabilities, strict=True):
        yield float(np.logaddexp(float(logits[token]) + rest, math.log(copied.weight * share))), -token
    if copied.line_ends:
        ends = logits[list(copied.line_ends)]
        most = float(ends.max())
        share = -math.log(float(np.exp(ends - most).sum()))  # of the likeliest end among all ends
        token = min(end for end, logit in zip(copied.line_ends, ends, strict=True) if logit == most)
        yield float(np.logaddexp(most + rest, share + math.log(copied.weight * copied.line_end_share))), -token
