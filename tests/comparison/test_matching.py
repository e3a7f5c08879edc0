"""What belongs together: deployments by name, list entries by identity where they have one, else by position."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.comparison.matching import is_being_deleted, match_deployments
from driftcheck.model import Deployment
from tests.comparison.sides import declarations, sidecar, snapshot, spec, told

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
    assert [(match.declaration.name, len(match.live)) for match in matches] == [("a", 0), ("b", 2)]
    assert {name: len(found) for name, found in rest.items()} == {"c": 1}


@pytest.mark.parametrize(
    ("status", "deleted"),
    [("AWAITING_DELETE", True), ("AWAITING_FINAL_DELETE", True), ("READY", False), (None, False), (["READY"], False)],
)
def test_a_deployment_in_deletion_is_known_by_its_status(status: Any, deleted: bool) -> None:
    assert is_being_deleted(Deployment("a", {"status": status})) is deleted


# --- entries with an identity ------------------------------------------------------------------------------------


def test_D11_entries_are_paired_by_name_whatever_their_order() -> None:
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "x"}}]
    assert told(spec(volumes=volumes), spec(volumes=volumes[::-1])) == []


@pytest.mark.parametrize("key", ["image_pull_secrets", "volumes", "sidecars"])
def test_order_means_nothing_in_most_lists(key: str) -> None:
    entries = [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}, {"name": "c", "image": "i"}]
    assert told(spec(**{key: entries}), spec(**{key: entries[1:] + entries[:1]})) == []


def test_mounts_are_paired_by_mount_path() -> None:
    declared = spec(volume_mounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b", "subPath": "x"}])
    live = spec(volume_mounts=[{"name": "v", "mountPath": "/b", "subPath": "y"}, {"name": "v", "mountPath": "/a"}])
    assert told(declared, live) == [("modified", "volume_mounts[mountPath=/b].subPath")]


def test_an_entry_of_another_name_is_one_gone_and_one_more() -> None:
    assert told(spec(image_pull_secrets=[{"name": "a"}]), spec(image_pull_secrets=[{"name": "b"}])) == [
        ("removed", "image_pull_secrets[name=a]"),
        ("added", "image_pull_secrets[name=b]"),
    ]


def test_D11_duplicates_are_kept_and_told_by_position() -> None:
    one, two, three = ({"name": "A", "value": value} for value in "123")
    assert told(variables(one, two), variables(one, two)) == []
    assert told(variables(one, two), variables(one)) == [("removed", f"{ENV}[1]")]
    assert told(variables(one, two), variables(one, three)) == [("modified", f"{ENV}[1].value")]
    assert told(variables(one), variables(one, two)) == [("added", f"{ENV}[1]")]
    assert told(variables(one, two), variables(two, one)) != []


def test_D6_entries_without_identity_are_told_by_position() -> None:
    declared = spec(image_pull_secrets=[{"name": "a"}, {"name": "b"}])
    assert told(declared, spec(image_pull_secrets=[{"name": "a"}, {"name": 1}])) == [
        ("modified", "image_pull_secrets[1].name")
    ]
    assert told(declared, spec(image_pull_secrets=[{"name": "a"}, {"name": "b"}, "c"])) == [
        ("added", "image_pull_secrets[2]")
    ]
    assert told(declared, spec(image_pull_secrets=[{"name": "a"}, None])) == [("removed", "image_pull_secrets[1]")]


# --- order -------------------------------------------------------------------------------------------------------


def test_init_containers_run_one_after_the_other() -> None:
    first, second = {"name": "a", "image": "i"}, {"name": "b", "image": "i"}
    declared = spec(init_containers=[first, second])
    assert told(declared, spec(init_containers=[second, first])) == [("modified", "init_containers")]
    assert told(declared, spec(init_containers=[{"name": "c", "image": "i"}, first, second])) == [
        ("added", "init_containers[name=c]")
    ]
    assert told(declared, spec(init_containers=[second, {**first, "image": "j"}])) == [
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
    assert told(declared, variables(other, host, url)) == []
    assert told(declared, variables(host, other, url)) == []
    assert told(declared, variables(url, host, other)) == [("modified", ENV)]


def test_an_escaped_or_foreign_reference_makes_no_order() -> None:
    escaped, foreign = {"name": "A", "value": "$$(HOST) $(NODE)"}, {"name": "HOST", "value": "h"}
    assert told(variables(escaped, foreign), variables(foreign, escaped)) == []
    thrice = {"name": "A", "value": "$$$(HOST)"}
    assert told(variables(thrice, foreign), variables(foreign, thrice)) == [("modified", ENV)]


def test_a_variable_that_refers_to_itself_has_no_place_to_be() -> None:
    own, other = {"name": "A", "value": "$(A):b"}, {"name": "B", "value": ""}
    assert told(variables(own, other), variables(other, own)) == []


# --- entries without identity ------------------------------------------------------------------------------------


def test_words_are_told_by_position() -> None:
    assert told(words("a", "b"), words("a", "c")) == [("modified", f"{ARGS}[1]")]
    assert told(words("a", "b"), words("b", "a")) == [("modified", f"{ARGS}[0]"), ("modified", f"{ARGS}[1]")]


def test_one_word_put_in_or_taken_out_is_one_change() -> None:
    assert told(words("a", "b", "c"), words("a", "x", "b", "c")) == [("added", f"{ARGS}[1]")]
    assert told(words("a", "b", "c"), words("b", "c")) == [("removed", f"{ARGS}[0]")]
    assert told(words("a"), words("a", "b")) == [("added", f"{ARGS}[1]")]


@given(WORDS, WORDS)
def test_D9_lists_differ_unless_they_are_equal_and_each_place_is_told_once(one: list[str], other: list[str]) -> None:
    found = told(words(*one), words(*other))
    assert (found == []) == (one == other)
    assert len({path for _, path in found}) == len(found)
    assert len(found) <= max(len(one), len(other))


def test_a_later_source_of_variables_wins_so_their_order_counts() -> None:
    one, two = {"secretRef": {"name": "a"}}, {"secretRef": {"name": "b"}}
    path = "sidecars[name=otel].envFrom"
    assert told(sidecar(envFrom=[one, two]), sidecar(envFrom=[two, one])) == [
        ("modified", f"{path}[0].secretRef.name"),
        ("modified", f"{path}[1].secretRef.name"),
    ]


@given(st.lists(st.sampled_from("abcdef"), max_size=6), st.lists(st.sampled_from("abcdef"), max_size=6))
def test_lists_of_objects_never_lose_a_difference(one: list[str], other: list[str]) -> None:
    declared, live = ([{"secretRef": {"name": name, "optional": False}} for name in names] for names in (one, other))
    assert (told(sidecar(envFrom=declared), sidecar(envFrom=live)) == []) == (one == other)


def test_entries_that_moved_by_as_much_as_others_were_put_in_are_told_apart() -> None:
    declared, live = ([{"secretRef": {"name": name}} for name in names] for names in ("aby", "apqbz"))
    found = told(sidecar(envFrom=declared), sidecar(envFrom=live))
    assert {kind for kind, _ in found} == {"modified", "added"}
    assert len({path for _, path in found}) == len(found) == 4


def test_equal_forms_are_one_entry_where_another_was_put_in() -> None:
    def items(*divisors: str) -> dict[str, Any]:
        entries = [{"path": d, "resourceFieldRef": {"resource": "limits.cpu", "divisor": d}} for d in divisors]
        return spec(volumes=[{"name": "v", "downwardAPI": {"items": entries}}])

    declared, live = items("500m"), items("1", "500m")
    live["source_config"]["resource_spec"]["volumes"][0]["downwardAPI"]["items"][1]["resourceFieldRef"]["divisor"] = (
        "0.5"
    )
    assert told(declared, live) == [("added", "volumes[name=v].downwardAPI.items[0]")]


def test_long_lists_are_compared_in_reasonable_time() -> None:
    entries = [f"--flag={number}" for number in range(2_000)]
    changed = entries.copy()
    random.Random(0).shuffle(changed)
    assert len(told(words(*entries), words(*changed))) > 1_900


def test_identities_are_written_into_paths() -> None:
    assert told(spec(volume_mounts=[{"name": "v", "mountPath": "/a b"}]), spec(volume_mounts=[])) == [
        ("removed", 'volume_mounts[mountPath="/a b"]')
    ]
