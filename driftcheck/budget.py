"""The budget of a comparison whose size a pull request decides: steps that are spent instead of seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

LONG: Final = 64
"""Characters that cost one step more."""


class OverBudgetError(Exception):
    """The budget is used up."""


@dataclass(slots=True)
class Budget:
    """The number of steps that are left."""

    left: int

    def spend(self, steps: int = 1) -> None:
        """Use some of them; raises OverBudgetError if fewer are left."""
        self.left -= steps
        if self.left < 0:
            raise OverBudgetError


def weight(value: Any) -> int:
    """Return the number of steps that comparing a value takes."""
    steps, pending = 0, [value]
    while pending:
        each = pending.pop()
        steps += 1
        if isinstance(each, str):
            steps += len(each) // LONG
        elif isinstance(each, dict):
            pending += each.values()
        elif isinstance(each, list | tuple):
            pending += each
    return steps
