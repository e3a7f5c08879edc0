"""Severities by policy, and the outcome of a run (docs/contract.md, Exit status)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from driftcheck.model import (
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    DeclaredSummary,
    Finding,
    LiveSummary,
    Outcome,
    Report,
    Severity,
    State,
    Status,
    Suppression,
    TargetSummary,
)
from driftcheck.outcomes import decide, fail_on_new, with_severities, with_severity
from driftcheck.settings import Policy

CHANGE = Change(ChangeKind.MODIFIED, ("source_config", "resource_spec", "cpu"), 1, 2)
ACCEPTED = Suppression("load test")
DECLARED = DeclaredSummary(("agents.yaml",), 1)
THREE_WAY = replace(DECLARED, base="0" * 40)
LIVE = LiveSummary("live.json", None, None, 1, 1, 1, complete=True, gaps=())


def compared(*changes: Change, status: Status = Status.DRIFTED, number: int = 9) -> Comparison:
    return Comparison("a", status, "id-of-a", changes=changes, compared=number)


def outcome(
    *items: Change | Finding,
    policy: Policy | None = None,
    declared: DeclaredSummary = DECLARED,
    live: LiveSummary | None = LIVE,
    allow_partial: bool = False,
    **comparison: Any,
) -> Outcome:
    changes = [each for each in items if isinstance(each, Change)]
    findings = [each for each in items if isinstance(each, Finding)]
    comparisons = [compared(*changes, **comparison)]
    return decide(policy or Policy(), declared, live, comparisons, findings, allow_partial=allow_partial)


def found(rule: str, severity: Severity, **values: Any) -> Finding:
    return Finding(rule, severity, "x", **values)


# --- severities ---


@pytest.mark.parametrize(
    ("change_class", "severity"),
    [
        (ChangeClass.DRIFT, Severity.ERROR),
        (ChangeClass.CONFLICT, Severity.ERROR),
        (ChangeClass.ELSEWHERE, Severity.WARNING),
        (ChangeClass.PROPOSED, Severity.NOTE),
        (ChangeClass.ADOPTED, Severity.NOTE),
        (ChangeClass.OUTDATED, Severity.NOTE),
    ],
)
def test_the_class_of_a_change_gives_its_severity(change_class: ChangeClass, severity: Severity) -> None:
    assert with_severity(replace(CHANGE, change_class=change_class), Policy()).severity is severity


def test_the_severity_of_drift_is_that_of_the_gated_classes() -> None:
    policy = Policy(gate=frozenset({ChangeClass.PROPOSED}), severities={"drift": Severity.WARNING})
    assert with_severity(replace(CHANGE, change_class=ChangeClass.PROPOSED), policy).severity is Severity.WARNING
    assert with_severity(CHANGE, policy).severity is Severity.NOTE


def test_undeclared_sharing_is_at_most_a_warning() -> None:
    shared = Change(ChangeKind.ADDED, ("shareable",), None, True)
    assert with_severity(shared, Policy()).severity is Severity.WARNING
    assert with_severity(replace(shared, kind=ChangeKind.MODIFIED, declared=False), Policy()).severity is Severity.ERROR


def test_findings_have_the_severity_of_the_policy_and_come_worst_first() -> None:
    policy = Policy(severities={"long-name": Severity.ERROR})
    findings = [found("cpu-rounded", Severity.WARNING, deployment=name) for name in "ba"]
    findings = [*findings, found("long-name", Severity.NOTE)]
    ranked = with_severities(findings, policy, is_three_way=False)
    assert [(each.rule, each.severity, each.deployment) for each in ranked] == [
        ("long-name", Severity.ERROR, None),
        ("cpu-rounded", Severity.WARNING, "a"),
        ("cpu-rounded", Severity.WARNING, "b"),
    ]


def test_with_a_base_the_class_of_a_whole_deployment_gives_its_severity() -> None:
    missing = found("missing-elsewhere", Severity.ERROR)
    (three_way,) = with_severities([missing], Policy(), is_three_way=True)
    (two_way,) = with_severities([missing], Policy(), is_three_way=False)
    assert (three_way.severity, two_way.severity) == (Severity.WARNING, Severity.ERROR)


def test_findings_of_rules_that_are_off_are_suppressed_with_the_reason() -> None:
    policy = Policy(off=frozenset({"long-name"}))
    own = found("long-name", Severity.WARNING, suppressed=ACCEPTED)
    turned_off, kept = with_severities([found("long-name", Severity.WARNING), own], policy, is_three_way=False)
    assert turned_off.suppressed is not None
    assert "severities" in turned_off.suppressed.reason
    assert kept.suppressed == ACCEPTED


# --- outcome ---


def test_equal_sides_are_in_sync() -> None:
    assert outcome() is Outcome.IN_SYNC


def test_a_suppressed_change_is_not_drift() -> None:
    assert outcome(CHANGE) is Outcome.DRIFT
    assert outcome(replace(CHANGE, suppressed=ACCEPTED)) is Outcome.IN_SYNC


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [
        (None, Outcome.PASSED),
        (Severity.ERROR, Outcome.PASSED),
        (Severity.WARNING, Outcome.DRIFT),
        (Severity.NOTE, Outcome.DRIFT),
    ],
)
def test_fail_on_is_the_least_severity_that_fails(fail_on: Severity | None, expected: Outcome) -> None:
    assert outcome(replace(CHANGE, severity=Severity.WARNING), policy=Policy(fail_on=fail_on)) is expected


@pytest.mark.parametrize("change_class", ChangeClass)
def test_with_a_base_the_gate_alone_chooses_the_classes_that_fail(change_class: ChangeClass) -> None:
    for gate, severity in itertools.product(ChangeClass, Severity):
        change = replace(CHANGE, change_class=change_class, severity=severity)
        policy = Policy(gate=frozenset({gate}))
        assert (outcome(change, policy=policy, declared=THREE_WAY) is Outcome.DRIFT) == (change_class is gate)
        assert outcome(change, policy=replace(policy, fail_on=None), declared=THREE_WAY) is not Outcome.DRIFT


def test_an_adopted_change_is_in_sync() -> None:
    assert outcome(replace(CHANGE, change_class=ChangeClass.ADOPTED), declared=THREE_WAY) is Outcome.IN_SYNC
    assert outcome(replace(CHANGE, change_class=ChangeClass.PROPOSED), declared=THREE_WAY) is Outcome.PASSED


@pytest.mark.parametrize(
    ("rule", "severity", "expected"),
    [
        ("invalid-type", Severity.ERROR, Outcome.INVALID),
        ("cpu-rounded", Severity.WARNING, Outcome.IN_SYNC),
        ("nothing-declared", Severity.WARNING, Outcome.INVALID),
        ("missing-deployment", Severity.ERROR, Outcome.DRIFT),
        ("policy:small", Severity.ERROR, Outcome.DRIFT),
    ],
)
def test_only_a_defect_of_the_declarations_is_invalid(rule: str, severity: Severity, expected: Outcome) -> None:
    assert outcome(found(rule, severity)) is expected
    assert outcome(found(rule, severity, suppressed=ACCEPTED)) is Outcome.IN_SYNC


def test_unmanaged_deployments_that_count_are_a_difference() -> None:
    unmanaged = found("unmanaged-deployment", Severity.WARNING)
    assert outcome(unmanaged) is Outcome.PASSED
    assert outcome(replace(unmanaged, severity=Severity.NOTE)) is Outcome.IN_SYNC


def test_X6_invalid_comes_before_incomplete_before_drift() -> None:
    partly, broken = replace(LIVE, complete=False), replace(DECLARED, complete=False)
    assert outcome(CHANGE, live=partly, declared=broken) is Outcome.INVALID
    assert outcome(CHANGE, live=partly) is Outcome.INCOMPLETE
    assert outcome(status=Status.UNKNOWN) is Outcome.INCOMPLETE


def test_a_partial_run_may_pass_where_something_was_compared() -> None:
    partly = replace(LIVE, complete=False)
    assert outcome(live=partly, allow_partial=True) is Outcome.PASSED
    assert outcome(CHANGE, live=partly, allow_partial=True) is Outcome.DRIFT
    assert outcome(live=partly, allow_partial=True, number=0) is Outcome.INCOMPLETE
    undeclared = DeclaredSummary()
    assert outcome(live=partly, declared=undeclared, allow_partial=True) is Outcome.PASSED
    assert outcome(live=replace(partly, deployments=0), declared=undeclared, allow_partial=True) is Outcome.INCOMPLETE


# --- fail on new ---


def report(*changes: Change, findings: tuple[Finding, ...] = ()) -> Report:
    return Report(
        "0.1.0", "check", "2026-01-08T04:05:34Z", Outcome.DRIFT, LIVE, DECLARED, (compared(*changes),), findings
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, Outcome.DRIFT),
        (State.NEW, Outcome.DRIFT),
        (State.CHANGED, Outcome.DRIFT),
        (State.KNOWN, Outcome.PASSED),
    ],
)
def test_fail_on_new_fails_for_what_the_history_does_not_know(state: State | None, expected: Outcome) -> None:
    change = replace(CHANGE, state=state)
    finding = found("missing-deployment", Severity.ERROR, state=state)
    for given in (report(change), report(findings=(finding,))):
        assert fail_on_new(given, {None: Policy()}).outcome is expected


@pytest.mark.parametrize("outcome", [Outcome.INVALID, Outcome.INCOMPLETE])
def test_fail_on_new_forgives_neither_2_nor_3(outcome: Outcome) -> None:
    assert fail_on_new(replace(report(), outcome=outcome), {None: Policy()}).outcome is outcome


def test_fail_on_new_decides_for_each_target_by_its_own_policy() -> None:
    names = ("staging", "production")
    sides = [
        replace(compared(replace(CHANGE, state=state)), target=name)
        for name, state in zip(names, (State.KNOWN, State.NEW), strict=True)
    ]
    targets = tuple(
        TargetSummary(name, LIVE, DECLARED, report(CHANGE).summary, Outcome.DRIFT, complete=True) for name in names
    )
    given = replace(report(), deployments=tuple(sides), targets=targets)
    decided = fail_on_new(given, dict.fromkeys(names, Policy()))
    assert [each.outcome for each in decided.targets] == [Outcome.PASSED, Outcome.DRIFT]
    assert decided.outcome is Outcome.DRIFT
    lenient = fail_on_new(given, {"staging": Policy(), "production": Policy(fail_on=None)})
    assert lenient.outcome is Outcome.PASSED
