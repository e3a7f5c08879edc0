from dataclasses import replace

import pytest
from hypothesis import given

from driftcheck.formats import wording
from driftcheck.model import (
    Change,
    ChangeClass,
    ChangeKind,
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
from driftcheck.paths import Item, Path
from tests.formats.reports import (
    BILLING,
    CLAIMS,
    DRIFT,
    HIDDEN_ENV,
    IGNORED,
    IN_SYNC,
    IN_SYNC_WITH_NOTES,
    LABEL_ADDED,
    LIMIT_GONE,
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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.5, "1.5"),
        ("1", '"1"'),
        ('say "hi"', r'"say \"hi\""'),
        ({"a": [1, "é"]}, '{"a": [1, "é"]}'),
        ("a\nb", r'"a\nb"'),
        ("\x1b[0m\u202e\ud800", r'"\u001b[0m\u202e\ud800"'),
    ],
)
def test_a_value_is_written_as_visible_json(value: object, text: str) -> None:
    assert wording.value_text(value) == text


def test_a_long_value_is_cut_in_the_middle_and_says_how_long_it_is() -> None:
    assert wording.value_text("a" * 500 + "b" * 500, 40) == '"aaaaaaa ... bbbbbbb" (1,002 characters)'
    assert wording.value_text("abc", 20) == '"abc"'


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (MAX_SCALE, "declared 6, live 10"),
        (LIMIT_GONE, "declared 4, live null, effectively 2"),
        (replace(LIMIT_GONE, live_effective=None), "declared 4, live (unset)"),
        (LABEL_ADDED, 'declared (unset), live "payments"'),
        (HIDDEN_ENV, "declared and live differ"),
        (
            replace(MAX_SCALE, declared=None, declared_effective=3),
            "declared null, effectively 3, live 10",
        ),
        (replace(MAX_SCALE, base=4, change_class=ChangeClass.CONFLICT), "base 4, declared 6, live 10"),
        (replace(MAX_SCALE, base=6), "declared 6, live 10"),
        (
            replace(MAX_SCALE, base=6, declared=8, live=6, change_class=ChangeClass.PROPOSED),
            "base 6, declared 8, live 6",
        ),
    ],
)
def test_the_sides_of_a_change(change: Change, text: str) -> None:
    assert wording.change_text(change) == text


@pytest.mark.parametrize(
    ("change", "notes"),
    [
        (MAX_SCALE, []),
        (SIDECAR, ["reverting creates a new revision"]),
        (replace(MAX_SCALE, base=6), ["not caused by this change"]),
        (replace(MAX_SCALE, severity=Severity.WARNING), ["warning"]),
        (
            replace(MAX_SCALE, base=1, change_class=ChangeClass.PROPOSED, severity=Severity.NOTE),
            ["proposed by this change", "merging changes it in place"],
        ),
        (
            replace(SIDECAR, base="1", change_class=ChangeClass.PROPOSED, severity=Severity.NOTE),
            ["proposed by this change", "merging creates a new revision"],
        ),
        (HIDDEN_ENV, ["reverting creates a new revision", "values not shown"]),
    ],
)
def test_the_notes_of_a_change(change: Change, notes: list[str]) -> None:
    assert wording.severity_note(change) + wording.change_notes(change, DRIFT) == notes


@given(reports())
def test_the_verdict_says_in_sync_only_of_a_whole_comparison_without_difference(drawn: Report) -> None:
    if "in sync" in str(wording.verdict(drawn)).lower():
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
            verdict = wording.verdict(report)
            drift = "Drift" if "drifted" in verdict.sentence or "missing" in verdict.sentence else "Failed"
            drift = "Drift" if " unmanaged" in verdict.sentence else drift
            assert verdict.word == {1: drift, 2: "Invalid", 3: "Incomplete", 4: "Internal error"}[status]
            assert verdict.sentence.endswith(".")


def test_an_incomplete_run_says_what_matches() -> None:
    matching = replace(DRIFT.deployments[0], status=Status.IN_SYNC, changes=(), id="1", compared=1)
    report = replace(DRIFT, outcome=Outcome.INCOMPLETE, deployments=(matching,), findings=())
    assert str(wording.verdict(report)).startswith("Incomplete: 1 deployment matches; not everything could be read.")
    report = replace(report, deployments=(replace(matching, status=Status.UNKNOWN),))
    assert "matches" not in str(wording.verdict(report))


def test_a_difference_that_nothing_counts_is_still_reported() -> None:
    lenient = replace(DRIFT, outcome=Outcome.IN_SYNC)
    assert str(wording.verdict(lenient)) == (
        "Passed: 1 deployment drifted (6 fields), 1 missing. None of these fail the run."
    )


def test_a_failure_by_notes_alone_says_so() -> None:
    strict = replace(IN_SYNC_WITH_NOTES, outcome=Outcome.DRIFT)
    assert str(wording.verdict(strict)) == "Failed: 200 notes."


def test_an_invalid_check_still_reports_what_differs() -> None:
    both = replace(DRIFT, outcome=Outcome.INVALID, deployments=(CLAIMS,))
    assert str(wording.verdict(both)) == "Invalid: the input can't be used; 1 deployment drifted (6 fields)."


