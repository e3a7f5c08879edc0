"""Two listings: names are paired, and neither side proves more than a listing can."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.comparison.listings import NameMap, pair
from driftcheck.errors import UsageError
from driftcheck.model import Deployment, Snapshot


def snapshot(*names: str, **more: Any) -> Snapshot:
    return Snapshot("live", tuple(Deployment(name, {"name": name, "source": "github"}) for name in names), **more)


def paired(first: Snapshot, second: Snapshot, *maps: str) -> tuple[list[str], list[str], tuple[str, ...]]:
    found = pair(first, second, [NameMap(*each.split("=")) for each in maps], "first")
    return (
        [declaration.name for declaration in found.declarations.deployments],
        [deployment.name for deployment in found.snapshot.deployments],
        found.apart,
    )


@pytest.mark.parametrize(
    ("pattern", "name", "counterpart"),
    [
        ("staging-*=prod-*", "staging-a", "prod-a"),
        ("staging-*=prod-*", "prod-a", None),
        ("*-staging=*", "a-staging", "a"),
        ("*=eu-*", "a", "eu-a"),
        ("a*b=x*y", "ab", "xy"),
        ("a*b=x*y", "a-*-b", "x-*-y"),
        ("one=two", "one", "two"),
        ("one=two", "one-more", None),
    ],
)
def test_a_star_matches_the_same_text_on_both_sides(pattern: str, name: str, counterpart: str | None) -> None:
    assert NameMap(*pattern.split("=")).counterpart(name) == counterpart


def test_without_maps_names_stand_for_themselves() -> None:
    assert paired(snapshot("a", "b"), snapshot("b", "c")) == (["a", "b"], ["b", "c"], ())


def test_the_first_map_that_fits_counts() -> None:
    assert paired(snapshot("s-a", "s-b"), snapshot(), "s-a=x", "s-*=p-*") == (["x", "p-b"], [], ())


def test_in_one_workspace_nothing_is_compared_with_itself_that_a_map_pairs() -> None:
    both = snapshot("s-a", "p-a", "s-b", "p-c", "shared")
    assert paired(both, both, "s-*=p-*") == (
        ["p-a", "p-b", "shared"],
        ["p-a", "p-c", "shared"],
        ("p-a", "p-c", "s-a", "s-b"),
    )


def test_maps_that_lead_two_names_to_one_are_refused() -> None:
    with pytest.raises(UsageError, match="a-x, b-x"):
        paired(snapshot("a-x", "b-x"), snapshot(), "a-*=p-*", "b-*=p-*")


@given(names=st.lists(st.text("ab-", min_size=1, max_size=4), unique=True, max_size=6))
def test_every_name_of_two_equal_listings_takes_part_once_or_is_counted_apart(names: list[str]) -> None:
    declared, live, apart = paired(snapshot(*names), snapshot(*names), "a-*=b-*")
    assert len(set(declared)) == len(declared)
    assert set(live) | set(apart) == set(names)
    assert sum(name not in apart for name in names) <= len(declared)


def test_gaps_of_the_first_side_are_gaps_of_the_comparison_and_say_whose_they_are() -> None:
    found = pair(snapshot("a", gaps=("It was cut.",)), snapshot("a"), (), "monday.json")
    assert found.snapshot.gaps == ("monday.json: It was cut.",)


@pytest.mark.parametrize(
    ("first", "second", "gaps"),
    [
        ({"name_contains": "a"}, {"name_contains": "a"}, 0),
        ({"name_contains": "a"}, {}, 1),
        ({"status": "READY"}, {"status": "READY"}, 1),
    ],
)
def test_filters_that_differ_or_that_time_changes_leave_a_gap(
    first: dict[str, str], second: dict[str, str], gaps: int
) -> None:
    assert len(pair(snapshot("a", scope=first), snapshot("a", scope=second), (), "x").snapshot.gaps) == gaps
