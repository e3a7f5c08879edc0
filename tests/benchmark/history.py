"""The history that is measured: a year of daily runs over deployments of which 50 have an open item."""

from __future__ import annotations

import sys
from typing import Final

from tests.history.reports import change, comparison, keep, report

DAYS: Final = 365
OPEN: Final = 50
IDENTITY: Final = "benchmark"


def main(url: str, size: int) -> None:
    """Record the runs; each day one item is resolved and another one opened."""
    for day in range(DAYS):
        drifted = {(day + number) * 7 % size for number in range(min(OPEN, size))}
        deployments = [
            comparison(f"agent-{number:05}", [change(live=7)] if number in drifted else [], compared=25)
            for number in range(size)
        ]
        keep(url, f"run-{day}", report(day, deployments, report_id=IDENTITY))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
