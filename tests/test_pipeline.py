"""From both sides to a report: policy, outcome, and no claim about what was not read (docs/contract.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.baseline import Baseline
from driftcheck.comparison.three_way import BaseDeclarations
from driftcheck.model import (
    ChangeClass,
    Declarations,
    ExitStatus,
    Finding,
    Guard,
    IgnoreRule,
    Location,
    Outcome,
    Report,
    Severity,
    Snapshot,
    Status,
)
from driftcheck.pipeline import Run, check, validate
from driftcheck.settings import Policy, Settings
from tests.comparison.declarations import declarations as drawn
from tests.comparison.echo import echo
from tests.comparison.mutations import mutations
from tests.comparison.sides import declarations, sidecar, snapshot, spec

NOW = datetime(2026, 8, 22, 4, 5, 34, tzinfo=UTC)
PLACE = Location("agents.yaml", 9, 3)
PLAIN = Policy()
SECRET = "c4n4ry" + "0123456789" * 4


def run(
    declared: Declarations, live: Snapshot, policy: Policy = PLAIN, *, baseline: Baseline | None = None, **terms: Any
) -> Report:
    chosen = Settings(**{"command": "check", "policy": policy} | terms)
    return check(declared, live, Run(chosen, baseline, NOW, NOW))


def named(name: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "source": "external_docker", **values}


def ignore(path: str | None = None, **values: Any) -> IgnoreRule:
    return IgnoreRule("because", PLACE, path=path, **values)


def rules(report: Report) -> list[tuple[str, str]]:
    return [(found.rule, found.severity.value) for found in report.findings]


def status(report: Report) -> int:
    return int(report.outcome.status)


# --- outcome -----------------------------------------------------------------------------------------------------


def test_an_echo_is_in_sync_with_status_0() -> None:
    report = run(declarations(named("a"), named("b")), snapshot(named("a"), named("b")))
    assert (status(report), report.outcome.value) == (0, "in_sync")
    assert report.summary.statuses[Status.IN_SYNC] == 2
    assert report.summary.coverage == 1.0
    assert report.generated_at == "2026-08-22T04:05:34Z"


def test_a_difference_or_something_missing_is_status_1() -> None:
    assert status(run(declarations(spec(cpu=1)), snapshot(spec(cpu=2)))) == 1
    assert status(run(declarations(named("a"), named("b")), snapshot(named("a")))) == 1


def test_unmanaged_is_a_note_and_rollouts_and_previews_are_too() -> None:
    live = snapshot(named("a", latest_revision_id="2"), named("b"), named("c", is_preview=True))
    report = run(declarations(named("a")), live)
    assert status(report) == 0
    assert rules(report) == [
        ("rollout-pending", "note"),
        ("unmanaged-deployment", "note"),
        ("unmanaged-preview", "note"),
    ]
    assert report.summary.coverage == 1 / 2  # a preview can't be declared
    assert status(run(declarations(named("a")), live, Policy(fail_on=Severity.NOTE))) == 1


def test_fail_on_changes_neither_2_nor_3() -> None:
    never = Policy(fail_on=None)
    assert status(run(declarations(named("a"), complete=False), snapshot(named("a")), never)) == 2
    assert status(run(declarations(named("a")), snapshot(named("a"), gaps=("cut",)), never)) == 3


def test_X6_invalid_comes_before_incomplete_before_drift_and_all_is_reported() -> None:
    drifted, gap = snapshot(spec(cpu=2)), snapshot(spec(cpu=2), gaps=("cut",))
    bad = declarations(spec(cpu=1), complete=False)
    assert [status(run(*sides)) for sides in ((bad, gap), (bad, drifted), (declarations(spec(cpu=1)), gap))] == [
        2,
        2,
        3,
    ]
    for report in (run(bad, gap), run(bad, drifted)):
        assert report.summary.changes == 1
        assert not report.complete


def test_a_defect_of_the_declarations_is_status_2_and_a_warning_is_not() -> None:
    for rule, severity, expected in (("invalid-type", Severity.ERROR, 2), ("cpu-rounded", Severity.WARNING, 0)):
        declared = replace(declarations(named("a")), findings=(Finding(rule, severity, "x"),))
        assert status(run(declared, snapshot(named("a")))) == expected
    declared = replace(declarations(named("a")), findings=(Finding("cpu-rounded", Severity.WARNING, "x"),))
    assert status(run(declared, snapshot(named("a")), Policy(fail_on=Severity.WARNING))) == 1


def test_severities_may_be_changed_by_rule() -> None:
    live = snapshot(named("a", display_name="x"), named("b"))
    policy = Policy(severities={"drift": Severity.WARNING, "unmanaged-deployment": Severity.WARNING})
    report = run(declarations(named("a", display_name="y")), live, policy)
    assert status(report) == 0
    assert report.deployments[0].changes[0].severity is Severity.WARNING
    assert rules(report) == [("unmanaged-deployment", "warning")]
    assert status(run(declarations(named("a")), live, Policy(severities={"unmanaged-deployment": Severity.ERROR}))) == 1


# --- what was not seen -------------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from("abcd"), unique=True),
    st.lists(st.sampled_from("abcd"), unique=True),
    st.booleans(),
    st.sampled_from(("check", "audit")),
)
def test_an_incomplete_side_never_yields_status_0_missing_or_unmanaged(
    ours: list[str], theirs: list[str], strict: bool, command: str
) -> None:
    declared, live = declarations(*map(named, ours)), snapshot(*map(named, theirs), gaps=("cut",))
    report = run(
        declared, live, Policy(strict=strict, fail_on=None), command=command, allow_empty=True, allow_empty_live=True
    )
    assert report.outcome.status is ExitStatus.INCOMPLETE
    assert not {each.status for each in report.deployments} & {Status.MISSING, Status.UNMANAGED}
    assert report.summary.coverage is None
    halves = run(replace(declared, complete=False), replace(live, gaps=()), Policy(fail_on=None), command=command)
    assert halves.outcome.status is ExitStatus.INVALID
    assert Status.UNMANAGED not in {each.status for each in halves.deployments}


def test_a_partial_check_may_end_with_0_or_1_where_it_is_allowed_to() -> None:
    gap = snapshot(spec(cpu=1), gaps=("cut",))
    assert status(run(declarations(spec(cpu=1)), gap, allow_partial=True)) == 0
    assert status(run(declarations(spec(cpu=2)), gap, allow_partial=True)) == 1
    assert not run(declarations(spec(cpu=1)), gap, allow_partial=True).complete


def test_a_listing_of_which_nothing_was_read_can_not_be_accepted() -> None:
    nothing = replace(snapshot(), gaps=("The API key is not accepted (401).",))
    assert status(run(declarations(spec(cpu=1)), nothing, allow_partial=True)) == 3
    assert status(run(declarations(spec(cpu=1)), snapshot(), allow_partial=True)) == 3


def test_P10_an_empty_listing_is_incomplete_unless_it_is_an_answer() -> None:
    assert status(run(declarations(named("a")), snapshot())) == 3
    report = run(declarations(named("a")), snapshot(), allow_empty_live=True)
    assert (status(report), rules(report)) == (1, [("missing-deployment", "error")])
    assert report.deployments[0].status is Status.MISSING


def test_Y19_nothing_declared_is_invalid_unless_it_is_an_answer() -> None:
    assert status(run(declarations(), snapshot(named("a")))) == 2
    assert status(run(declarations(), snapshot(named("a")), allow_empty=True)) == 0
    assert status(run(declarations(), snapshot(named("a")), command="audit")) == 0


def test_P9_duplicate_live_names_make_the_check_incomplete() -> None:
    for declared in (declarations(named("twin")), declarations(named("a"))):
        report = run(declared, snapshot(named("a"), named("twin"), named("twin")))
        assert status(report) == 3
        assert report.live is not None
        assert report.live.gaps


def test_none_of_the_declared_names_live_is_a_warning() -> None:
    report = run(declarations(named("a")), snapshot(named("b")))
    assert ("wrong-workspace", "warning") in rules(report)
    assert status(report) == 1


def test_validation_needs_no_live_side() -> None:
    offline = Run(Settings("validate"), None, NOW, NOW)
    report = validate(replace(declarations(named("a")), ignores=(ignore("**"),)), offline)
    assert report.live is None
    assert report.deployments == ()
    assert [rule for rule, _ in rules(report)] == ["catch-all-ignore"]
    assert status(validate(declarations(named("a")), offline)) == 0
    assert status(validate(declarations(named("a"), complete=False), offline)) == 2


# --- ignore rules ------------------------------------------------------------------------------------------------

CPU = "source_config.resource_spec.cpu"


def test_a_deployment_with_only_suppressed_changes_is_in_sync_and_shows_them() -> None:
    declared = replace(declarations(spec(cpu=1)), ignores=(ignore(CPU, scope=frozenset({"claims"})),))
    report = run(declared, snapshot(spec(cpu=2)))
    assert status(report) == 0
    assert report.deployments[0].status is Status.IN_SYNC
    assert [found.live for found in report.deployments[0].changes] == [2]
    assert (report.summary.changes, report.summary.suppressed) == (0, 1)


def test_K8_a_guard_never_holds_on_a_redacted_value() -> None:
    path = "source_config.resource_spec.sidecars[name=otel].env[name=A].value"
    sides = [sidecar(env=[{"name": "A", "value": value}]) for value in ("x", SECRET)]
    policy = Policy(ignores=(ignore(path, guard=Guard(equals=SECRET)),))
    report = run(declarations(sides[0]), snapshot(sides[1]), policy)
    assert report.summary.suppressed == 0
    assert status(report) == 1
    assert SECRET not in repr(report)


def test_accepted_absences_do_not_count() -> None:
    report = run(
        declarations(named("a"), named("b")),
        snapshot(named("a")),
        Policy(ignores=(ignore(deployment="b", missing=True),)),
    )
    assert status(report) == 0
    assert report.summary.suppressed == 1
    assert report.summary.statuses[Status.MISSING] == 0
    assert report.summary.statuses[Status.IN_SYNC] == 1
    assert report.outcome is Outcome.IN_SYNC


@pytest.mark.parametrize("strict", [False, True])
def test_sharing_that_is_not_declared_is_one_warning_however_strict(strict: bool) -> None:
    shared = named("a") | {"shareable": True}
    report = run(declarations(named("a")), snapshot(shared), Policy(strict=strict))
    changes = [change.severity for each in report.deployments for change in each.changes]
    assert [*changes, *(found.severity for found in report.findings)] == [Severity.WARNING]
    assert status(report) == 0
    assert report.outcome is (Outcome.PASSED if strict else Outcome.IN_SYNC)


def test_rules_that_hide_nothing_are_findings_only_where_all_was_seen() -> None:
    policy = Policy(ignores=(ignore(CPU),))
    assert rules(run(declarations(spec(cpu=1)), snapshot(spec(cpu=1)), policy)) == [("unused-ignore", "warning")]
    assert rules(run(declarations(spec(cpu=1)), snapshot(spec(cpu=1), gaps=("cut",)), policy)) == []
    expired = Policy(ignores=(ignore(CPU, expires="2026-08-21"),))
    report = run(declarations(spec(cpu=1)), snapshot(spec(cpu=2)), expired)
    assert (status(report), rules(report)) == (1, [("expired-ignore", "warning")])


@given(drawn(), st.integers(0, 2**32), st.sampled_from(("source_config.**", "**.cpu", "secrets[*]", "**.labels.*")))
def test_active_and_suppressed_are_all(declared: dict[str, Any], seed: int, pattern: str) -> None:
    random = Random(seed)
    for mutation in mutations(declared, echo(declared, "C", random), random):
        sides = declarations(declared), snapshot(mutation.live)
        bare, policed = run(*sides), run(*sides, Policy(ignores=(ignore(pattern),)))
        assert policed.summary.changes + policed.summary.suppressed == bare.summary.changes
        assert [c.path for c in policed.deployments[0].changes] == [c.path for c in bare.deployments[0].changes]
        assert (status(policed) == 0) == (policed.summary.changes == 0)


# --- three-way ---------------------------------------------------------------------------------------------------


def baseline(*values: dict[str, Any], ignores: tuple[IgnoreRule, ...] = (), proposed: Policy = PLAIN) -> Baseline:
    declared = replace(declarations(*values), ignores=ignores)
    return Baseline("0" * 40, BaseDeclarations(declared, (declared,)), proposed)


@pytest.mark.parametrize(
    ("base", "head", "live", "change_class", "severity", "expected"),
    [
        (1, 1, 1, None, None, 0),
        (1, 2, 1, ChangeClass.PROPOSED, Severity.NOTE, 0),
        (1, 1, 3, ChangeClass.ELSEWHERE, Severity.WARNING, 0),
        (1, 2, 3, ChangeClass.CONFLICT, Severity.ERROR, 1),
        (1, 2, 2, ChangeClass.ADOPTED, Severity.NOTE, 0),
    ],
)
def test_each_row_of_the_three_way_table_has_its_status(
    base: int, head: int, live: int, change_class: Any, severity: Any, expected: int
) -> None:
    report = run(declarations(spec(cpu=head)), snapshot(spec(cpu=live)), baseline=baseline(spec(cpu=base)))
    assert status(report) == expected
    found = [(change.change_class, change.severity) for change in report.deployments[0].changes]
    assert found == ([(change_class, severity)] if change_class else [])
    assert report.declared.base == "0" * 40


def test_R8_the_policy_of_the_tip_decides_and_a_changed_one_is_a_finding() -> None:
    hiding = ignore(CPU)
    before, after = spec(cpu=1, memory_mb=128), spec(cpu=1, memory_mb=256)
    head = replace(declarations(after), ignores=(hiding,))
    live = snapshot(spec(cpu=2, memory_mb=128))
    added = run(head, live, baseline=baseline(before))
    assert status(added) == 1
    assert "policy-changed" in [rule for rule, _ in rules(added)]
    kept = run(head, live, baseline=baseline(before, ignores=(hiding,)))
    assert (status(kept), rules(kept)) == (0, [])
    removed = run(declarations(after), live, baseline=baseline(before, ignores=(hiding,)))
    assert (status(removed), [rule for rule, _ in rules(removed)]) == (0, ["policy-changed"])


@pytest.mark.parametrize(
    ("gate", "rule", "head", "live"),
    [
        (ChangeClass.ELSEWHERE, "missing-elsewhere", "ab", "a"),
        (ChangeClass.PROPOSED, "proposed-creation", "abc", "ab"),
        (ChangeClass.PROPOSED, "proposed-removal", "a", "ab"),
    ],
)
def test_with_a_base_the_gate_decides_for_whole_deployments(gate: ChangeClass, rule: str, head: str, live: str) -> None:
    sides = declarations(*map(named, head)), snapshot(*map(named, live))
    base = baseline(named("a"), named("b"))
    assert (status(run(*sides, baseline=base)), [found[0] for found in rules(run(*sides, baseline=base))]) == (
        0,
        [rule],
    )
    assert status(run(*sides, Policy(gate=frozenset({gate})), baseline=base)) == 1


# --- order and secrets -------------------------------------------------------------------------------------------


@given(st.permutations("abcd"), st.permutations("bcde"))
def test_O10_the_report_does_not_depend_on_order(ours: list[str], theirs: list[str]) -> None:
    def sides(first: Any, second: Any) -> tuple[Declarations, Snapshot]:
        live = [named(name, display_name="y", latest_revision_id="2", brand_new=1) for name in second]
        return declarations(*(named(name, display_name="x") for name in first)), snapshot(*live)

    report = run(*sides(ours, theirs), Policy(strict=True))
    expected = run(*sides("abcd", "bcde"), Policy(strict=True))
    assert report == expected
    assert [each.name for each in report.deployments] == sorted("abcde")
    ranks = [found.severity.rank for found in report.findings]
    assert ranks == sorted(ranks)


def test_K5_no_secret_is_in_a_report() -> None:
    ours = sidecar(env=[{"name": "A", "value": f"{SECRET}1"}], args=[f"ghp_{SECRET}"])
    theirs = sidecar(env=[{"name": "A", "value": f"{SECRET}2"}], args=["-v"])
    for base in (None, baseline(sidecar(env=[{"name": "A", "value": f"{SECRET}3"}]))):
        report = run(declarations(ours), snapshot(theirs), Policy(strict=True), baseline=base)
        args, variable = report.deployments[0].changes
        assert variable.redacted
        assert args.declared != [f"ghp_{SECRET}"]
        assert SECRET not in repr(report)
