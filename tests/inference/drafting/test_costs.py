"""The costs of a step by its rows come from what was measured."""

import pytest

from inference.drafting.costs import StepCosts
from inference.drafting.worth import Worth


def costs_of(**ms: float) -> StepCosts:
    costs = StepCosts()
    for rows, time_ms in ms.items():
        for _ in range(3):
            costs.note(int(rows.removeprefix("r")), time_ms)
    return costs


def test_measured_rows_are_known_and_others_lie_between_them() -> None:
    costs = costs_of(r1=10.0, r4=13.0, r8=21.0)
    assert costs.relative(1) == 1
    assert costs.relative(4) == pytest.approx(1.3)
    assert costs.relative(2) == pytest.approx(1.1)
    assert costs.relative(6) == pytest.approx(1.7)
    assert costs.relative(15) == pytest.approx(2.1 + 7 * 1.1 / 7)


def test_steps_that_another_program_has_stopped_do_not_count() -> None:
    costs = costs_of(r1=10.0)
    costs.note(2, 900.0)
    assert costs.relative(2) < 1.2
    for time_ms in (12.0, 90.0, 12.0, 500.0, 12.0):
        costs.note(2, time_ms)
    assert costs.relative(2) == pytest.approx(1.2)
    for _ in range(9):
        costs.note(2, 30.0)
    assert costs.relative(2) == pytest.approx(3.0)


def test_a_cost_that_keeps_a_draft_away_is_forgotten() -> None:
    """Or a step that was slow once would never be tried again."""
    costs = costs_of(r1=10.0, r3=80.0)
    before = costs.relative(3)
    for _ in range(1100):
        costs.note(1, 10.0)
    assert costs.relative(3) < 1.5 < before


def test_drafts_that_cost_time_pause_ever_longer_and_those_that_save_it_go_on() -> None:
    costs = costs_of(r1=10.0, r2=20.0)
    worth = Worth()
    drafting = []
    for _ in range(6000):
        drafting.append(worth.may_draft())
        worth.spend(0.5)
        worth.earn(costs, 1, 0)
    assert sum(drafting[-3000:]) / 3000 < 0.1
    worth = Worth()
    for _ in range(500):
        assert worth.may_draft()
        worth.spend(0.5)
        worth.earn(costs, 1, 1 if costs.relative(2) > 2.5 else 2)


def test_after_a_pause_drafts_are_tried_again() -> None:
    costs = costs_of(r1=10.0, r2=20.0)
    worth = Worth()
    for _ in range(64):
        worth.may_draft()
        worth.earn(costs, 1, 0)
    paused = [worth.may_draft() for _ in range(200)]
    assert not paused[0]
    assert paused[-1]
