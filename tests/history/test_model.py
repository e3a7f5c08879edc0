"""A year of days against a simple model: exactly its openings, changes and resolutions."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftcheck.history import store
from driftcheck.history.items import Scope
from driftcheck.model import Outcome, Report, State
from tests.history.conftest import new_postgres
from tests.history.reports import change, comparison, day, keep, report, with_targets

TARGETS = ("production", "staging")
NAMES = ("ada", "bob", "cyd")


@dataclass(frozen=True)
class Day:
    """One run: the drift there is, which targets could be read, and what the run is narrowed to."""

    drift: dict[str, dict[str, int]]
    """Live value by name, of each target."""
    readable: frozenset[str]
    names: tuple[str, ...] = ()
    selected: tuple[str, ...] = TARGETS
    renamed: bool = False
    delay: int = 0
    """After how many later runs this one is recorded."""


@dataclass
class Model:
    """The open items by target and name, in the simplest form: the day each was opened, and its value."""

    open: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    opened: Counter[tuple[str, str]] = field(default_factory=Counter)
    resolved: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[tuple[str, str], int] = field(default_factory=dict)
    """The last day that reports anything about a name."""

    def run(self, number: int, made: Day) -> dict[tuple[str, str], State | None]:
        states: dict[tuple[str, str], State | None] = {}
        for target in made.selected:
            shown = shown_drift(made, target)
            conclusive = target in made.readable
            for name in every_name():
                if made.names and name not in made.names:
                    continue
                key = (target, name)
                late = self.last.get(key, -1) > number
                if conclusive and not late:
                    self.last[key] = number
                if name in shown:
                    state = self.seen(key, number, shown[name], moves=conclusive and not late)
                    states[key] = state if conclusive or state is not State.NEW else None
                elif conclusive and not late and key in self.open:
                    del self.open[key]
                    self.resolved[key] += 1
        return states

    def seen(self, key: tuple[str, str], number: int, value: int, *, moves: bool) -> State:
        known = self.open.get(key)
        state = State.NEW if known is None else State.KNOWN if known[1] == value else State.CHANGED
        if moves:
            self.opened[key] += known is None
            self.open[key] = (number if known is None else known[0], value)
        return state


def every_name() -> list[str]:
    return [*NAMES, *(f"{name}-new" for name in NAMES)]


def shown_drift(made: Day, target: str) -> dict[str, int]:
    """Return the drift that the run reports for a target."""
    drift = {f"{name}-new" if made.renamed else name: value for name, value in made.drift[target].items()}
    return {name: value for name, value in drift.items() if not made.names or name in made.names}


def made_report(number: int, made: Day) -> Report:
    deployments = [
        comparison(name, [change(live=shown[name])] if name in shown else [], target)
        for target in made.selected
        for shown in [shown_drift(made, target)]
        for name in every_name()
        if not made.names or name in made.names
    ]
    outcomes = {
        target: Outcome.INCOMPLETE
        if target not in made.readable
        else Outcome.DRIFT
        if shown_drift(made, target)
        else Outcome.IN_SYNC
        for target in made.selected
    }
    return with_targets(report(number, deployments), outcomes)


DAYS = st.builds(
    Day,
    drift=st.fixed_dictionaries(
        {target: st.dictionaries(st.sampled_from(NAMES), st.integers(1, 2), max_size=2) for target in TARGETS}
    ),
    readable=st.sampled_from(
        [frozenset(TARGETS)] * 6 + [frozenset(["staging"]), frozenset(["production"]), frozenset()]
    ),
    names=st.sampled_from([()] * 4 + [("ada",), ("bob", "cyd-new"), ("ada-new",)]),
    selected=st.sampled_from([TARGETS] * 4 + [("staging",), ("production",)]),
    renamed=st.sampled_from([False] * 5 + [True]),
    delay=st.sampled_from([0] * 6 + [1, 2]),
)
"""Drift that comes, changes and goes; outages; narrowed runs; renames; overlapping runs."""


def stretched(days: list[Day], length: int) -> list[Day]:
    """Return as many days, each lasting for a while, as real ones do."""
    return [days[number * len(days) // length] for number in range(length)]


def compare_with_model(url: str, days: list[Day]) -> None:
    model = Model()
    order = sorted(range(len(days)), key=lambda number: (number + days[number].delay, number))
    for number in order:
        kept = keep(url, f"r{number}", made_report(number, days[number]), Scope(names=days[number].names))
        expected = model.run(number, days[number])
        shown = {(c.target, c.name): x.state for c in kept.deployments for x in c.changes}
        assert shown == expected
    found = store.all_items(url)
    assert Counter((item.target, item.key.deployment) for item in found) == +model.opened
    assert Counter((item.target, item.key.deployment) for item in found if item.resolved_at) == +model.resolved
    assert {
        (item.target, item.key.deployment): (item.first_seen, item.value) for item in found if item.resolved_at is None
    } == {key: (day(number), str(value)) for key, (number, value) in model.open.items()}
    assert +(model.opened - model.resolved) == Counter(list(model.open))


@given(days=st.lists(DAYS, min_size=5, max_size=30))
def test_sqlite_does_what_the_model_does(days: list[Day]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare_with_model(f"sqlite:///{folder}/history.db", days)


@pytest.mark.slow
@settings(max_examples=6)
@given(days=st.lists(DAYS, min_size=60, max_size=120))
def test_sqlite_does_what_the_model_does_for_a_year(days: list[Day]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare_with_model(f"sqlite:///{folder}/history.db", stretched(days, 365))


@pytest.mark.slow
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(DAYS, min_size=30, max_size=90))
def test_postgres_does_what_the_model_does(postgres_server: Path, days: list[Day]) -> None:
    compare_with_model(new_postgres(postgres_server), days)


@given(days=st.lists(DAYS, min_size=4, max_size=7), random=st.randoms(use_true_random=False))
def test_the_order_of_recording_different_targets_does_not_matter(days: list[Day], random: Random) -> None:
    """Each target's runs stay in order; how the two are interleaved is left to chance."""
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for attempt in range(2):
            url = f"sqlite:///{folder}/{attempt}.db"
            queues = {target: list(range(len(days))) for target in TARGETS}
            while any(queues.values()):
                target = random.choice([target for target in TARGETS if queues[target]])
                number = queues[target].pop(0)
                alone = Day(days[number].drift, days[number].readable, days[number].names, (target,))
                keep(url, f"{target}-{number}", made_report(number, alone), Scope(names=alone.names))
            found = store.all_items(url)
            results.append({(i.target, i.key.deployment, i.first_seen, i.resolved_at, i.value) for i in found})
        assert results[0] == results[1]


@given(days=st.lists(DAYS, min_size=3, max_size=9))
def test_recording_everything_twice_changes_nothing(days: list[Day]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/history.db"
        recorded = []
        for _ in range(2):
            for number, made in enumerate(days):
                keep(url, f"r{number}", made_report(number, made), Scope(names=made.names))
            recorded.append((store.all_items(url), store.runs(url)))
        assert recorded[0] == recorded[1]
