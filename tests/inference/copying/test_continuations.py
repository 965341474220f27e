"""The continuations of the longest suffix are those that a search through all places finds."""

import random

import pytest

from inference.copying.continuations import Continuations, Suffixes
from tests.inference.copying.by_hand import continuations_by_hand

SENTINELS = frozenset({900, 901})


def test_the_longest_suffix_that_goes_on_decides() -> None:
    assert Suffixes([], [1, 2, 3, 9, 1, 2], SENTINELS).find() == Continuations(2, (3,), (1,))
    texts = [[1, 2, 4], [7, 1, 2, 5], [7, 1, 2, 5], [8, 7, 1, 2]]
    assert Suffixes(texts, [7, 1, 2], SENTINELS).find() == Continuations(3, (5,), (2,))
    assert Suffixes([[3, 4]], [1, 2], SENTINELS).find() is None
    assert Suffixes([[1], [1, 900]], [1], SENTINELS).find() is None, "a text's end and a sentinel go on with nothing"
    assert Suffixes([[900, 1]], [900], SENTINELS).find() is None
    assert Suffixes([], [], SENTINELS).find() is None


@pytest.mark.parametrize("seed", range(6))
def test_after_each_token_it_is_what_a_search_finds(seed: int) -> None:
    """The output is longer than the room that is made for it at first."""
    rng = random.Random(seed)
    letters = [*range(2 + seed), 70_000, 900]
    *texts, growing = ([rng.choice(letters) for _ in range(rng.randrange(1, 60))] for _ in range(4))
    suffixes = Suffixes(texts, growing, SENTINELS)
    for _ in range(150):
        assert suffixes.find() == continuations_by_hand(texts, growing, SENTINELS)
        # Now and then the output repeats what stands elsewhere, as an output that copies does.
        growing.append(rng.choice([token for token in (growing[len(growing) // 2], *letters) if token != 900]))
        suffixes.push(growing[-1])