def test_what_was_adopted_does_not_differ_from_live() -> None:
    adopted = replace(MAX_SCALE, declared=10, base=6, change_class=ChangeClass.ADOPTED, severity=Severity.NOTE)
    both = replace(DRIFT, deployments=(replace(CLAIMS, changes=(SIDECAR, adopted)),))
    assert "1 deployment drifted (1 field)" in str(wording.verdict(both))


def test_what_is_known_by_name_only_is_in_every_verdict_on_a_comparison() -> None:
    for outcome in Outcome:
        said = str(wording.verdict(replace(WITH_HISTORY, outcome=outcome)))
        assert outcome is Outcome.DEFECT or "2 values (secrets, variables) are known by name only" in said


def test_the_reason_of_a_suppression_names_its_end_and_its_owners() -> None:
    suppression = Suppression("why\x1b", "2026-01-02", owner="team-a", approved_by="security")
    assert wording.reason_text(suppression) == (r"why\x1b (until 2026-01-02, owner team-a, approved by security)")


def test_an_accepted_absence_is_not_a_match() -> None:
    accepted = replace(BILLING, status=Status.IN_SYNC)
    subject = report(*MATCHING, accepted, status=ExitStatus.IN_SYNC)
    assert str(wording.verdict(subject)) == "In sync: 10 deployments match, 1 accepted as missing."


def test_drift_that_is_accepted_does_not_match() -> None:
    accepted = replace(CLAIMS, status=Status.IN_SYNC, changes=(IGNORED,))
    subject = report(*MATCHING, accepted, status=ExitStatus.IN_SYNC)
    assert str(wording.verdict(subject)) == "In sync: 10 deployments match, 1 differs as accepted."
    assert str(wording.verdict(report(accepted, status=ExitStatus.IN_SYNC))) == (
        "In sync: 1 deployment differs as accepted."
    )


def test_errors_are_counted_with_their_files_and_notes_are_not() -> None:
    error = Finding("wrong-type", Severity.ERROR, "expected text", location=Location("a.yaml", 1, 1))
    note = Finding("unmodelled-field", Severity.NOTE, "not compared", location=Location("b.yaml", 1, 1))
    warning = replace(note, severity=Severity.WARNING)
    invalid = replace(report(findings=(error, note, warning), status=ExitStatus.INVALID), live=None)
    assert str(wording.verdict(invalid)) == "Invalid: 1 error in 1 file, 1 warning."


def test_a_message_that_begins_with_the_field_does_not_repeat_its_path() -> None:
    found = Finding("wrong-type", Severity.ERROR, "`secrets[1]`: expected a mapping", "", "claims", ("secrets", 1))
    assert wording.finding_text(found) == "expected a mapping"
    assert wording.finding_text(replace(found, path=None)) == "`secrets[1]`: expected a mapping"
    assert wording.finding_text(replace(found, path=("url",))) == "`secrets[1]`: expected a mapping"


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
    assert f"Drift: {text}." in str(wording.verdict(report(*drifted, status=ExitStatus.DRIFT)))


@pytest.mark.parametrize(("declared", "live", "is_counted"), [(0, 0, False), (1, 0, True), (0, 1, True)])
def test_names_that_select_nothing_leave_out_the_counts(declared: int, live: int, is_counted: bool) -> None:
    narrowed = report(status=ExitStatus.INVALID, live=replace(LIVE, deployments=live, scope={"names": "nosuch"}))
    narrowed = replace(narrowed, declared=replace(narrowed.declared, deployments=declared))
    assert bool(wording.numbers(narrowed)) is is_counted


def test_drift_beside_a_conflict_in_one_deployment_is_counted() -> None:
    conflict = replace(MAX_SCALE, base=6, change_class=ChangeClass.CONFLICT)
    drift = replace(MAX_SCALE, base=6, path=("source_config", "resource_spec", "cpu"))
    both = report(replace(CLAIMS, changes=(conflict, drift)), status=ExitStatus.DRIFT)
    assert "1 deployment drifted in conflict with it (and in 1 field that it does not alter)." in str(
        wording.verdict(both)
    )


def test_a_deployment_that_the_change_adds_is_not_one_that_it_alters() -> None:
    new = Comparison("brand-new", Status.PROPOSED, location=CLAIMS.location)
    altered = replace(CLAIMS, status=Status.PROPOSED, changes=(replace(MAX_SCALE, change_class=ChangeClass.PROPOSED),))
    assert str(wording.verdict(report(new))) == "Failed: this change adds 1 deployment."
    assert str(wording.verdict(report(altered, new))) == "Failed: this change alters 1 deployment and adds 1."


def test_undeclared_values_that_are_suppressed_are_counted_as_suppressed() -> None:
    rule = Suppression("theirs")
    changes = (LABEL_ADDED, replace(LABEL_ADDED, path=("url",), suppressed=rule))
    assert wording.field_coverage(report(replace(CLAIMS, changes=changes))).endswith(
        "2 live but not declared (1 suppressed)"
    )


