from dataclasses import replace

import pytest

from driftcheck.formats import wording
from driftcheck.model import (
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    ExitStatus,
    Finding,
    Severity,
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
    LABEL_ADDED,
    LIMIT_GONE,
    MATCHING,
    MAX_SCALE,
    SIDECAR,
    report,
)


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


def test_the_reason_of_a_suppression_names_its_end_and_its_owners() -> None:
    suppression = Suppression("why\x1b", "2026-01-02", owner="team-a", approved_by="security")
    assert wording.reason_text(suppression) == (r"why\x1b (until 2026-01-02, owner team-a, approved by security)")


def test_a_message_that_begins_with_the_field_does_not_repeat_its_path() -> None:
    found = Finding("wrong-type", Severity.ERROR, "`secrets[1]`: expected a mapping", "", "claims", ("secrets", 1))
    assert wording.finding_text(found) == "expected a mapping"
    assert wording.finding_text(replace(found, path=None)) == "`secrets[1]`: expected a mapping"
    assert wording.finding_text(replace(found, path=("url",))) == "`secrets[1]`: expected a mapping"


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


@pytest.mark.parametrize(("declared", "is_noted"), [("release/2", True), ("0" * 40, False)])
def test_a_branch_is_shown_with_where_live_was_read(declared: str, is_noted: bool) -> None:
    change = replace(MAX_SCALE, path=("source_revision_config", "repo_ref"), declared=declared, live="main")
    note = "live is source_config.repo_branch where the service reports it"
    assert (note in wording.change_notes(change, IN_SYNC)) is is_noted
