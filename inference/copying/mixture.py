"""Mixes the copy distribution with the model's, in probabilities."""

import math

import torch
from torch import Tensor

from inference.copying.copier import Copied


def mix(logits: Tensor, copied: Copied) -> Tensor:
    """Return the log-probabilities of the mixture for logits [vocabulary], which stay as they are."""
    mixed = logits.log_softmax(-1) + math.log1p(-copied.weight)
    tokens = torch.tensor(copied.tokens, device=logits.device)
    logprobs = torch.tensor([math.log(copied.weight * share) for share in copied.probabilities], device=logits.device)
    mixed[tokens] = torch.logaddexp(mixed[tokens], logprobs)
    return mixed
