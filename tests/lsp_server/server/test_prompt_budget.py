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