def test_an_entry_of_which_only_the_name_is_known_is_set() -> None:
    secret = replace(LABEL_ADDED, path=("secrets", Item("name", "DEBUG")), live={"name": "DEBUG"})
    assert wording.change_text(secret) == "declared (unset), live (set)"
    assert wording.change_text(replace(secret, live={"name": "DEBUG", "value": "1"})) != "declared (unset), live (set)"


def _commands(*deployments: Comparison, status: ExitStatus = ExitStatus.DRIFT, base: str | None = None) -> str:
    subject = report(*deployments, status=status)
    return " ".join(wording.remedies(replace(subject, declared=replace(subject.declared, base=base))))


def test_the_commands_name_the_deployments_that_drifted_unless_a_name_is_odd() -> None:
    assert "adopt --name claims-agent`" in _commands(CLAIMS, *MATCHING)
    assert "plan --name b --name claims-agent`" in _commands(CLAIMS, replace(CLAIMS, name="b"))
    assert "adopt`" in _commands(replace(CLAIMS, name="$(x)"))
    assert "adopt`" in _commands(*(replace(CLAIMS, name=f"n{number}") for number in range(20)))


def test_no_command_is_named_where_no_drift_fails_the_run() -> None:
    note = replace(MAX_SCALE, severity=Severity.NOTE)
    assert _commands(CLAIMS, status=ExitStatus.IN_SYNC) == ""
    assert _commands(replace(CLAIMS, changes=(note, IGNORED))) == ""
    assert _commands(BILLING) == ""


def test_the_commands_leave_out_what_the_change_under_review_proposes() -> None:
    drift = replace(MAX_SCALE, base=6)
    proposed = replace(SIDECAR, base="x", change_class=ChangeClass.PROPOSED, severity=Severity.NOTE)
    outside = replace(drift, change_class=ChangeClass.ELSEWHERE, severity=Severity.WARNING)
    other = replace(CLAIMS, name="other", changes=(outside,))
    assert _commands(replace(CLAIMS, changes=(drift, proposed)), other, base="0123456789abcdef") == (
        "To accept live: `driftcheck adopt --name claims-agent --path source_config.resource_spec.max_scale`. "
        "To preview the merge: `driftcheck plan --base 0123456789ab`."
    )
    assert _commands(other, base="0123456789abcdef") == ""


def test_the_command_that_accepts_a_conflict_says_what_it_drops() -> None:
    conflict = replace(MAX_SCALE, base=6, change_class=ChangeClass.CONFLICT)
    drift = replace(SIDECAR, base=None)
    both = _commands(replace(CLAIMS, changes=(conflict, drift)), base="0123456789abcdef")
    assert both.startswith("To accept live, in a conflict instead of this change: `driftcheck adopt")
    alone = _commands(replace(CLAIMS, changes=(conflict,)), base="0123456789abcdef")
    assert alone.startswith("To accept live and drop what this change sets: `driftcheck adopt")


@pytest.mark.parametrize(
    ("path", "kind", "is_advised"),
    [
        (("shareable",), ChangeKind.MODIFIED, False),
        (("image_version",), ChangeKind.MODIFIED, False),
        (("display_name",), ChangeKind.ADDED, False),
        (("display_name",), ChangeKind.MODIFIED, True),
        (("source_config", "custom_url"), ChangeKind.ADDED, False),
        (("source_config", "resource_spec", "cpu"), ChangeKind.ADDED, True),
    ],
)
def test_a_plan_is_advised_only_if_a_request_can_revert_something(
    path: Path, kind: ChangeKind, is_advised: bool
) -> None:
    text = _commands(replace(CLAIMS, changes=(replace(MAX_SCALE, path=path, kind=kind),)))
    assert ("To revert live" in text) is is_advised
    assert "To accept live" in text


def test_a_missing_deployment_has_commands_that_create_or_remove_it_unless_it_was_renamed() -> None:
    findings = [Finding("missing-deployment", Severity.ERROR, "x", deployment=name) for name in ("billing", "old")]
    renamed = Finding("probable-rename", Severity.NOTE, "x", deployment="old")
    subject = report(BILLING, *MATCHING, status=ExitStatus.DRIFT, findings=(*findings, renamed))
    assert " ".join(wording.remedies(subject)) == (
        "To create what is missing: `driftcheck plan --name billing`. "
        "To remove it from the YAML: `driftcheck adopt --name billing --missing remove`."
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
    assert str(wording.verdict(partial)) == "Passed: no difference was found; not everything was read."
    assert wording.gaps(partial)


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
    assert wording.coverage(replace(audit, live=replace(audit.live, deployments=2))) == text


@pytest.mark.parametrize(("declared", "is_noted"), [("release/2", True), ("0" * 40, False)])
def test_a_branch_is_shown_with_where_live_was_read(declared: str, is_noted: bool) -> None:
    change = replace(MAX_SCALE, path=("source_revision_config", "repo_ref"), declared=declared, live="main")
    note = "live is source_config.repo_branch where the service reports it"
    assert (note in wording.change_notes(change, IN_SYNC)) is is_noted
