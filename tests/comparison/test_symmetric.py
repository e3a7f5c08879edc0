"""Two deployments of one kind: of two listings, or of two revisions of a declaration."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from driftcheck.comparison.differences import Difference
from driftcheck.comparison.symmetric import compare_declared, compare_listed
from driftcheck.model import ChangeKind
from driftcheck.paths import format_path
from tests.comparison.declarations import declarations
from tests.comparison.sides import at, short, spec
from tests.declarations.live_deployments import deployments

MIRROR = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED}


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[Difference]:
    return compare_listed(first, second).differences


@given(live=deployments())
def test_a_listed_deployment_equals_itself(live: dict[str, Any]) -> None:
    assert differences(live, live) == []


@given(first=deployments(), second=deployments())
def test_swapping_listed_deployments_mirrors_what_differs(first: dict[str, Any], second: dict[str, Any]) -> None:
    there, back = differences(first, second), differences(second, first)
    assert {(d.kind, d.path) for d in there} == {(MIRROR.get(d.kind, d.kind), d.path) for d in back}


@given(declarations())
def test_D9_a_declaration_equals_itself(declared: dict[str, Any]) -> None:
    assert compare_declared(declared, declared).differences == []
    assert compare_listed(declared, declared).differences == []


@pytest.mark.parametrize("silent", [None, ""])
def test_of_two_listings_a_cut_commit_may_be_the_branch(silent: str | None) -> None:
    def live(ref: str, branch: str | None) -> dict[str, Any]:
        return {
            "source": "github",
            "source_config": {"repo_branch": branch},
            "source_revision_config": {"repo_ref": ref},
        }

    for one, other in ((live("main", silent), live("4c9f1b7", silent)), (live("4c9f1b7", silent), live("x", "main"))):
        for sides in ((one, other), (other, one)):
            found = compare_listed(*sides)
            assert [format_path(path) for path in found.unverifiable if path[-1] == "repo_ref"] != []
            assert not any(each.path[-1] == "repo_ref" for each in found.differences)
    found = compare_listed(live("x", "20241128"), live("x", "main"))
    assert any(each.path[-1] == "repo_ref" for each in found.differences)


def test_the_tracked_branch_of_a_listing_wins_over_the_reference() -> None:
    one, other = (
        at("source_revision_config.repo_ref", "main", "github") | {"source_config": {"repo_branch": branch}}
        for branch in "ab"
    )
    assert [(d.declared, d.live) for d in differences(one, other)] == [("a", "b")]
    assert [(d.declared, d.live) for d in differences(other, one)] == [("b", "a")]


def test_nothing_is_rounded_between_two_listings() -> None:
    assert [short(d.path) for d in differences(spec(cpu=0.24), spec(cpu=0.2))] == ["cpu"]


def test_values_that_two_listings_know_by_name_only_are_counted() -> None:
    both = {"name": "a", "secrets": [{"name": "X"}, {"name": "Y"}]}
    assert compare_listed(both, both).by_name_only == 2


@pytest.mark.parametrize("holder", [(), ("source_config",), ("source_config", "resource_spec")])
def test_two_listings_are_compared_in_what_the_schema_does_not_know(holder: tuple[str, ...]) -> None:
    def side(value: Any) -> dict[str, Any]:
        return at(".".join((*holder, "gpu")), value)

    found = compare_listed(side(1), side(8))
    assert [(d.kind.value, d.path, d.declared, d.live) for d in found.differences] == [
        ("modified", (*holder, "gpu"), 1, 8)
    ]
    assert compare_listed(side({"a": [1]}), side({"a": [1]})).differences == []
    missing = at("source_config.resource_spec", {})
    for sides in ((side(1), missing), (missing, side(1))):
        assert compare_listed(*sides).unverifiable == [(*holder, "gpu")]
