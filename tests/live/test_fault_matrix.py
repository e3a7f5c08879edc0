"""Every fault at every page: the listing is whole and right, or it is told that it is not; and never late.

`Snapshot.complete` is what may end with status 0, so it is what must never be said of a spoiled listing.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from driftcheck.errors import LiveError
from driftcheck.live.emulator import create_app
from driftcheck.live.endpoint import Connection
from driftcheck.live.fetch import fetch
from driftcheck.live.plan import FAULTS, Edit, Fault, Plan
from driftcheck.model import Snapshot
from tests.live.conftest import Emulate
from tests.live.samples import KEY, deployments

COUNT = 150
POSITIONS = {"first": 0, "second": 99, "proof": COUNT - 1, "end": COUNT, "guess": 4 * 99}
"""Where a fault strikes: one request at a time asks behind the end, four at a time ask further ahead instead."""

HARMLESS = {"gzip", "no_offset", "odd_offset"}
"""What an answer may do without being wrong."""

NOTHING_TO_SPOIL = {"short_page", "empty_page", "no_id", "no_name", "other_workspace"}
"""Faults of items, which do nothing to an answer without items."""

SEEN_THROUGH = {("first_page", 0), ("short_page", 0), ("short_page", 99), ("first_page", 396), ("null_item", 396)}
"""What is the right answer anyway, and what a careful reading copes with: pages of any size, no page by a guess."""

SLOW = {"silence", "drip"}

BUDGET = 10.0
"""Seconds within which each must end, whatever else the machine does."""

FLEETING = ("status", "drop", "cut", "empty", "gzip_cut")
"""What asking again cures."""


def fetched(
    emulate: Emulate, plan: Plan, *, count: int = COUNT, timeout: float = 60.0, **settings: Any
) -> tuple[Snapshot | LiveError, Any]:
    """Fetch within the budget: a snapshot or the error that was told, and what was asked; the rest fails the test."""
    app = create_app(deployments(count), plan=plan)
    connection = Connection(emulate(app), KEY, timeout=timeout, **settings)
    outcome: Snapshot | LiveError
    start = time.monotonic()
    try:
        outcome = fetch(connection, names=tuple, scope={}, progress=lambda _: None, sleep=lambda _: None)
    except LiveError as error:
        outcome = error
    assert time.monotonic() - start < BUDGET
    assert set(app.state.record.methods) == {"GET"}
    return outcome, app.state.record


def is_whole(outcome: Snapshot | LiveError, count: int = COUNT) -> bool:
    """Whether the listing was read whole; that it says so and is not, fails the test."""
    if isinstance(outcome, LiveError):
        assert outcome.message
        return False
    names = [found.name for found in outcome.deployments]
    assert len(set(names)) == len(names)
    if outcome.complete:
        assert names == [item["name"] for item in deployments(count)]
    return outcome.complete


@pytest.mark.parametrize(("position", "concurrency"), [*((p, 1) for p in POSITIONS), ("second", 4), ("guess", 4)])
@pytest.mark.parametrize("kind", FAULTS)
def test_a_lasting_fault_is_told_wherever_it_strikes(
    emulate: Emulate, kind: str, position: str, concurrency: int
) -> None:
    offset = POSITIONS[position]
    strikes = position != "guess" or concurrency == 4
    plan = Plan(faults=(Fault(kind, offset=offset, seconds=5.0),))
    timeout = 1.0 if kind in SLOW and strikes else 60.0
    outcome, record = fetched(emulate, plan, timeout=timeout, retries=1, concurrency=concurrency)
    struck = any(f"offset={offset}" in query.split("&") for _, query in record.requests)
    assert struck is strikes
    if kind == "empty_page" and offset == 0:
        assert isinstance(outcome, Snapshot)
        assert outcome.deployments == ()
        return
    good = kind in HARMLESS or (kind, offset) in SEEN_THROUGH or (offset >= COUNT and kind in NOTHING_TO_SPOIL)
    assert is_whole(outcome) is (good or not struck)


@pytest.mark.parametrize("request_number", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", FLEETING)
def test_a_passing_fault_leaves_no_trace(emulate: Emulate, kind: str, request_number: int) -> None:
    outcome, _ = fetched(emulate, Plan(faults=(Fault(kind, request=request_number),)))
    assert is_whole(outcome)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 501, 502, 503, 504])
@pytest.mark.parametrize("position", ["first", "second", "proof", "guess"])
def test_a_status_that_stays_is_told_wherever_it_strikes(emulate: Emulate, status: int, position: str) -> None:
    outcome, _ = fetched(emulate, Plan(faults=(Fault("status", offset=POSITIONS[position], status=status),)), retries=1)
    assert not is_whole(outcome)


def test_a_fetch_that_fails_tells_how_much_was_asked(emulate: Emulate) -> None:
    outcome, record = fetched(emulate, Plan(faults=(Fault("status"),)), retries=2, concurrency=1)
    assert isinstance(outcome, LiveError)
    assert outcome.requests == len(record.requests) == 3


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize(
    "edit", [{"delete": ("agent-00000",)}, {"delete": ("agent-00120",)}, {"order": "reversed"}, {"order": "random"}]
)
@pytest.mark.parametrize("fault", [None, "status", "cut", "short_page", "empty_page"])
def test_a_change_between_pages_is_settled_or_told(
    emulate: Emulate, after: int, edit: dict[str, Any], fault: str | None
) -> None:
    faults = () if fault is None else (Fault(fault, request=3),)
    outcome, _ = fetched(emulate, Plan(edits=(Edit(after, **edit),), faults=faults))
    assert isinstance(outcome, Snapshot)
    gone = set(edit.get("delete", ()))
    if outcome.complete:
        names = {found.name for found in outcome.deployments}
        assert {item["name"] for item in deployments(COUNT)} - gone <= names


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - SLOW))
@pytest.mark.parametrize("count", [1, 100])
def test_a_fault_in_every_answer_is_told_whatever_the_size(emulate: Emulate, kind: str, count: int) -> None:
    outcome, _ = fetched(emulate, Plan(faults=(Fault(kind),)), count=count, retries=0)
    if kind == "empty_page" or (kind, count) == ("short_page", 1):
        assert isinstance(outcome, Snapshot)
        assert outcome.deployments == ()
    else:
        alone_in_its_workspace = (kind, count) == ("other_workspace", 1)
        assert is_whole(outcome, count) is (kind in HARMLESS or alone_in_its_workspace)
