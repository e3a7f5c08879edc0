"""The trend of open items: one point for each day with a run; pure functions."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from driftcheck.history.store import RunRow
from driftcheck.history.transitions import Item
from driftcheck.model import Severity


@dataclass(frozen=True, slots=True)
class Point:
    """One day, at the time of its last run."""

    at: str
    errors: int
    warnings: int
    opened: int
    """Since the point before."""
    resolved: int
    coverage: float | None
    """The share of live deployments that are declared, as last known; None if it was never known."""
    oldest_days: float | None
    """The age of the oldest open item."""
    conclusive: bool
    """False if a target's last run was inconclusive."""
    most: int
    """How many items were open at once, at most, after a run of the day."""

    @property
    def open(self) -> int:
        """Return how many items are open."""
        return self.errors + self.warnings


@dataclass(frozen=True, slots=True)
class Month:
    """The items that were resolved in a month."""

    month: str
    resolved: int
    median_days: float
    longest_days: float


@dataclass(frozen=True, slots=True)
class Trend:
    """The development over time."""

    points: tuple[Point, ...]
    months: tuple[Month, ...]


def trend(runs: Sequence[RunRow], items: Sequence[Item]) -> Trend:
    """Return the trend of runs (oldest first) and all episodes of their items."""
    starts, ends = [item.first_seen for item in items], sorted(item.resolved_at for item in items if item.resolved_at)
    days: dict[str, list[RunRow]] = {}
    for run in runs:
        if not run.info["review"]:
            days.setdefault(run.generated_at[:10], []).append(run)
    latest: dict[str, Mapping[str, Any]] = {}
    known: dict[str, Mapping[str, Any]] = {}
    points: list[Point] = []
    before = ""
    for group in days.values():
        for part in (part for run in group for part in run.parts if part["is_target"]):
            latest[part["stream"]] = part
            if part["coverage"] is not None and part["live"]:
                known[part["stream"]] = part
        at = group[-1].generated_at
        most = max(bisect_right(starts, run.generated_at) - bisect_right(ends, run.generated_at) for run in group)
        points.append(_point(before, at, items, latest, known, most))
        before = at
    return Trend(tuple(points), tuple(_months(items)))


def _point(
    before: str,
    at: str,
    items: Sequence[Item],
    latest: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
    most: int,
) -> Point:
    open_now = [item for item in items if item.first_seen <= at and (item.resolved_at is None or item.resolved_at > at)]
    live = sum(part["live"] for part in known.values())
    oldest = min((item.first_seen for item in open_now), default=None)
    return Point(
        at=at,
        errors=sum(item.severity is Severity.ERROR for item in open_now),
        warnings=sum(item.severity is Severity.WARNING for item in open_now),
        opened=sum(before < item.first_seen <= at for item in items),
        resolved=sum(item.resolved_at is not None and before < item.resolved_at <= at for item in items),
        coverage=sum(part["coverage"] * part["live"] for part in known.values()) / live if live else None,
        oldest_days=None if oldest is None else days_between(oldest, at),
        conclusive=all(part["conclusive"] for part in latest.values()),
        most=most,
    )


def _months(items: Sequence[Item]) -> list[Month]:
    months: dict[str, list[float]] = {}
    for item in items:
        if item.resolved_at is not None:
            months.setdefault(item.resolved_at[:7], []).append(days_between(item.first_seen, item.resolved_at))
    return [Month(m, len(days), statistics.median(days), max(days)) for m, days in sorted(months.items())]


def days_between(earlier: str, later: str) -> float:
    """Return the days between two times."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)) / timedelta(days=1)
