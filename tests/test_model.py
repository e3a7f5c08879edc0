"""The domain's types: immutable, and their numbers derived from their parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from driftcheck import model
from driftcheck.model import (
    Change,
    ChangeKind,
    Comparison,
    DeclaredSummary,
    Deployment,
    Finding,
    LiveSummary,
    Location,
    Outcome,
    Report,
    Severity,
    Snapshot,
    Status,
    Suppression,
)

HIDDEN = Suppression("because")
CHANGE = Change(ChangeKind.MODIFIED, ("a",), 1, 2)


def types() -> Iterator[type]:
    for value in vars(model).values():
        if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == model.__name__:
            yield value


@pytest.mark.parametrize("kind", list(types()), ids=lambda kind: kind.__name__)
def test_every_type_is_frozen_and_has_slots(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(kind)


def test_severities_are_ranked_worst_first() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [Severity.ERROR, Severity.WARNING, Severity.NOTE]


@pytest.mark.parametrize(
    ("status", "name"), [(0, "in_sync"), (1, "drift"), (2, "invalid"), (3, "incomplete"), (4, "defect")]
)
def test_an_outcome_is_named_as_the_contract_says(status: int, name: str) -> None:
    assert Outcome(name).status == status


def test_a_location_prints_as_editors_read_it() -> None:
    assert str(Location("prod/agents.yaml", 12, 5)) == "prod/agents.yaml:12:5"
    assert Location("a", 2, 1) < Location("a", 10, 1) < Location("b", 1, 1)


def test_a_snapshot_is_complete_where_nothing_is_left_open() -> None:
    assert Snapshot("x", ()).complete
    assert not Snapshot("x", (), gaps=("cut",)).complete


def test_a_text_of_a_deployment_is_a_text_or_nothing() -> None:
    live = Deployment("a", {"id": "1", "status": ["READY"], "url": None})
    assert (live.id, live.text("status"), live.text("url"), live.text("none")) == ("1", None, None, None)
    assert Deployment("a", {"id": 1}).id is None


def report(*, complete: bool = True, gaps: tuple[str, ...] = (), live: int = 4, listed: bool = True) -> Report:
    comparisons = (
        Comparison("a", Status.IN_SYNC, "1", unverifiable=(("x",), ("y",))),
        Comparison("b", Status.DRIFTED, "2", changes=(CHANGE, dataclasses.replace(CHANGE, suppressed=HIDDEN))),
        Comparison("c", Status.MISSING),
        Comparison("d", Status.UNMANAGED, "3"),
        Comparison("e", Status.UNMANAGED, "4"),
    )
    findings = (
        Finding("missing-deployment", Severity.ERROR, "x", deployment="c"),
        Finding("unmanaged-deployment", Severity.NOTE, "x", deployment="d"),
        Finding("unmanaged-deployment", Severity.NOTE, "x", deployment="e", suppressed=HIDDEN),
    )
    summary = LiveSummary("x", None, None, 1, 1, live, not gaps, gaps)
    return Report(
        driftcheck_version="0",
        command="check",
        generated_at="",
        outcome=Outcome.DRIFT,
        live=summary if listed else None,
        declared=DeclaredSummary(complete=complete),
        deployments=comparisons,
        findings=findings,
    )


def test_a_report_is_counted_from_its_parts() -> None:
    summary = report().summary
    assert summary.statuses == {
        Status.IN_SYNC: 1,
        Status.DRIFTED: 1,
        Status.PROPOSED: 0,
        Status.MISSING: 1,
        Status.UNMANAGED: 2,
        Status.UNKNOWN: 0,
    }
    assert (summary.changes, summary.suppressed, summary.unverifiable) == (1, 2, 2)
    assert summary.findings == {Severity.ERROR: 1, Severity.WARNING: 0, Severity.NOTE: 1}


def test_coverage_is_the_share_of_live_deployments_that_are_declared() -> None:
    assert report().summary.coverage == 0.5

    assert report(complete=False).summary.coverage is None
    assert report(gaps=("cut",)).summary.coverage is None
    assert report(listed=False).summary.coverage is None


def test_a_report_is_complete_where_both_sides_are() -> None:
    assert report().complete
    assert report(listed=False).complete
    assert not report(complete=False).complete
    assert not report(gaps=("cut",)).complete
