"""What of a report is an item, and which items a run covers."""

from __future__ import annotations

import pytest

from driftcheck.history.items import Key, Reach, Scope, canonical, is_item, parts, reach_from_json
from driftcheck.model import Outcome, Severity, Suppression
from tests.history.reports import MIN_SCALE, change, comparison, finding, report

EVERYTHING = Reach()


@pytest.mark.parametrize(
    ("reach", "deployment", "covers"),
    [
        (EVERYTHING, "a", True),
        (EVERYTHING, None, True),
        (Reach("n", names=("a*",)), "ab", True),
        (Reach("n", names=("a*",)), "b", False),
        (Reach("n", names=("a*",)), None, False),
        (Reach("p", deployments=frozenset("a")), "a", True),
        (Reach("p", deployments=frozenset("a")), "b", False),
        (Reach("np", names=("a*",), deployments=frozenset("b")), "b", False),
    ],
)
def test_a_run_covers_what_its_filters_select(reach: Reach, deployment: str | None, covers: bool) -> None:
    assert reach.covers(deployment, last_reach="") is covers


def test_a_run_covers_what_the_last_one_of_the_same_paths_saw_unless_a_filter_may_hide_it() -> None:
    reach = Reach("p", deployments=frozenset("a"))
    assert reach.covers("b", last_reach="p")
    assert not Reach("p", deployments=frozenset("a"), filtered=True).covers("b", last_reach="p")


@pytest.mark.parametrize("reach", [EVERYTHING, Reach("k", ("a*",), frozenset("ba"), filtered=True), Reach("k", ("b",))])
def test_a_reach_reads_back_equal(reach: Reach) -> None:
    record = reach.to_json()
    assert isinstance(record, dict)
    assert reach_from_json(record) == reach


def test_notes_and_suppressed_changes_are_not_items() -> None:
    assert is_item(change())
    assert not is_item(change(severity=Severity.NOTE))
    assert not is_item(change(suppressed=Suppression("accepted")))


def test_a_fingerprint_is_of_the_identity_alone() -> None:
    prints = [Key("a", path="p"), Key("a", rule="p"), Key("p", path="a"), Key(None, rule="p")]
    assert len({key.fingerprint for key in prints}) == len(prints)
    assert Key("a", path="p").fingerprint == Key("a", "p").fingerprint


def test_values_are_written_alike_whatever_the_order_of_their_keys() -> None:
    assert (
        canonical({"b": [1, "é"], "a": None}) == canonical({"a": None, "b": [1, "é"]}) == r'{"a":null,"b":[1,"\u00e9"]}'
    )


def test_a_report_without_targets_is_one_part_with_its_changes_and_findings() -> None:
    (part,) = parts(report(1, [comparison("a", [change()])], [finding("missing-deployment", "b")]), Scope())
    assert part.seen.keys() == {Key("a", path=MIN_SCALE), Key("b", rule="missing-deployment")}
    assert (part.target, part.conclusive, part.reach) == (None, True, EVERYTHING)
    assert part.seen[Key("a", path=MIN_SCALE)].value == "1"


def test_a_redacted_value_is_not_in_a_part() -> None:
    (part,) = parts(report(1, [comparison("a", [change(live=None, redacted=True)])]), Scope())
    assert [seen.value for seen in part.seen.values()] == [None]


@pytest.mark.parametrize(
    ("outcome", "conclusive"),
    [
        (Outcome.IN_SYNC, True),
        (Outcome.PASSED, True),
        (Outcome.DRIFT, True),
        (Outcome.INVALID, False),
        (Outcome.INCOMPLETE, False),
    ],
)
def test_only_a_run_that_compared_everything_is_conclusive(outcome: Outcome, conclusive: bool) -> None:
    (part,) = parts(report(1, [comparison("a")], outcome=outcome), Scope())
    assert part.conclusive is conclusive
