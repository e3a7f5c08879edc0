"""Pairing: deployments by name, list entries by identity if they have one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.comparison.matching import match_deployments
from driftcheck.model import Deployment
from tests.comparison.sides import declarations, drift, sidecar, snapshot, spec

WORDS = st.lists(st.sampled_from("abcd"), max_size=7)


def words(*entries: str) -> dict[str, Any]:
    return sidecar(args=list(entries))


def variables(*entries: dict[str, Any]) -> dict[str, Any]:
    return sidecar(env=list(entries))


ARGS = "sidecars[name=otel].args"
ENV = "sidecars[name=otel].env"


# --- deployments -------------------------------------------------------------------------------------------------


def test_deployments_are_paired_by_name_and_the_rest_is_kept() -> None:
    declared = declarations({"name": "a"}, {"name": "b"}).deployments
    live = snapshot({"name": "b"}, {"name": "c"}, {"name": "b", "x": 1}).deployments
    matches, rest = match_deployments(declared, live)
    assert [(declaration.name, len(found)) for declaration, found in matches] == [("a", 0), ("b", 2)]
    assert {name: len(found) for name, found in rest.items()} == {"c": 1}


@pytest.mark.parametrize(
    ("status", "deleted"),
    [("AWAITING_DELETE", True), ("AWAITING_FINAL_DELETE", True), ("READY", False), (None, False), (["READY"], False)],
)
def test_a_deployment_in_deletion_is_known_by_its_status(status: Any, deleted: bool) -> None:
    assert Deployment("a", {"status": status}).is_being_deleted is deleted


# --- entries with an identity ------------------------------------------------------------------------------------


def test_D11_entries_are_paired_by_name_in_any_order() -> None:
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "x"}}]
    assert drift(spec(volumes=volumes), spec(volumes=volumes[::-1])) == []


@pytest.mark.parametrize("key", ["image_pull_secrets", "volumes", "sidecars"])
def test_order_means_nothing_in_most_lists(key: str) -> None:
    entries = [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}, {"name": "c", "image": "i"}]
    assert drift(spec(**{key: entries}), spec(**{key: entries[1:] + entries[:1]})) == []


def test_mounts_are_paired_by_mount_path() -> None:
    declared = spec(volume_mounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b", "subPath": "x"}])
    live = spec(volume_mounts=[{"name": "v", "mountPath": "/b", "subPath": "y"}, {"name": "v", "mountPath": "/a"}])
    assert drift(declared, live) == [("modified", "volume_mounts[mountPath=/b].subPath")]


def test_an_entry_of_another_name_is_one_gone_and_one_more() -> None:
    assert drift(spec(image_pull_secrets=[{"name": "a"}]), spec(image_pull_secrets=[{"name": "b"}])) == [
        ("removed", "image_pull_secrets[name=a]"),
        ("added", "image_pull_secrets[name=b]"),
    ]


def test_D11_a_list_with_duplicates_is_compared_as_a_whole() -> None:
    one, two, three = ({"name": "A", "value": value} for value in "123")
    assert drift(variables(one, two), variables(one, two)) == []
    for live in ((one,), (one, three), (two, one), (one, two, two)):
        assert drift(variables(one, two), variables(*live)) == [("modified", ENV)]


@pytest.mark.parametrize("live", [[{"name": "a"}, {"name": 1}], [{"name": "a"}, {"name": "b"}, "c"], [{}, None]])
def test_D6_a_list_with_entries_without_identity_is_compared_as_a_whole(live: list[Any]) -> None:
    declared = spec(image_pull_secrets=[{"name": "a"}, {"name": "b"}])
    assert drift(declared, spec(image_pull_secrets=live)) == [("modified", "image_pull_secrets")]


# --- order -------------------------------------------------------------------------------------------------------


def test_init_containers_run_one_after_the_other() -> None:
    first, second = {"name": "a", "image": "i"}, {"name": "b", "image": "i"}
    declared = spec(init_containers=[first, second])
    assert drift(declared, spec(init_containers=[second, first])) == [("modified", "init_containers")]
    assert drift(declared, spec(init_containers=[{"name": "c", "image": "i"}, first, second])) == [
        ("added", "init_containers[name=c]")
    ]
    assert drift(declared, spec(init_containers=[second, {**first, "image": "j"}])) == [
        ("modified", "init_containers"),
        ("modified", "init_containers[name=a].image"),
    ]


def test_variables_have_an_order_only_where_one_refers_to_another() -> None:
    host, url, other = (
        {"name": "HOST", "value": "h"},
        {"name": "URL", "value": "x://$(HOST)"},
        {"name": "Z", "value": "z"},
    )
    declared = variables(host, url, other)
    assert drift(declared, variables(other, host, url)) == []
    assert drift(declared, variables(host, other, url)) == []
    assert drift(declared, variables(url, host, other)) == [("modified", ENV)]


def test_an_escaped_or_foreign_reference_makes_no_order() -> None:
    escaped, foreign = {"name": "A", "value": "$$(HOST) $(NODE)"}, {"name": "HOST", "value": "h"}
    assert drift(variables(escaped, foreign), variables(foreign, escaped)) == []
    thrice = {"name": "A", "value": "$$$(HOST)"}
    assert drift(variables(thrice, foreign), variables(foreign, thrice)) == [("modified", ENV)]


def test_a_variable_that_refers_to_itself_may_have_any_position() -> None:
    own, other = {"name": "A", "value": "$(A):b"}, {"name": "B", "value": ""}
    assert drift(variables(own, other), variables(other, own)) == []


# --- entries without identity ------------------------------------------------------------------------------------


@given(WORDS, WORDS)
def test_D9_a_list_of_words_is_one_change_unless_it_is_equal(one: list[str], other: list[str]) -> None:
    kind = "removed" if not other else "added" if not one else "modified"
    assert drift(words(*one), words(*other)) == ([] if one == other else [(kind, ARGS)])


def test_a_later_source_of_variables_wins_so_their_order_counts() -> None:
    one, two = {"secretRef": {"name": "a"}}, {"secretRef": {"name": "b"}}
    path = "sidecars[name=otel].envFrom"
    assert drift(sidecar(envFrom=[one, two]), sidecar(envFrom=[two, one])) == [("modified", path)]
    assert drift(sidecar(envFrom=[one, two]), sidecar(envFrom=[one | {"prefix": None}, two])) == []


@given(st.lists(st.sampled_from("abcdef"), max_size=6), st.lists(st.sampled_from("abcdef"), max_size=6))
def test_lists_of_objects_never_lose_a_difference(one: list[str], other: list[str]) -> None:
    declared, live = ([{"secretRef": {"name": name, "optional": False}} for name in names] for names in (one, other))
    assert (drift(sidecar(envFrom=declared), sidecar(envFrom=live)) == []) == (one == other)


def test_forms_of_one_value_are_equal_inside_a_list() -> None:
    def items(divisor: str) -> dict[str, Any]:
        entry = {"path": "cpu", "resourceFieldRef": {"resource": "limits.cpu", "divisor": divisor}}
        return spec(volumes=[{"name": "v", "downwardAPI": {"items": [entry]}}])

    assert drift(items("500m"), items("0.5")) == []
    assert drift(items("500m"), items("0.6")) == [("modified", "volumes[name=v].downwardAPI.items")]


def test_nested_lists_that_differ_take_no_exponential_time() -> None:
    def nested(leaf: str) -> Any:
        value: Any = leaf
        for _ in range(60):
            value = [{"a": value}, {"b": [leaf]}]
        return spec(volumes=[{"name": "v", "csi": {"x": value}}])

    assert drift(nested("a"), nested("b")) == [("modified", "volumes[name=v].csi.x")]
    assert drift(nested("a"), nested("a")) == []


def test_identities_are_written_into_paths() -> None:
    assert drift(spec(volume_mounts=[{"name": "v", "mountPath": "/a b"}]), spec(volume_mounts=[])) == [
        ("removed", 'volume_mounts[mountPath="/a b"]')
    ]
