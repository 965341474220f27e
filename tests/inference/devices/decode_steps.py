"""Steps of sequences that decode, in scattered pages."""

import random

from inference.models.batch import Work

PAGES = 300  # more than the narrowest bucket has
# Of each sequence, the new tokens and the tokens before.
STEPS = {
    "a token": [(1, 40)],
    "the first token": [(1, 0)],
    "padding rows": [(3, 40)],
    "padding rows before the beginning": [(3, 0)],
    "most rows": [(17, 90)],
    "padding sequences": [(1, 9), (1, 60), (1, 33)],
    "both": [(2, 15), (5, 100), (1, 0)],
    "a wider bucket": [(1, 2100), (2, 31)],
}


def decoding(*sequences: tuple[int, int], seed: int = 1) -> list[Work]:
    """Return the works of sequences that decode, by their new tokens and the tokens before, in scattered pages."""
    rng = random.Random(seed)
    pages = rng.sample(range(PAGES), PAGES)
    works = []
    for count, start in sequences:
        used = -(-(start + count) // 16)
        own, pages = pages[:used], pages[used:]
        tokens = [rng.randrange(256) for _ in range(count)]
        works.append(Work(tokens, start, own, count))
    return works
