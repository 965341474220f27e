"""The copy distribution and the mixture by their definition: every place of every suffix is tried."""

from collections import Counter
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from inference.copying.continuations import LONGEST_SUFFIX_TOKENS, Continuations
from inference.copying.weights import BUCKETS, CopyWeights, bucket_of

# The longer the suffix, the more it says.
WEIGHTS = CopyWeights({bucket: 0.1 * bucket[0] + 0.05 * bucket[2] for bucket in BUCKETS})


def continuations_by_hand(
    texts: Sequence[Sequence[int]], growing: Sequence[int], sentinels: Collection[int] = ()
) -> Continuations | None:
    for length in range(min(LONGEST_SUFFIX_TOKENS, len(growing)), 0, -1):
        suffix = list(growing[-length:])
        found = Counter(
            text[start + length]
            for text in (*texts, growing)
            for start in range(len(text) - length)
            if list(text[start : start + length]) == suffix and text[start + length] not in sentinels
        )
        if found and not set(suffix) & set(sentinels):
            tokens = sorted(found)
            return Continuations(length, tuple(tokens), tuple(found[token] for token in tokens))
    return None


def mixed_by_hand(
    logits: Tensor, found: Continuations | None, weights: CopyWeights, line_ends: Collection[int]
) -> Tensor:
    """Return the probabilities [vocabulary] of the mixture; the model splits what is copied of line ends."""
    probabilities = logits.double().softmax(-1)
    if found is None:
        return probabilities
    weight = weights.weights[bucket_of(found, in_little_text=False)]
    copied = torch.zeros_like(probabilities)
    for token, count in zip(found.tokens, found.counts, strict=True):
        share = count / sum(found.counts)
        if token in line_ends:
            ends = sum(probabilities[end] for end in line_ends)
            for end in line_ends:
                copied[end] += share * probabilities[end] / ends
        else:
            copied[token] += share
    return (1 - weight) * probabilities + weight * copied
