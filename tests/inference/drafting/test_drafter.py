"""The drafter takes the source and the number of tokens that what was measured makes the best."""

import random

import pytest

from inference.api import Draft, DraftSource, Request, Sampling
from inference.drafting.costs import StepCosts
from inference.drafting.drafter import MAX_DRAFTED_TOKENS, Drafting
from inference.prompts.prompt import TokenPrompt, split_at_hole
from inference.prompts.tokenizer import FimSentinels

FIM = FimSentinels(begin=900, hole=901, end=902)
PROMPT = TokenPrompt((1, 2, 3))
ROW_COSTS = {"free": 0.0, "native": 0.1, "torch": 1.0}


class FixedCosts(StepCosts):
    def __init__(self, row_cost: float) -> None:
        super().__init__()
        for rows in 3 * list(range(1, 18)):
            super().note(rows, 1000 * (1 + row_cost * (rows - 1)))

    def note(self, rows: int, ms: float) -> None:
        pass


def decode(drafting: Drafting, request: Request, output: list[int]) -> tuple[int, float]:
    """Return the steps and their cost, in steps without a draft, of an output: the model is a list."""
    drafter = drafting.begin(request, FIM)
    assert drafter is not None
    done, steps, cost = 0, 0, 0.0
    while done < len(output):
        proposed = drafter.propose(min(MAX_DRAFTED_TOKENS, len(output) - done - 1), is_timed=False)
        accepted = 0
        while accepted < len(proposed) and proposed[accepted] == output[done + accepted]:
            accepted += 1
        for token in output[done : done + accepted + 1]:
            drafter.push(token)
        drafter.learn(accepted)
        done += accepted + 1
        steps += 1
        cost += drafting.costs.relative(1 + len(proposed))
    return steps, cost


def outputs(seed: int, count: int) -> list[list[int]]:
    rng = random.Random(seed)
    return [[rng.randrange(50) for _ in range(60)] for _ in range(count)]


@pytest.mark.parametrize("rows", ROW_COSTS)
@pytest.mark.parametrize("source", ["edit", "lines", "prediction", "document", "prompt"])
def test_drafts_that_are_never_right_cost_next_to_nothing(source: DraftSource, rows: str) -> None:
    drafting = Drafting(costs=FixedCosts(ROW_COSTS[rows]))
    total_steps, total_cost = 0, 0.0
    for output, other in zip(outputs(1, 120), outputs(2, 120), strict=True):
        prompt = TokenPrompt(tuple(other)) if source == "prompt" else PROMPT
        draft = Draft(source, tuple(token + (60 if source == "edit" else 0) for token in other))
        _, cost = decode(drafting, Request(prompt, 60, drafts=(draft,)), output)
        total_steps, total_cost = total_steps + 60, total_cost + cost
    assert total_cost <= 1.03 * total_steps


@pytest.mark.parametrize("source", ["edit", "lines", "prediction", "document"])
def test_drafts_that_are_right_are_as_long_as_the_rows_are_cheap(source: DraftSource) -> None:
    for rows, most_steps, least_steps in (("native", 9, 1), ("torch", 60, 55)):
        drafting = Drafting(costs=FixedCosts(ROW_COSTS[rows]))
        for output in outputs(3, 40):
            steps, cost = decode(drafting, Request(PROMPT, 60, drafts=(Draft(source, tuple(output)),)), output)
        assert least_steps <= steps <= most_steps, rows
        assert cost <= 60


def test_of_two_sources_that_disagree_the_one_that_was_right_before_is_taken() -> None:
    drafting = Drafting(costs=FixedCosts(0.1))
    for output, other in zip(outputs(5, 40), outputs(6, 40), strict=True):
        drafts = (Draft("prediction", tuple(other)), Draft("lines", tuple(output)))
        drafter = drafting.begin(Request(PROMPT, 60, drafts=drafts), FIM)
        assert drafter is not None
        first = drafter.propose(8, is_timed=False)
        drafter.push(output[0])
        drafter.learn(int(first[:1] == output[:1]))
        used = drafter.uses
    assert first[0] == output[0]
    assert used[0].source == "lines"


def test_a_sampled_request_takes_no_draft_and_no_source_none() -> None:
    request = Request(PROMPT, 8, drafts=(Draft("edit", (1, 2, 3)),))
    assert Drafting(sources=frozenset()).begin(request, FIM) is None
    assert Drafting().begin(Request(PROMPT, 8, sampling=Sampling(temperature=0.2)), FIM) is None


def test_the_time_of_a_step_is_measured_where_it_computes_nothing_else() -> None:
    drafting = Drafting()
    drafter = drafting.begin(Request(PROMPT, 8), FIM)
    assert drafter is not None
    for is_timed in (False, True):
        for _ in range(5):
            drafter.propose(0, is_timed=is_timed)
            drafter.push(7)
            drafter.learn(0)
        assert (drafting.costs.step_ms > 0) == is_timed


def test_a_prompt_is_split_at_its_hole_in_both_orders() -> None:
    prefix, suffix = (1, 2, 3), (7, 8)
    assert split_at_hole((5, 900, *prefix, 901, *suffix, 902), FIM) == ((5, 900, *prefix), suffix)
    before, behind = split_at_hole((5, 901, *suffix, 900, *prefix, 902), FIM)
    assert before[-3:] == prefix
    assert behind == suffix
    assert split_at_hole((1, 2, 3), FIM) == ((1, 2, 3), ())
    assert split_at_hole((1, 2, 902), None) == ((1, 2, 902), ())


def test_the_first_token_is_drafted_from_an_earlier_place_of_the_prompt_and_not_from_the_hole() -> None:
    before, suffix = [1, 2, 3, 4, 5, 6, 1, 2, 3], [7, 8]
    for prompt in (
        (FIM.begin, *before, FIM.hole, *suffix, FIM.end),
        (FIM.hole, *suffix, FIM.begin, *before, FIM.end),
    ):
        drafter = Drafting(costs=FixedCosts(0.0)).begin(Request(TokenPrompt(prompt), 60), FIM)
        assert drafter is not None
        assert drafter.propose(3, is_timed=False) == [4, 5, 6]
