from dataclasses import replace

import pytest
from hypothesis import given

from driftcheck.formats import overall
from driftcheck.model import (
    ChangeClass,
    Comparison,
    ExitStatus,
    Finding,
    Location,
    Outcome,
    Report,
    Severity,
    Status,
    Suppression,
)
from tests.formats.reports import (
    BILLING,
    CLAIMS,
    DRIFT,
    IGNORED,
    IN_SYNC,
    IN_SYNC_WITH_NOTES,
    LABEL_ADDED,
    LIVE,
    MATCHING,
    MAX_SCALE,
    SAMPLES,
    SIDECAR,
    WITH_HISTORY,
    report,
    reports,
)
from tests.loops import case


@given(reports())
def test_the_verdict_says_in_sync_only_of_a_whole_comparison_without_difference(drawn: Report) -> None:
    if "in sync" in str(overall.verdict(drawn)).lower():
        assert drawn.complete
        assert drawn.live is not None
        assert drawn.outcome.status is ExitStatus.IN_SYNC
        statuses = {each.status.value for each in drawn.deployments}
        assert statuses <= {"in_sync", "unmanaged"}


@pytest.mark.parametrize("status", list(ExitStatus)[1:])
def test_a_failure_never_sounds_like_a_pass(status: ExitStatus) -> None:
    for sample in SAMPLES:
        with case(sample):
            report = replace(SAMPLES[sample], outcome=Outcome[status.name])
            verdict = overall.verdict(report)
            drift = "Drift" if "drifted" in verdict.sentence or "missing" in verdict.sentence else "Failed"
            drift = "Drift" if " unmanaged" in verdict.sentence else drift
            assert verdict.word == {1: drift, 2: "Invalid", 3: "Incomplete", 4: "Internal error"}[status]
            assert verdict.sentence.endswith(".")


def test_an_incomplete_run_says_what_matches() -> None:
    matching = replace(DRIFT.deployments[0], status=Status.IN_SYNC, changes=(), id="1", compared=1)
    report = replace(DRIFT, outcome=Outcome.INCOMPLETE, deployments=(matching,), findings=())
    assert str(overall.verdict(report)).startswith("Incomplete: 1 deployment matches; not everything could be read.")
    report = replace(report, deployments=(replace(matching, status=Status.UNKNOWN),))
    assert "matches" not in str(overall.verdict(report))


def test_a_difference_that_nothing_counts_is_still_reported() -> None:
    lenient = replace(DRIFT, outcome=Outcome.IN_SYNC)
    assert str(overall.verdict(lenient)) == (
        "Passed: 1 deployment drifted (6 fields), 1 missing. None of these fail the run."
    )


def test_a_failure_by_notes_alone_says_so() -> None:
    strict = replace(IN_SYNC_WITH_NOTES, outcome=Outcome.DRIFT)
    assert str(overall.verdict(strict)) == "Failed: 200 notes."


def test_an_invalid_check_still_reports_what_differs() -> None:
    both = replace(DRIFT, outcome=Outcome.INVALID, deployments=(CLAIMS,))
    assert str(overall.verdict(both)) == "Invalid: the input can't be used; 1 deployment drifted (6 fields)."


def test_what_was_adopted_does_not_differ_from_live() -> None:
    adopted = replace(MAX_SCALE, declared=10, base=6, change_class=ChangeClass.ADOPTED, severity=Severity.NOTE)
    both = replace(DRIFT, deployments=(replace(CLAIMS, changes=(SIDECAR, adopted)),))
    assert "1 deployment drifted (1 field)" in str(overall.verdict(both))


def test_what_is_known_by_name_only_is_in_every_verdict_on_a_comparison() -> None:
    for outcome in Outcome:
        said = str(overall.verdict(replace(WITH_HISTORY, outcome=outcome)))
        assert outcome is Outcome.DEFECT or "2 values (secrets, variables) are known by name only" in said


def test_an_accepted_absence_is_not_a_match() -> None:
    accepted = replace(BILLING, status=Status.IN_SYNC)
    subject = report(*MATCHING, accepted, status=ExitStatus.IN_SYNC)
    assert str(overall.verdict(subject)) == "In sync: 10 deployments match, 1 accepted as missing."


def test_drift_that_is_accepted_does_not_match() -> None:
    accepted = replace(CLAIMS, status=Status.IN_SYNC, changes=(IGNORED,))
    subject = report(*MATCHING, accepted, status=ExitStatus.IN_SYNC)
    assert str(overall.verdict(subject)) == "In sync: 10 deployments match, 1 differs as accepted."
    assert str(overall.verdict(report(accepted, status=ExitStatus.IN_SYNC))) == (
        "In sync: 1 deployment differs as accepted."
    )


