from dataclasses import replace

import pytest

from inference.api import Trace
from lsp_server.server.prompt_budget import FIRST_TOKENS, PromptBudget


def cost(prefilled_tokens: int, tokens_a_second: float) -> Trace:
    return Trace(4096, 4096 - prefilled_tokens, prefilled_tokens, 1, 1000 * prefilled_tokens / tokens_a_second, 1e4)


@pytest.mark.parametrize(("tokens_a_second", "tokens"), [(50, 1024), (900, 2048), (6000, 8192), (1e6, 131072)])
def test_the_budget_is_what_the_engine_reads_in_two_seconds(tokens_a_second: float, tokens: int) -> None:
    budget = PromptBudget()
    assert budget.tokens == FIRST_TOKENS
    for _ in range(9):
        budget.learn(cost(500, tokens_a_second))
    assert budget.tokens == tokens


def test_the_budget_does_not_swing_with_the_speed_nor_learn_from_cached_prompts() -> None:
    budget = PromptBudget()
    sizes = set()
    for number in range(40):
        budget.learn(cost(500, 1900 if number % 2 else 2200))
        budget.learn(cost(3, 5))
        sizes.add(budget.tokens)
    assert len(sizes) == 1


def test_the_time_in_which_the_model_was_loading_is_no_time_of_reading() -> None:
    budget = PromptBudget()
    budget.learn(replace(cost(500, 6000), ttft_ms=20_000 + 1000 * 500 / 6000, queue_ms=20_000.0))
    assert budget.tokens == 8192


def test_a_budget_starts_from_the_speed_that_the_engine_knows() -> None:
    budget = PromptBudget()
    budget.start_from(None)
    assert (budget.tokens, budget.quick_tokens) == (FIRST_TOKENS, None)
    budget.start_from(100.0)
    assert budget.tokens == 1024
    budget.learn(cost(500, 6000))
    budget.start_from(100.0)  # requests know better
    assert budget.tokens == 8192


@pytest.mark.parametrize(("tokens_a_second", "tokens"), [(50, 128), (1000, 256), (2000, 512), (100_000, None)])
def test_a_quick_prompt_takes_a_quarter_of_a_second_where_a_whole_one_takes_long(
    tokens_a_second: float, tokens: int | None
) -> None:
    budget = PromptBudget()
    budget.start_from(tokens_a_second)
    assert budget.quick_tokens == tokens


def test_a_quick_prompt_stays_as_long_while_the_speed_changes_little() -> None:
    budget = PromptBudget()
    sizes = set()
    for speed in (1000, 1100, 900, 1200, 850):
        budget.start_from(speed)
        sizes.add(budget.quick_tokens)
    assert sizes == {256}


def test_a_question_is_asked_with_what_is_read_in_ten_seconds():
    budget = PromptBudget()
    assert (budget.question_tokens, budget.tokens_a_second) == (FIRST_TOKENS, None)
    sizes = []
    for speed in (10.0, 170.0, 400.0, 50_000.0):
        slow = PromptBudget()
        slow.start_from(speed)
        assert slow.tokens_a_second == speed
        sizes.append(slow.question_tokens)
    assert sizes == [1024, 1700, 4000, 8192]
