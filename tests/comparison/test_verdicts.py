"""Verdicts: missing, unmanaged and unknown; lifecycle; impacts."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.comparison.differences import Difference
from driftcheck.comparison.verdicts import assess, change_of
from driftcheck.model import ChangeKind, Impact
from tests.comparison import sides
from tests.comparison.declarations import declarations
from tests.comparison.echo import echo
from tests.comparison.sides import rules, spec, statuses, verdicts

A, B, C = "a", "b", "c"
SOURCE = {"source": "external_docker"}


def named(name: str, **values: Any) -> dict[str, Any]:
    return {"name": name, **SOURCE, **values}


# --- the completeness law ----------------------------------------------------------------------------------------


def test_each_deployment_has_its_status() -> None:
    result = verdicts(
        [named("same"), named("gone"), named("other", display_name="x")],
        [named("same"), named("other", display_name="y"), named("theirs")],
    )
    assert statuses(result) == {"gone": "missing", "other": "drifted", "same": "in_sync", "theirs": "unmanaged"}
    assert [comparison.name for comparison in result.comparisons] == sorted(statuses(result))
    assert rules(result) == [("missing-deployment", "gone"), ("unmanaged-deployment", "theirs")]


def test_an_incomplete_listing_never_yields_missing_or_unmanaged() -> None:
    result = verdicts([named("same"), named("gone")], [named("same"), named("theirs")], gaps=("cut",))
    assert statuses(result) == {"gone": "unknown", "same": "in_sync", "theirs": "unknown"}
    assert rules(result) == []


def test_incomplete_declarations_never_yield_unmanaged() -> None:
    result = verdicts([named("gone")], [named("theirs")], complete=False)
    assert statuses(result) == {"gone": "missing", "theirs": "unknown"}
    assert rules(result) == [("missing-deployment", "gone")]


@given(
    st.lists(st.sampled_from("abcde"), unique=True),
    st.lists(st.sampled_from("abcde"), unique=True),
    st.booleans(),
    st.booleans(),
)
def test_the_completeness_law(declared: list[str], live: list[str], whole: bool, complete: bool) -> None:
    result = verdicts(
        [named(n) for n in declared], [named(n) for n in live], gaps=() if whole else ("x",), complete=complete
    )
    expected = dict.fromkeys({*declared} & {*live}, "in_sync")
    expected |= dict.fromkeys({*declared} - {*live}, "missing" if whole else "unknown")
    expected |= dict.fromkeys({*live} - {*declared}, "unmanaged" if whole and complete else "unknown")
    assert statuses(result) == expected


def test_P9_several_live_deployments_of_one_name_are_never_compared() -> None:
    for declared in ([named("twin", display_name="x")], []):
        result = verdicts(declared, [named("twin", display_name="x"), named("twin", display_name="y")])
        assert statuses(result) == {"twin": "unknown"}
        assert ("ambiguous-name", "twin") in rules(result)
        assert result.gaps
        assert result.comparisons[0].changes == ()


def test_names_outside_the_scope_are_not_missing() -> None:
    scoped = sides.snapshot(named("claims-a"), scope={"name_contains": "claims"})
    result = assess(sides.declarations(named("claims-a"), named("claims-b"), named("billing")), scoped)
    assert statuses(result) == {"claims-a": "in_sync", "claims-b": "missing"}
    assert ("outside-scope", None) in rules(result)
    tagged = sides.snapshot(named("claims-a"), scope={"tag_value_ids": "1"})
    result = assess(sides.declarations(named("claims-b")), tagged)
    assert "missing" not in statuses(result).values()


def test_none_of_the_declared_names_live_is_reported() -> None:
    assert ("wrong-workspace", None) in rules(verdicts([named("a"), named("b")], [named("c")]))
    assert ("wrong-workspace", None) not in rules(verdicts([named("a"), named("b")], [named("b")]))
    assert ("wrong-workspace", None) not in rules(verdicts([named("a")], []))
    assert ("wrong-workspace", None) not in rules(verdicts([named("a")], [named("c")], gaps=("cut",)))


@given(declarations(), st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_the_order_of_deployments(
    declared: dict[str, Any], seed: int, order: Any
) -> None:
    live = echo(declared, "C", Random(seed)).live
    ours, theirs = [declared, named("x"), named("y")], [live, named("y"), named("z")]
    shuffled = [order.sample(ours, 3), order.sample(theirs, 3)]
    first, second = verdicts(ours, theirs), verdicts(*shuffled)
    assert first.comparisons == second.comparisons
    assert rules(first) == rules(second)


def test_a_change_says_where_it_was_declared() -> None:
    (comparison,) = verdicts([spec(cpu=1)], [spec(cpu=2)]).comparisons
    assert [change.location.line for change in comparison.changes if change.location] == [4]
    assert comparison.location is not None
    assert comparison.id == "id-claims"


# --- lifecycle ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["AWAITING_DELETE", "AWAITING_FINAL_DELETE"])
def test_a_deployment_in_deletion_is_neither_present_nor_drifted(status: str) -> None:
    result = verdicts(
        [named("a", display_name="x")], [named("a", display_name="y", status=status), named("b", status=status)]
    )
    assert statuses(result) == {"a": "missing"}
    assert rules(result) == [("being-deleted", "a"), ("being-deleted", "b"), ("missing-deployment", "a")]
    assert [bool(found.hint) for found in result.findings if found.rule == "being-deleted"] == [True, False]
    assert result.comparisons[0].changes == ()
    incomplete = verdicts([named("a")], [named("a", status=status)], gaps=("cut",))
    assert statuses(incomplete) == {"a": "unknown"}
    assert rules(incomplete) == [("being-deleted", "a")]


@pytest.mark.parametrize(
    ("latest", "active", "pending"), [("1", "1", False), ("2", "1", True), ("1", None, True), (None, None, False)]
)
def test_a_latest_revision_that_does_not_serve_is_a_finding_and_no_drift(
    latest: Any, active: Any, pending: bool
) -> None:
    live = named("a", latest_revision_id=latest, active_revision_id=active)
    result = verdicts([named("a")], [live])
    assert statuses(result) == {"a": "in_sync"}
    assert rules(result) == ([("rollout-pending", "a")] if pending else [])
    assert (("rollout-pending", "a") in rules(verdicts([], [live], inventory=True))) == pending
    assert ("rollout-pending", "a") not in rules(verdicts([], [live]))


def test_previews_and_managed_agents_are_notes_of_their_own() -> None:
    live = [
        named("preview", is_preview=True),
        named("managed", is_managed_deep_agent=True),
        named("theirs", is_preview=False),
    ]
    result = verdicts([], live)
    assert rules(result) == [
        ("unmanaged-deployment", "theirs"),
        ("unmanaged-managed-agent", "managed"),
        ("unmanaged-preview", "preview"),
    ]
    assert {found.severity.value for found in result.findings} == {"note"}
    assert set(statuses(result).values()) == {"unmanaged"}


def test_D4_unknown_live_fields_are_findings_of_their_own() -> None:
    live = named("a", brand_new=1)
    assert rules(verdicts([named("a")], [live], strict=True)) == [("unmodelled-field", "a")]
    assert rules(verdicts([named("a")], [live])) == []
    assert statuses(verdicts([named("a")], [live], strict=True)) == {"a": "in_sync"}


@pytest.mark.parametrize(
    ("config", "impact"),
    [
        ({"custom_url": "https://a.example"}, Impact.IN_PLACE),
        ({"custom_url": "https://a.example", "resource_spec": {"cpu": 1}}, Impact.NEW_REVISION),
        ({"custom_url": "https://a.example", "resource_spec": None}, Impact.IN_PLACE),
        ({"resource_spec": {"cpu": 1}, "listener_id": "5c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11"}, Impact.RECREATE),
    ],
)
def test_the_impact_of_a_whole_object_is_the_worst_of_its_parts(config: dict[str, Any], impact: Impact) -> None:
    difference = Difference(ChangeKind.REMOVED, ("source_config",), config, None)
    change = change_of(sides.declarations(named("a")).deployments[0], difference)
    assert (change.path, change.impact) == (("source_config",), impact)
