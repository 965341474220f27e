"""The draft of an edit expects the tokens that the output goes on with."""

import random
from collections.abc import Sequence

import pytest

from inference.drafting.edit_draft import EditDraft


def steps_and_drafted(draft: Sequence[int], output: Sequence[int]) -> tuple[int, int]:
    """Count the steps and drafted tokens that `output` takes with a draft: the model is a list."""
    follower, done, steps, drafted = EditDraft(draft), 0, 0, 0
    while done < len(output):
        expected = [one.token for one in follower.expect()]
        proposed = expected[: max(0, min(16, len(output) - done - 1))]
        steps += 1
        drafted += len(proposed)
        accepted = 0
        for token in [*proposed, -1]:
            actual = output[done]
            follower.push(actual)
            done += 1
            if actual != token:
                break
            accepted += 1
        if proposed:
            follower.learn(len(proposed), accepted)
    return steps, drafted


def lines_of_code(rng: random.Random, count: int) -> list[list[int]]:
    """Make lines as tokens, with many repetitions, as in code."""
    return [
        [1, *(rng.choice([*range(2, 12), rng.randrange(1000)]) for _ in range(rng.randrange(3, 14)))]
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_an_edit_is_followed_through_inserted_deleted_and_changed_lines(seed: int) -> None:
    rng = random.Random(seed)
    lines = lines_of_code(rng, 60)
    edited = list(lines)
    edited[10:10] = lines_of_code(rng, 2)
    del edited[25:28]
    edited[40] = [*edited[40][:3], 5000, 5001, *edited[40][4:]]
    output = [token for line in edited for token in line]
    steps, _ = steps_and_drafted([token for line in lines for token in line], output)
    assert steps < len(output) / 4
    preamble, _ = steps_and_drafted([token for line in lines for token in line], [7000, 7001, 7002, *output])
    assert preamble <= steps + 9


@pytest.mark.parametrize("seed", range(5))
def test_a_name_that_changes_everywhere_costs_a_few_steps_each_time(seed: int) -> None:
    rng = random.Random(seed)
    tokens = [token for line in lines_of_code(rng, 60) for token in line]
    for index in range(5, len(tokens), 20):
        tokens[index] = 9000
    output = [part for token in tokens for part in ([9001, 9002] if token == 9000 else [token])]
    steps, _ = steps_and_drafted(tokens, output)
    assert steps < len(output) / 3


@pytest.mark.parametrize("seed", range(5))
def test_a_draft_that_looks_right_and_never_is_costs_little(seed: int) -> None:
    rng = random.Random(seed)
    output = [token for line in lines_of_code(rng, 100) for token in line]
    misleading = [token for index in range(0, len(output) - 6, 6) for token in [*output[index : index + 6], -2, -3]]
    unrelated = [token for line in lines_of_code(rng, 100) for token in line]
    for draft in (misleading, unrelated, [1] * 900):
        steps, drafted = steps_and_drafted(draft, output)
        saved = len(output) - steps
        assert drafted <= 3 * saved + len(output) / 8
