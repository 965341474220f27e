"""The copy distribution counts what followed the longest suffix, and its weights are those that fit."""

import random
from collections import Counter

from training.experiments.copy_mix import LONGEST_SUFFIX, Step, bucket_of, continuations, fit, measure


def counted_slowly(text: list[int], others: list[list[int]]) -> tuple[int, Counter[int]]:
    """Try every place of every suffix."""
    for length in range(min(LONGEST_SUFFIX, len(text)), 0, -1):
        found: Counter[int] = Counter()
        for tokens in (text, *others):
            for start in range(len(tokens) - length):
                if tokens[start : start + length] == text[-length:]:
                    found[tokens[start + length]] += 1
        if found:
            return length, found
    return 0, Counter()


def test_the_longest_suffix_decides_wherever_it_stands() -> None:
    assert continuations([1, 2, 3, 9, 1, 2], []) == (2, Counter({3: 1}))
    assert continuations([7, 1, 2], [[1, 2, 4], [7, 1, 2, 5], [7, 1, 2, 5]]) == (3, Counter({5: 2}))
    assert continuations([1, 2], [[3, 4]]) == (0, Counter())
    dice = random.Random(5)
    for _ in range(200):
        text, *others = ([dice.randrange(3) for _ in range(dice.randrange(1, 30))] for _ in range(3))
        assert continuations(text, others) == counted_slowly(text, others)


def test_a_bucket_that_is_always_right_gets_weight_and_one_that_is_not_gets_none() -> None:
    right = Step(bucket_of(4, 2), 5, {5: (0.1, 1.0), 6: (0.5, 0.0)})
    wrong = Step(bucket_of(1, 9), 6, {6: (0.5, 0.0), 7: (0.1, 1.0)})
    weights = fit([[right, wrong]] * 10)
    assert weights == {(4, 1): 0.95, (1, 2): 0.0}
    (alone, none), (mixed, all_) = measure([[right, wrong]] * 10, {}), measure([[right, wrong]] * 10, weights)
    assert mixed > alone
    assert (none, all_) == (0, 10)
