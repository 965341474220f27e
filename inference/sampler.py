"""Chooses a token from logits."""

import torch
from torch import Tensor

from inference.api import Sampling


class Sampler:
    """The token choices of one request; the same seed gives the same choices."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._generator = torch.Generator().manual_seed(sampling.seed)

    def choose(self, logits: Tensor, allowed: Tensor | None = None) -> tuple[int, float]:
        """Choose a token from logits [vocabulary] in fp32; also return the log of the model's probability for it.

        With ids in `allowed`, the choice and the probability are among those.
        """
        if allowed is not None:
            logits = logits[allowed]
        choice = self._pick(logits)
        logprob = float(logits[choice] - logits.logsumexp(-1))
        return choice if allowed is None else int(allowed[choice]), logprob

    def _pick(self, logits: Tensor) -> int:
        if self._sampling.temperature == 0:
            return int(logits.argmax())
        probabilities = (logits.cpu() / self._sampling.temperature).softmax(-1)
        ordered, tokens = probabilities.sort(descending=True)
        # Nucleus: the smallest set of likeliest tokens that holds top_p; the first is always in it.
        outside = ordered.cumsum(-1) - ordered >= self._sampling.top_p
        outside[0] = False
        kept = ordered.masked_fill(outside, 0.0)
        return int(tokens[torch.multinomial(kept, 1, generator=self._generator)])
