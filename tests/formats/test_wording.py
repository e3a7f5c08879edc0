from dataclasses import replace

import pytest
from hypothesis import given, settings

from driftcheck.formats import wording
from driftcheck.model import ChangeClass, ExitStatus, Outcome, Report, Severity, Suppression
from tests.formats.reports import (
    CLAIMS,
    DRIFT,
    HIDDEN_ENV,
    IN_SYNC,
    IN_SYNC_WITH_NOTES,
    LABEL_ADDED,
    LIMIT_GONE,
    LIVE,
    MAX_SCALE,
    SAMPLES,
    SIDECAR,
    THREE_WAY,
    reports,
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
    assert wording.value_text("a" * 500 + "b" * 500, 20) == '"aaaaaaaaa ... bbbbbbbbb" (1,002 characters)'
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
    ],
)
def test_the_sides_of_a_change(change, text: str) -> None:
    assert wording.change_text(change) == text


@pytest.mark.parametrize(
    ("change", "notes"),
    [
        (MAX_SCALE, []),
        (SIDECAR, ["takes a new revision"]),
        (replace(MAX_SCALE, base=6), ["older than this change"]),
        (replace(MAX_SCALE, severity=Severity.WARNING), ["warning"]),
        (
            replace(MAX_SCALE, base=1, change_class=ChangeClass.PROPOSED, severity=Severity.NOTE),
            ["proposed by this change"],
        ),
        (HIDDEN_ENV, ["takes a new revision", "values not shown"]),
        (replace(MAX_SCALE, suppressed=Suppression("why\x1b", "2026-01-02")), [r"ignored: why\x1b (until 2026-01-02)"]),
    ],
)
def test_the_notes_of_a_change(change, notes: list[str]) -> None:
    assert wording.change_notes(change) == notes


@settings(max_examples=40)
@given(reports())
def test_entries_hold_every_change_and_finding_the_active_and_worst_first(drawn: Report) -> None:
    entries = wording.entries(drawn)
    assert len(entries) == sum(len(each.changes) for each in drawn.deployments) + len(drawn.findings)
    order = [(entry.suppressed is not None, entry.severity.rank) for entry in entries]
    assert order == sorted(order)


def test_what_is_merely_not_declared_comes_after_its_equals() -> None:
    rules = [entry.rule for entry in wording.entries(replace(DRIFT, findings=DRIFT.findings[::-1]))]
    assert rules == ["missing-deployment"] + ["drift"] * 6 + ["unmanaged-deployment"] * 200


def test_blocks_are_worst_first() -> None:
    order = [block.comparison.name for block in wording.blocks(THREE_WAY)][:3]
    assert order == ["claims-agent", "orders-agent", "search-0"]


@settings(max_examples=40)
@given(reports())
def test_the_verdict_says_in_sync_only_of_a_whole_comparison_without_difference(drawn: Report) -> None:
    if "in sync" in wording.verdict(drawn).lower():
        assert drawn.complete
        assert drawn.live is not None
        assert drawn.outcome.status is ExitStatus.IN_SYNC
        statuses = {each.status.value for each in drawn.deployments}
        assert statuses <= {"in_sync", "unmanaged"}


@pytest.mark.parametrize("status", list(ExitStatus)[1:])
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_failure_never_sounds_like_a_pass(sample: str, status: ExitStatus) -> None:
    report = replace(SAMPLES[sample], outcome=Outcome[status.name])
    sentence = wording.verdict(report)
    drift = "Drift" if report.live else "Failed"
    assert sentence.split(":")[0] == {1: drift, 2: "Invalid", 3: "Incomplete", 4: "Defect"}[status]
    assert sentence.endswith(".")


def test_a_difference_that_nothing_counts_is_still_said() -> None:
    lenient = replace(DRIFT, outcome=Outcome.IN_SYNC)
    assert wording.verdict(lenient) == (
        "Passed: 1 deployment differs from live in 6 fields, 1 is missing; nothing of it counts as a failure."
    )


def test_a_failure_by_notes_alone_says_so() -> None:
    strict = replace(IN_SYNC_WITH_NOTES, outcome=Outcome.DRIFT)
    assert wording.verdict(strict) == "Drift: 200 notes."


def test_an_invalid_check_still_tells_what_differs() -> None:
    both = replace(DRIFT, outcome=Outcome.INVALID, deployments=(CLAIMS,))
    assert wording.verdict(both).endswith("In what was compared: 1 deployment differs from live in 6 fields.")


def test_what_was_adopted_does_not_differ_from_live() -> None:
    adopted = replace(MAX_SCALE, declared=10, base=6, change_class=ChangeClass.ADOPTED, severity=Severity.NOTE)
    both = replace(DRIFT, deployments=(replace(CLAIMS, changes=(SIDECAR, adopted)),))
    assert "differs from live in 1 field" in wording.verdict(both)


@pytest.mark.parametrize(
    "partial",
    [
        replace(IN_SYNC, live=replace(LIVE, complete=False, gaps=("the last page",))),
        replace(IN_SYNC, live=replace(LIVE, complete=False)),
        replace(IN_SYNC, declared=replace(IN_SYNC.declared, complete=False)),
    ],
)
def test_a_partial_comparison_without_difference_is_not_called_in_sync(partial: Report) -> None:
    assert wording.verdict(partial) == ("Passed, but not everything was read: no difference was found in the rest.")
    assert wording.gaps(partial)
