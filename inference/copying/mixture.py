"""Mixes the copy distribution with the model's, in probabilities."""

import math

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