def test_errors_are_counted_with_their_files_and_notes_are_not() -> None:
    error = Finding("wrong-type", Severity.ERROR, "expected text", location=Location("a.yaml", 1, 1))
    note = Finding("unmodelled-field", Severity.NOTE, "not compared", location=Location("b.yaml", 1, 1))
    warning = replace(note, severity=Severity.WARNING)
    invalid = replace(report(findings=(error, note, warning), status=ExitStatus.INVALID), live=None)
    assert str(overall.verdict(invalid)) == "Invalid: 1 error in 1 file, 1 warning."


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        ([ChangeClass.ELSEWHERE], "1 deployment drifted outside this change"),
        ([ChangeClass.ELSEWHERE] * 3, "3 deployments drifted outside this change"),
        ([ChangeClass.DRIFT, ChangeClass.ELSEWHERE], "1 deployment drifted, 1 drifted outside this change"),
        (
            [ChangeClass.DRIFT, ChangeClass.CONFLICT],
            "this change alters 1 deployment; 1 deployment drifted in conflict with it, 1 drifted",
        ),
    ],
)
def test_drift_is_counted_by_what_the_change_under_review_touches(classes: list[ChangeClass], text: str) -> None:
    drifted = [
        replace(CLAIMS, name=f"claims-{number}", changes=(replace(MAX_SCALE, base=6, change_class=each),))
        for number, each in enumerate(classes)
    ]
    assert f"Drift: {text}." in str(overall.verdict(report(*drifted, status=ExitStatus.DRIFT)))


@pytest.mark.parametrize(("declared", "live", "is_counted"), [(0, 0, False), (1, 0, True), (0, 1, True)])
def test_names_that_select_nothing_leave_out_the_counts(declared: int, live: int, is_counted: bool) -> None:
    narrowed = report(status=ExitStatus.INVALID, live=replace(LIVE, deployments=live, scope={"names": "nosuch"}))
    narrowed = replace(narrowed, declared=replace(narrowed.declared, deployments=declared))
    assert bool(overall.numbers(narrowed)) is is_counted


def test_drift_beside_a_conflict_in_one_deployment_is_counted() -> None:
    conflict = replace(MAX_SCALE, base=6, change_class=ChangeClass.CONFLICT)
    drift = replace(MAX_SCALE, base=6, path=("source_config", "resource_spec", "cpu"))
    both = report(replace(CLAIMS, changes=(conflict, drift)), status=ExitStatus.DRIFT)
    assert "1 deployment drifted in conflict with it (and in 1 field that it does not alter)." in str(
        overall.verdict(both)
    )


def test_a_deployment_that_the_change_adds_is_not_one_that_it_alters() -> None:
    new = Comparison("brand-new", Status.PROPOSED, location=CLAIMS.location)
    altered = replace(CLAIMS, status=Status.PROPOSED, changes=(replace(MAX_SCALE, change_class=ChangeClass.PROPOSED),))
    assert str(overall.verdict(report(new))) == "Failed: this change adds 1 deployment."
    assert str(overall.verdict(report(altered, new))) == "Failed: this change alters 1 deployment and adds 1."


def test_undeclared_values_that_are_suppressed_are_counted_as_suppressed() -> None:
    rule = Suppression("theirs")
    changes = (LABEL_ADDED, replace(LABEL_ADDED, path=("url",), suppressed=rule))
    assert overall.field_coverage(report(replace(CLAIMS, changes=changes))).endswith(
        "2 live but not declared (1 suppressed)"
    )


@pytest.mark.parametrize(
    "partial",
    [
        replace(IN_SYNC, live=replace(LIVE, complete=False, gaps=("the last page",))),
        replace(IN_SYNC, live=replace(LIVE, complete=False)),
        replace(IN_SYNC, declared=replace(IN_SYNC.declared, complete=False)),
    ],
)
def test_a_partial_comparison_without_difference_is_not_called_in_sync(partial: Report) -> None:
    assert str(overall.verdict(partial)) == "Passed: no difference was found; not everything was read."
    assert overall.gaps(partial)


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ((), "50.0% of the 2 live deployments are declared"),
        (("unmanaged-preview",), "100.0% of the 1 live deployment that can be declared is declared"),
    ],
)
def test_coverage_says_what_it_is_a_share_of(rules: tuple[str, ...], text: str) -> None:
    pair = (Comparison("a", Status.IN_SYNC, "1", compared=1), Comparison("b", Status.UNMANAGED, "2"))
    findings = tuple(Finding(rule, Severity.NOTE, "x", deployment="b") for rule in rules)
    audit = report(*pair, findings=findings)
    assert audit.live is not None
    assert overall.coverage(replace(audit, live=replace(audit.live, deployments=2))) == text
