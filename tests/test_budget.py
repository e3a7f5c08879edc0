"""A budget of steps, and what a value costs."""

from __future__ import annotations

from typing import Any

import pytest

from driftcheck.budget import LONG, Budget, OverBudgetError, weight


def test_as_many_steps_can_be_spent_as_there_are() -> None:
    budget = Budget(3)
    budget.spend()
    budget.spend(2)
    assert budget.left == 0
    with pytest.raises(OverBudgetError):
        budget.spend()


def test_an_overdrawn_budget_stays_overdrawn() -> None:
    budget = Budget(1)
    for steps in (2, 1):
        with pytest.raises(OverBudgetError):
            budget.spend(steps)


@pytest.mark.parametrize(
    ("value", "steps"),
    [
        (None, 1),
        (7, 1),
        ("x" * (LONG - 1), 1),
        ("x" * LONG, 2),
        ([], 1),
        (["a", ("b", {"c": 1})], 6),
        ({"a": {"b": "x" * 3 * LONG}}, 6),
    ],
)
def test_a_value_costs_a_step_for_each_part_and_more_for_long_texts(value: Any, steps: int) -> None:
    assert weight(value) == steps


def test_a_value_of_any_depth_has_a_cost() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert weight(value) == 100_001
