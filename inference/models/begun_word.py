"""The logits behind which a word is begun: only some tokens can write it."""

import math

import torch
from torch import Tensor

from inference.prompts.healing import Allowed


def logit_addends(allowed: Allowed, vocabulary: int, device: torch.device | None = None) -> Tensor:
    """Return what is added to each logit [vocabulary], in fp32: minus infinity where a token may not come."""
    ids = torch.frombuffer(allowed.tokens, dtype=torch.int64).to(device)
    log_shares = torch.frombuffer(allowed.log_shares, dtype=torch.float32).to(device)
    return torch.full((vocabulary,), -math.inf, device=device).index_copy_(0, ids, log_shares)
