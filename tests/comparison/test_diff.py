"""No false drift, no missed drift: what the service means, field by field (docs/API.md 3.1 and 3.2)."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from driftcheck.comparison.diff import compare_with_live
from driftcheck.comparison.differences import Differences
from driftcheck.comparison.verdicts import impact_of
from driftcheck.declarations.lint import lint
from driftcheck.declarations.schema import validate
from driftcheck.model import REDACTED_MARKER, Severity
from driftcheck.paths import format_path, sort_key
from driftcheck.rules import RULES
from tests.comparison.api import AGES, SOURCES
from tests.comparison.declarations import declaration, declarations
from tests.comparison.echo import Freedom, echo
from tests.comparison.mutations import mutations
from tests.comparison.sides import at, differences, drift, only, short, sidecar, spec, unverifiable

SEEDS = st.integers(0, 2**32).map(Random)
OWN = Freedom(foreign=False, newer=False)


def texts(found: Differences) -> list[str]:
    return [format_path(difference.path) for difference in found.differences]


# --- the echo, and single changes to it --------------------------------------------------------------------------


@given(declarations())
def test_what_is_drawn_is_valid_and_free_of_lint_errors(declared: dict[str, Any]) -> None:
    violations = (*validate({"deployments": [declared]}), *lint(declared["name"], declared))
    assert [v.rule for v in violations if RULES[v.rule].severity is Severity.ERROR] == []


@pytest.mark.parametrize("age", AGES)
@given(declared=declarations(), random=SEEDS)
def test_the_echo_of_a_declaration_is_in_sync_at_every_age(age: str, declared: dict[str, Any], random: Random) -> None:
    seen = echo(declared, age, random)
    found = differences(declared, seen.live)
    assert texts(found) == []
    assert set(found.unverifiable) == seen.hidden


@pytest.mark.parametrize("source", SOURCES)
@given(data=st.data(), random=SEEDS, age=st.sampled_from(AGES))
def test_D10_each_single_change_is_reported_once_at_its_path_and_nothing_else(
    source: str, data: st.DataObject, random: Random, age: str
) -> None:
    declared = data.draw(declarations(source))
    seen = echo(declared, age, random)
    for mutation in mutations(declared, seen, random):
        found = differences(declared, mutation.live).differences
        reported = sorted((d.kind.value, format_path(d.path), impact_of(d.path).value) for d in found)
        wanted = sorted((e.kind, format_path(e.path), e.impact) for e in mutation.expected)
        assert reported == wanted, mutation.what


@given(declarations(), SEEDS)
def test_D10_one_change_does_not_hide_another(declared: dict[str, Any], random: Random) -> None:
    declared["display_name"] = "Claims"
    for mutation in mutations(declared, echo(declared, "C", random), random):
        if ("display_name",) not in {expected.path for expected in mutation.expected}:
            live = mutation.live | {"display_name": "Billing"}
            reported = [difference.path for difference in differences(declared, live).differences]
            assert sorted(reported, key=sort_key) == reported
            assert set(reported) == {("display_name",), *(expected.path for expected in mutation.expected)}


@given(declarations(), SEEDS)
def test_the_result_does_not_depend_on_the_order_of_keys(declared: dict[str, Any], random: Random) -> None:
    live = next((m.live for m in mutations(declared, echo(declared, "C", random), random)), declared)
    assert differences(declared, live) == differences(sorted_keys(declared), sorted_keys(live))


def sorted_keys(value: Any) -> Any:
    return json.loads(json.dumps(value, sort_keys=True))


NAMES = st.lists(st.sampled_from("abcd"), unique=True)
COLLECTIONS = st.builds(
    lambda labels, secrets, containers: spec(
        labels=labels,
        image_pull_secrets=[{"name": name} for name in secrets],
        sidecars=[{"name": name, "image": "i", "resources": {"limits": labels}} for name in containers],
    ),
    st.dictionaries(st.sampled_from("abcd"), st.sampled_from(("1", "1000m", "2"))),
    NAMES,
    NAMES,
)


@given(COLLECTIONS, COLLECTIONS)
def test_D9_swapping_the_sides_swaps_added_and_removed(one: dict[str, Any], other: dict[str, Any]) -> None:
    mirrored = {"added": "removed", "removed": "added", "modified": "modified"}
    there = {(kind, path) for kind, path in drift(one, other)}
    assert there == {(mirrored[kind], path) for kind, path in drift(other, one)}


@given(declarations())
def test_D9_a_declaration_equals_itself(declared: dict[str, Any]) -> None:
    assert compare_with_live(declared, declared).differences == []
    assert compare_with_live(declared, declared, strict=True).differences == []


@given(declarations(), SEEDS)
def test_differences_are_sorted_by_path(declared: dict[str, Any], random: Random) -> None:
    other = declaration(random, declared["source"])
    paths = [difference.path for difference in differences(declared, other).differences]
    assert paths == sorted(paths, key=sort_key)


@given(declarations(), st.integers(0, 2**32), st.booleans())
def test_D13_nothing_differs_exactly_where_a_plain_comparison_of_canonical_forms_says_so(
    declared: dict[str, Any], seed: int, same: bool
) -> None:
    """An oracle for values without any known facts: free-form objects, compared as a whole."""
    first, second = ({"driver": "x", "a": random_json(Random(s))} for s in (seed, seed if same else seed + 1))
    one, other = (spec(volumes=[{"name": "v", "csi": value}]) for value in (first, second))
    assert (drift(one, other) == []) == (oracle(first) == oracle(second))


def random_json(random: Random, depth: int = 3) -> Any:
    if depth and random.random() < 0.6:
        children = [random_json(random, depth - 1) for _ in range(random.randrange(3))]
        return (
            children
            if random.random() < 0.5
            else dict(zip(random.sample("abcd", len(children)), children, strict=True))
        )
    return random.choice((None, 1, 1.0, True, "1", "", 0, False, 2.5))


def oracle(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{oracle(value[k])}" for k in sorted(value) if value[k] is not None) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(oracle, value)) + "]"
    return repr(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)


# --- 1. equivalences ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("live", [{}, {"labels": None}, {"labels": {}}])
@pytest.mark.parametrize("declared", [{"labels": None}, {"labels": {}}])
def test_null_absent_and_empty_are_equal_if_the_service_treats_them_as_equal(
    declared: dict[str, Any], live: dict[str, Any]
) -> None:
    assert drift(spec(**declared), spec(**live)) == []
    assert drift(spec(**{k.replace("labels", "sidecars"): v and [] for k, v in declared.items()}), spec(**live)) == []


def test_an_empty_volume_source_is_a_volume() -> None:
    volume, other = {"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": None}
    assert drift(spec(volumes=[volume]), spec(volumes=[other])) == [("removed", "volumes[name=v].emptyDir")]
    assert drift(spec(volumes=[other]), spec(volumes=[volume])) == [("added", "volumes[name=v].emptyDir")]
    assert drift(spec(volumes=[volume]), spec(volumes=[volume | {"nfs": None}])) == []


@pytest.mark.parametrize(
    ("kind", "resource"), [("limits", "cpu"), ("requests", "memory"), ("limits", "nvidia.com/gpu")]
)
def test_quantities_of_containers_are_compared_by_value(kind: str, resource: str) -> None:
    declared = sidecar(resources={kind: {resource: "500m"}})
    assert drift(declared, sidecar(resources={kind: {resource: "0.5"}})) == []
    assert drift(declared, sidecar(resources={kind: {resource: "501m"}})) == [
        ("modified", f"sidecars[name=otel].resources.{format_path((kind, resource))}")
    ]


def test_size_limits_are_compared_by_value() -> None:
    def volume(limit: Any) -> dict[str, Any]:
        return spec(volumes=[{"name": "v", "emptyDir": {"sizeLimit": limit}}])

    assert drift(volume("1Gi"), volume("1024Mi")) == []
    assert drift(volume(1073741824), volume("1Gi")) == []
    assert drift(volume("1Gi"), volume("1G")) == [("modified", "volumes[name=v].emptyDir.sizeLimit")]


def test_repository_urls_and_uuids_are_compared_by_meaning() -> None:
    declared = at("source_config.repo_url", "https://github.com/acme/agent", "github")
    assert drift(declared, at("source_config.repo_url", "https://GitHub.com/Acme/agent.git", "github")) == []
    assert drift(declared, at("source_config.repo_url", "https://github.com/acme/agents", "github")) != []
    uuid = "3f0f7a5e-2f3c-4a3b-8b0c-0a54d2f0c1aa"
    assert drift(at("source_config.listener_id", uuid), at("source_config.listener_id", uuid.upper())) == []


def test_labels_are_compared_by_key_and_whole() -> None:
    declared = spec(labels={"team": "claims", "a.b/c": "1"})
    assert drift(declared, spec(labels={"a.b/c": "1", "team": "claims"})) == []
    assert drift(declared, spec(labels={"team": "claims", "a.b/c": "1", "kubectl": "x"})) == [
        ("added", "labels.kubectl")
    ]
    assert drift(declared, spec(labels={"team": "claims"})) == [("removed", 'labels["a.b/c"]')]
    assert set(drift(declared, spec(labels={}))) == {("removed", "labels.team"), ("removed", 'labels["a.b/c"]')}
    assert drift(declared, spec(labels=None)) == [("removed", "labels")]
    assert drift(spec(), spec(labels={"kubectl": "x"})) == []


@pytest.mark.parametrize(
    "key", ["", "a.b", 'a"b', "a'b", "a[0]", "__class__", "\u2028", "root", "0", "a\nb", "é", "\\"]
)
def test_D12_no_key_is_ambiguous_or_lost(key: str) -> None:
    found = only(spec(labels={key: "a", "z": "1"}), spec(labels={key: "b", "z": "1"}))
    assert found.path == ("source_config", "resource_spec", "labels", key)
    assert (found.declared, found.live) == ("a", "b")


@pytest.mark.parametrize("value", [("2", 2), (True, 1), (2, "2"), (None, [])])
def test_D6_a_value_of_another_type_differs(value: tuple[Any, Any]) -> None:
    declared, live = value
    free = {"name": "v", "csi": {"x": declared}}
    found = drift(spec(volumes=[free]), spec(volumes=[{"name": "v", "csi": {"x": live}}]))
    assert len(found) == 1


@pytest.mark.parametrize(
    "live",
    [1, "x", True, [], [1], [None], [[]], {"a": 1}, [{"name": None}], [{"name": {}}], [{"name": "a"}, {"name": "a"}]],
)
@pytest.mark.parametrize("key", ["labels", "sidecars", "volumes", "cpu", "queue_cpu_limit", "image_pull_secrets"])
def test_D6_live_values_of_any_shape_are_never_fatal(key: str, live: Any) -> None:
    values = {"labels": {"a": "b"}, "cpu": 1, "queue_cpu_limit": 2, "image_pull_secrets": [{"name": "a"}]}
    declared = spec(cpu=1, **{k: v for k, v in values.items() if k == key and k != "cpu"})
    if key in ("sidecars", "volumes"):
        declared["source_config"]["resource_spec"][key] = [{"name": "a", "image": "i", "emptyDir": {}}]
    seen = spec(**({"cpu": 1} | {key: live}))
    assert len(set(drift(declared, seen, strict=True))) == len(drift(declared, seen, strict=True))
    assert drift(declared, at("source_config", live)) != []
    assert drift(declared, at("source_config.resource_spec", live)) != []


# --- 2. effective values -----------------------------------------------------------------------------------------


def test_a_limit_equals_null_where_it_is_what_the_service_derives() -> None:
    assert drift(spec(cpu=1, cpu_limit=2), spec(cpu=1, cpu_limit=None)) == []
    assert drift(spec(cpu=1, cpu_limit=2), spec(cpu=1)) == []
    assert drift(spec(cpu=1, cpu_limit=None), spec(cpu=1, cpu_limit=2)) == []


def test_a_limit_that_became_null_is_drift_where_the_effective_value_changed() -> None:
    found = only(spec(cpu=1, cpu_limit=4), spec(cpu=1, cpu_limit=None))
    assert (found.kind.value, found.declared, found.live, found.live_effective) == ("removed", 4, None, 2)


def test_redis_memory_is_not_doubled() -> None:
    assert (
        drift(
            spec(redis_memory_mb=1024, redis_memory_limit_mb=1024),
            spec(redis_memory_mb=1024, redis_memory_limit_mb=None),
        )
        == []
    )
    found = only(
        spec(redis_memory_mb=1024, redis_memory_limit_mb=2048), spec(redis_memory_mb=1024, redis_memory_limit_mb=None)
    )
    assert found.live_effective == 1024


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"cpu": 1, "queue_cpu_limit": 2}, {"cpu": 1}),
        ({"cpu": 1, "queue_cpu": 1}, {"cpu": 1}),
        ({"cpu": 1, "queue_cpu": 2, "queue_cpu_limit": 4}, {"cpu": 1, "queue_cpu": 2}),
        ({"min_scale": 2, "queue_min_scale": 2}, {"min_scale": 2}),
        ({"max_scale": 5, "queue_max_scale": 5}, {"max_scale": 5}),
        ({"memory_mb": 1024, "queue_memory_limit_mb": 2048}, {"memory_mb": 1024}),
        ({"core_cpu": 1, "core_cpu_limit": 2}, {"core_cpu": 1, "core_cpu_limit": None}),
        ({"db_memory_mb": 1024, "db_memory_limit_mb": 2048}, {"db_memory_mb": 1024}),
        ({"redis_cpu": 0.5, "redis_cpu_limit": 1}, {"redis_cpu": 0.5, "redis_cpu_limit": None}),
    ],
)
def test_queues_inherit_and_limits_double_in_a_chain(declared: dict[str, Any], live: dict[str, Any]) -> None:
    assert drift(spec(**declared), spec(**live)) == []
    assert drift(spec(**dict.fromkeys(declared, None) | live), spec(**declared)) == []
    last = list(declared)[-1]
    assert drift(spec(**declared | {last: declared[last] + 1}), spec(**live)) == [("removed", last)]


def test_the_rule_is_the_same_on_both_sides() -> None:
    found = only(spec(cpu=1, cpu_limit=None), spec(cpu=1, cpu_limit=3))
    assert (found.kind.value, found.declared, found.declared_effective, found.live) == ("added", None, 2, 3)


def test_a_null_that_derives_from_nothing_known_is_unverifiable() -> None:
    assert unverifiable(spec(cpu_limit=2), spec(cpu=None, cpu_limit=None)) == ["cpu_limit"]
    assert unverifiable(spec(queue_cpu_limit=2), spec()) == ["queue_cpu_limit"]


def test_a_rounded_request_does_not_make_its_limit_drift() -> None:
    for stored in (0.2, 0.3):
        assert drift(spec(cpu=0.25, cpu_limit=0.5), spec(cpu=stored, cpu_limit=None)) == []
        assert drift(spec(cpu=0.25, cpu_limit=None), spec(cpu=stored, cpu_limit=0.5)) == []
        assert drift(spec(cpu=0.25), spec(cpu=stored, cpu_limit=0.5), strict=True) == []


def test_a_request_that_changed_takes_its_limit_along() -> None:
    assert drift(spec(cpu=1, cpu_limit=2), spec(cpu=2, cpu_limit=None)) == [
        ("modified", "cpu"),
        ("removed", "cpu_limit"),
    ]
    assert drift(spec(cpu=1, cpu_limit=None), spec(cpu=2, cpu_limit=None)) == [("modified", "cpu")]
    assert drift(spec(cpu=1, cpu_limit=None), spec(cpu=2, cpu_limit=4)) == [("modified", "cpu")]


def test_no_absolute_default_is_assumed() -> None:
    assert drift(spec(min_scale=1, cpu=1), spec(min_scale=None, cpu=1)) == [("removed", "min_scale")]


def test_a_variable_without_value_is_empty_and_a_mount_without_flag_is_writable() -> None:
    assert drift(sidecar(env=[{"name": "A", "value": ""}]), sidecar(env=[{"name": "A", "value": None}])) == []
    assert drift(sidecar(env=[{"name": "A", "value": "x"}]), sidecar(env=[{"name": "A"}])) == [
        ("removed", "sidecars[name=otel].env[name=A].value")
    ]
    mount = {"name": "v", "mountPath": "/a"}
    assert drift(spec(volume_mounts=[mount | {"readOnly": False}]), spec(volume_mounts=[mount])) == []
    assert drift(spec(volume_mounts=[mount | {"readOnly": True}]), spec(volume_mounts=[mount])) != []


# --- 3. disappeared values, 4. declared null ---------------------------------------------------------------------


def test_a_partial_patch_resets_what_it_leaves_out() -> None:
    declared = spec(cpu=1, memory_mb=2048, labels={"team": "claims"}, service_account_name="claims")
    live = spec(cpu=1, memory_mb=None, labels=None, service_account_name=None)
    assert drift(declared, live) == [
        ("removed", "labels"),
        ("removed", "memory_mb"),
        ("removed", "service_account_name"),
    ]


def test_an_object_that_is_gone_is_one_change() -> None:
    found = only(spec(cpu=1, labels={"a": "b"}), at("source_config.resource_spec", None))
    assert (found.kind.value, short(found.path), found.live) == ("removed", "source_config.resource_spec", None)
    assert drift(sidecar(resources={"limits": {"cpu": "1"}}), sidecar(resources=None)) == [
        ("removed", "sidecars[name=otel].resources")
    ]


def test_nothing_is_gone_where_nothing_was_set() -> None:
    assert drift(spec(), at("source_config.resource_spec", None)) == []
    assert drift(spec(labels={}, cpu=None), at("source_config.resource_spec", None)) == []


def test_only_what_is_declared_is_compared() -> None:
    assert drift(spec(), spec(cpu=3, labels={"a": "b"}, sidecars=[{"name": "x", "image": "y"}])) == []
    assert drift(sidecar(), sidecar(workingDir="/srv", args=["x"])) == []


def test_declared_null_means_unset_in_live() -> None:
    assert drift(at("display_name", None), at("display_name", None)) == []
    assert drift(at("display_name", None), at("display_name", "x")) == [("added", "display_name")]
    assert drift(spec(cpu=None), spec(cpu=1)) == [("added", "cpu")]
    assert drift(spec(labels=None), spec(labels={"a": "b"})) == [("added", "labels")]
    assert drift(at("shareable", None), at("shareable", False)) == []


@pytest.mark.parametrize("flag", ["shareable", "route_through_gateway"])
def test_a_flag_that_is_off_by_default_is_off_where_live_has_none(flag: str) -> None:
    assert drift(at(flag, False, "github"), at(flag, None, "github")) == []
    assert drift(at(flag, False, "github"), at("display_name", None, "github")) == []
    assert drift(at(flag, True, "github"), at(flag, None, "github")) == [("removed", flag)]


def test_self_hosted_deployments_ignore_the_gateway() -> None:
    flag = "route_through_gateway"
    assert drift(at(flag, True), at(flag, True)) == []
    assert unverifiable(at(flag, True), at(flag, False)) == [flag]
    assert drift(at("name", "claims"), at(flag, True), strict=True) == []


# --- 5. unverifiable values, and older servers -------------------------------------------------------------------


def test_what_the_service_does_not_report_is_unverifiable() -> None:
    declared = at("source_config.listener_config", {"k8s_namespace": "agents"})
    path = "source_config.listener_config.k8s_namespace"
    assert unverifiable(declared, at("source_config.listener_config", None)) == [path]
    assert unverifiable(declared, at("source_config.listener_config", {"k8s_namespace": None})) == [path]
    assert unverifiable(declared, at("source_config.custom_url", None)) == [path]
    for key in ("install_command", "build_command"):
        declared = at(f"source_config.{key}", "npm ci", "github")
        assert unverifiable(declared, at(f"source_config.{key}", None, "github")) == [f"source_config.{key}"]


def test_a_value_that_is_shown_after_all_is_compared() -> None:
    declared = at("source_config.listener_config", {"k8s_namespace": "agents"})
    live = at("source_config.listener_config", {"k8s_namespace": "other"})
    assert drift(declared, live) == [("modified", "source_config.listener_config.k8s_namespace")]
    declared = at("source_config.install_command", "npm ci", "github")
    assert drift(declared, at("source_config.install_command", "npm i", "github")) != []


def test_resource_spec_of_a_cloud_source_is_compared_where_it_is_shown() -> None:
    declared = at("source_config.resource_spec", {"cpu": 1, "labels": {"a": "b"}}, "github")
    assert unverifiable(declared, at("source_config.resource_spec", None, "github")) == ["cpu", "labels"]
    assert drift(declared, at("source_config.resource_spec", {"cpu": 2, "labels": {"a": "b"}}, "github")) == [
        ("modified", "cpu")
    ]


def test_D5_what_an_older_server_does_not_know_is_unverifiable() -> None:
    assert unverifiable(spec(core_cpu=1), spec(cpu=1)) == ["core_cpu"]
    assert unverifiable(spec(redis_cpu=1), spec(cpu=1)) == ["redis_cpu"]
    assert unverifiable(at("shareable", True), at("status", "READY")) == ["shareable"]
    assert unverifiable(spec(orchestrator_cpu=1), spec(cpu=1)) == ["orchestrator_cpu"]


def test_D5_what_a_server_left_out_though_it_knows_it_is_gone() -> None:
    assert drift(spec(core_cpu=1), spec(core_cpu=None)) == [("removed", "core_cpu")]
    assert drift(spec(core_cpu=1), at("url", "https://x") | spec(cpu=1)) == [("removed", "core_cpu")]
    assert drift(spec(redis_cpu=1), spec(redis_memory_limit_mb=None)) == [("removed", "redis_cpu")]
    assert drift(spec(cpu=1), spec()) == [("removed", "cpu")]
    assert drift(spec(orchestrator_cpu=1), spec(executor_cpu=None)) == [("removed", "orchestrator_cpu")]


def test_a_value_that_a_snapshot_does_not_hold_is_unverifiable() -> None:
    marker = dict(REDACTED_MARKER)
    assert unverifiable(sidecar(env=[{"name": "A", "value": "x"}]), sidecar(env=[{"name": "A", "value": marker}])) == [
        "sidecars[name=otel].env[name=A].value"
    ]
    assert unverifiable(spec(labels={"a": "b"}), spec(labels={"a": marker})) == ["labels.a"]


# --- 6. platform-set ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("live", [None, "https://agent-1234.us.langgraph.app"])
def test_the_url_and_image_of_a_github_deployment_are_the_platforms(live: str | None) -> None:
    for key in ("source_config.custom_url", "source_revision_config.image_uri"):
        assert unverifiable(at(key, "mine", "github"), at(key, live, "github")) == [key]
        assert drift(at(key, None, "github"), at(key, live, "github")) == []


def test_the_url_and_image_of_an_external_image_are_the_users() -> None:
    for key in ("source_config.custom_url", "source_revision_config.image_uri"):
        assert drift(at(key, "mine"), at(key, "other")) == [("modified", key)]
        assert drift(at(key, "mine"), at(key, None)) == [("removed", key)]


def test_type_and_build_on_push_of_an_external_image_are_the_platforms() -> None:
    assert unverifiable(at("source_config.deployment_type", "dev"), at("source_config.deployment_type", "prod")) == [
        "source_config.deployment_type"
    ]
    assert drift(at("source_config.build_on_push", None), at("source_config.build_on_push", False)) == []
    assert drift(
        at("source_config.deployment_type", "dev", "github"), at("source_config.deployment_type", "prod", "github")
    ) == [("modified", "source_config.deployment_type")]


def test_a_resolved_commit_equals_its_branch() -> None:
    def live(ref: str | None, branch: str | None) -> dict[str, Any]:
        return {
            "source": "github",
            "source_config": {"repo_branch": branch},
            "source_revision_config": {"repo_ref": ref},
        }

    declared, path = at("source_revision_config.repo_ref", "main", "github"), "source_revision_config.repo_ref"
    declared.pop("name")
    for commit in ("4c9f1b7a0d" * 4, "0123456789abcdef" * 4):
        assert drift(declared, live(commit, "main")) == []
        assert drift(declared, live(commit, "dev")) == [("modified", path)]
        assert only(declared, live(commit, "dev")).live == "dev"
        assert unverifiable(declared, live(commit, None)) == [path]
    for ref in ("dev", None, "4c9f1b7", "HEAD"):
        assert drift(declared, live(ref, "main")) == []
    for silent in (None, ""):
        assert unverifiable(declared, live("4c9f1b7", silent)) == [path]
        assert drift(declared, live("main", silent)) == []
    assert drift(declared, live("main", "dev")) == [("modified", path)]
    assert drift(declared, live("dev", None)) == [("modified", path)]
    pinned = at("source_revision_config.repo_ref", "4c9f1b7a0d" * 4, "github")
    pinned.pop("name")
    assert drift(pinned, live("4c9f1b7a0d" * 4, "main")) == []
    assert drift(pinned, live("4c9f1b7", "main")) == []
    assert drift(pinned, live("0c9f1b7a0d" * 4, "main")) == [("modified", path)]
    assert drift(pinned, live("0c9f1b7", "main")) == [("modified", path)]


def test_a_branch_whose_name_looks_like_a_commit_is_still_a_branch() -> None:
    declared = at("source_revision_config.repo_ref", "20241128", "github")
    live = {"source_config": {"repo_branch": "main"}, "source_revision_config": {"repo_ref": "20241128"}}
    assert drift(declared, {**declared, **live}) == [("modified", "source_revision_config.repo_ref")]


@pytest.mark.parametrize("ref", [None, "", "4c9f1b7", "4c9f1b7a0d" * 4, "HEAD"])
def test_an_undeclared_branch_differs_whatever_the_reference_is(ref: str | None) -> None:
    live = {"source": "github", "source_config": {"repo_branch": "main"}, "source_revision_config": {"repo_ref": ref}}
    declared = {"source": "github", "source_revision_config": {"langgraph_config_path": None}}
    found = compare_with_live(declared, live, strict=True).differences
    assert [(format_path(each.path), each.live) for each in found] == [("source_revision_config.repo_ref", "main")]


# --- 8. impact ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "impact"),
    [
        *((("name",), "recreate"), (("source",), "recreate"), (("source_config", "integration_id"), "recreate")),
        *((("source_config", key), "recreate") for key in ("deployment_type", "listener_id", "template_id")),
        (("source_config", "listener_config", "k8s_namespace"), "recreate"),
        *((("source_config", key), "in-place") for key in ("build_on_push", "custom_url", "repo_url")),
        *((("source_config", key), "new-revision") for key in ("resource_spec", "install_command", "build_command")),
        (("source_config", "resource_spec", "cpu"), "new-revision"),
        (("source_config", "resource_spec", "labels", "source"), "new-revision"),
        *((("source_revision_config", key), "new-revision") for key in ("repo_ref", "image_uri")),
        (("deployment_tier",), "new-revision"),
        *((("display_name",), "in-place"), (("shareable",), "in-place"), (("route_through_gateway",), "in-place")),
    ],
)
def test_each_change_says_what_it_takes(path: tuple[str, ...], impact: str) -> None:
    assert impact_of(path).value == impact


# --- 9. strict, 10. unknown fields -------------------------------------------------------------------------------


@given(declarations(), SEEDS, st.sampled_from(AGES))
def test_strict_reports_nothing_that_is_the_services_own(declared: dict[str, Any], random: Random, age: str) -> None:
    found = differences(declared, echo(declared, age, random, OWN).live, strict=True)
    assert texts(found) == []
    assert found.unmodelled == []


@given(declarations("external_docker"), SEEDS)
def test_strict_reports_each_value_that_others_set(declared: dict[str, Any], random: Random) -> None:
    seen = echo(declared, "C", random, OWN)
    config = seen.live["source_config"]
    for key in ("display_name", "deployment_tier"):
        assume(key not in declared)
        seen.live[key] = "theirs"
    assume("custom_url" not in declared["source_config"])
    config["custom_url"] = "https://theirs.example.com"
    assert texts(differences(declared, seen.live, strict=True)) == [
        "deployment_tier",
        "display_name",
        "source_config.custom_url",
    ]
    assert texts(differences(declared, seen.live)) == []


def test_strict_reports_values_inside_declared_entries() -> None:
    assert drift(sidecar(), sidecar(args=["x"], workingDir="/srv", env=[]), strict=True) == [
        ("added", "sidecars[name=otel].args"),
        ("added", "sidecars[name=otel].workingDir"),
    ]


def test_strict_leaves_out_what_is_derived_platform_set_read_only_or_a_default() -> None:
    live = {
        **spec(cpu=1, cpu_limit=2, queue_cpu=1, labels=None, volumes=[]),
        **dict.fromkeys(("id", "status", "url", "image_version"), "x"),
        **dict.fromkeys(("shareable", "is_preview"), False),
    }
    live["source_config"] |= {"deployment_type": "prod", "build_on_push": False, "repo_branch": "main"}
    assert drift(spec(cpu=1), live, strict=True) == []
    assert drift(spec(), spec(cpu=1, cpu_limit=2), strict=True) == [("added", "cpu")]
    assert drift(spec(cpu=1), spec(cpu=1, cpu_limit=3), strict=True) == [("added", "cpu_limit")]
    assert drift(at("name", "claims"), at("shareable", True), strict=True) == [("added", "shareable")]


def test_D4_unknown_live_fields_are_named_in_strict_comparison_and_never_fatal() -> None:
    declared = sidecar(image="otel:1")
    live = sidecar(image="otel:1", gpu={"count": 1})
    live |= {"brand_new": None}
    live["source_config"] |= {"listener_config": {"k8s_namespace": None, "zone": "a"}}
    found = differences(declared, live, strict=True)
    assert [short(path) for path in found.unmodelled] == [
        "brand_new",
        "source_config.listener_config.zone",
        "sidecars[name=otel].gpu",
    ]
    assert texts(found) == []
    assert differences(declared, live).unmodelled == []


@pytest.mark.parametrize(
    ("key", "value"), [("status", "HIBERNATING"), ("source", "hologram"), ("deployment_tier", "XXL")]
)
def test_D3_unknown_enum_values_are_compared_as_texts(key: str, value: str) -> None:
    live = at(key, value)
    if key == "source":
        assert drift(at("name", "claims"), live) == [("modified", "source")]
    else:
        assert drift(at("name", "claims"), live) == []
        if key == "deployment_tier":
            assert drift(at(key, "DEDICATED_S"), live) == [("modified", key)]


def test_how_much_was_compared_is_counted() -> None:
    found = differences(spec(cpu=1, labels={"a": "b", "c": "d"}), spec(cpu=2, labels={"a": "b", "c": "d"}))
    assert found.compared == len(("name", "source", "cpu", "labels.a", "labels.c"))
    assert differences({}, {}).compared == 0


@pytest.mark.parametrize("name", ["securityContext", "resources"])
def test_a_null_in_a_map_makes_no_room_for_another_entry(name: str) -> None:
    """Both sides have as many entries, and a null equals an absent one; still, somebody added the live entry."""
    sides = [{"runAsUser": None}, {"privileged": True}]
    if name == "resources":
        sides = [{"limits": {"cpu": None}}, {"limits": {"memory": "1Gi"}}]
    declared, live = (spec(sidecars=[{"name": "a", "image": "x", name: side}]) for side in sides)
    (difference,) = compare_with_live(declared, live).differences
    assert difference.kind == "added"


@pytest.mark.parametrize("strict", [False, True])
def test_a_redacted_value_is_set_for_certain_where_nothing_was_to_be(strict: bool) -> None:
    """What a snapshot hides is never null: of a declared null, and in a strict run it equals what live was."""
    hidden = {"source": "external_docker", "source_config": {"custom_url": dict(REDACTED_MARKER)}}
    declared = {"source": "external_docker", "source_config": {} if strict else {"custom_url": None}}
    found = compare_with_live(declared, hidden, strict=strict)
    assert [(each.kind, format_path(each.path)) for each in found.differences] == [
        ("added", "source_config.custom_url")
    ]
    assert found.unverifiable == []
