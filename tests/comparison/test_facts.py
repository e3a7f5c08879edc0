"""What is known of the service since November 2026 (docs/API.md, section 6), fact by fact."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from driftcheck.budget import Budget
from driftcheck.comparison.listings import pair
from driftcheck.comparison.symmetric import compare_listed
from driftcheck.comparison.verdicts import assess
from driftcheck.model import REDACTED_MARKER, Declaration, Deployment, Snapshot
from driftcheck.paths import format_path, split_pattern
from driftcheck.policies import effective_values
from tests.comparison.sides import (
    at,
    declarations,
    differences,
    drift,
    locate,
    rules,
    sidecar,
    snapshot,
    spec,
    statuses,
    unverifiable,
    verdicts,
)

CLOUD = ("github", "internal_docker", "internal_source", "internal_template")
UUID = "0b6d7f10-52a5-4b44-8f5c-6c1f0e9d2a31"
DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


# --- words, branches, images -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "meaning"), [("serverless", "dev_zero"), ("dedicated", "prod")])
def test_two_words_for_one_type_are_equal_in_both_directions(word: str, meaning: str) -> None:
    key = "source_config.deployment_type"
    for one, other in ((word, meaning), (meaning, word), (word, word)):
        assert drift(at(key, one, "github"), at(key, other, "github")) == []
        assert compare_listed(at(key, one, "github"), at(key, other, "github")).differences == []
    assert drift(at(key, word, "github"), at(key, "dev", "github")) == [("modified", key)]
    assert drift(at(key, "serverless", "github"), at(key, "prod", "github")) == [("modified", key)]


@pytest.mark.parametrize(
    ("declared", "live", "outcome"),
    [
        ("r.io/a:1", f"r.io/a@{DIGEST}", "unverifiable"),
        ("r.io/a", f"r.io/a:2@{DIGEST}", "unverifiable"),
        ("r.io/a:1", f"r.io/a:1@{DIGEST}", "unverifiable"),
        ("r.io:5000/a", f"r.io:5000/a@{DIGEST}", "unverifiable"),
        ("r.io/a:1", f"r.io/a:2@{DIGEST}", "differs"),
        ("r.io/a:1", f"r.io/b@{DIGEST}", "differs"),
        ("r.io:5000/a", f"r.io:5001/a@{DIGEST}", "differs"),
        (f"r.io/a@{DIGEST}", "r.io/a:1", "differs"),
        (f"r.io/a@{DIGEST}", f"r.io/a@{OTHER}", "differs"),
        (f"r.io/a@{DIGEST}", f"r.io/a@{DIGEST}", "equal"),
        (f"r.io/a:1@{DIGEST}", f"r.io/a@{DIGEST}", "equal"),
        ("r.io/a:1", "r.io/a:2", "differs"),
    ],
)
def test_a_tag_and_a_digest_of_one_repository_can_not_be_compared(declared: str, live: str, outcome: str) -> None:
    key = "source_revision_config.image_uri"
    found = differences(at(key, declared), at(key, live))
    assert [format_path(d.path) for d in found.differences] == ([key] if outcome == "differs" else [])
    assert [format_path(path) for path in found.unverifiable] == ([key] if outcome == "unverifiable" else [])
    reported = rules(verdicts([at(key, declared)], [at(key, live)]))
    assert (("unverifiable-image", "claims") in reported) == (outcome == "unverifiable")


@pytest.mark.parametrize(("one", "other"), [("r.io/a:1", f"r.io/a@{DIGEST}"), ("a:1", "docker.io/library/a:1")])
def test_the_reason_is_given_in_a_comparison_of_listings_both_ways(one: str, other: str) -> None:
    sides = [[at("source_revision_config.image_uri", image)] for image in (one, other)]
    for first, second in (sides, sides[::-1]):
        result = assess(declarations(*first), snapshot(*second), listed=True)
        (found,) = (each for each in result.findings if each.rule == "unverifiable-image")
        assert "declared" not in found.message


@pytest.mark.parametrize(
    ("ref", "is_reported"),
    [(None, False), ("", False), ("4c9f1b7", False), ("HEAD", False), ("refs/heads/dev", False), ("main", True)],
)
def test_a_latest_revision_of_another_branch_is_reported(ref: str | None, is_reported: bool) -> None:
    path = "source_revision_config.repo_ref"
    live = at(path, ref, "github") | {"source_config": {"repo_branch": "dev"}}
    assert drift(at(path, "dev", "github"), live) == []
    assert (("other-branch", "claims") in rules(verdicts([at(path, "dev", "github")], [live]))) is is_reported
    undeclared = {"name": "claims", "source": "github"}
    assert ("other-branch", "claims") not in rules(verdicts([undeclared], [live]))


@pytest.mark.parametrize("ref", [None, "4c9f1b7", "HEAD", "main", "4c9f1b7a0d" * 4])
def test_the_tracked_branch_wins_wherever_it_is_reported(ref: str | None) -> None:
    path = "source_revision_config.repo_ref"

    def live(branch: str) -> dict[str, Any]:
        return at(path, ref, "github") | {"source_config": {"repo_branch": branch}}

    assert drift(at(path, "main", "github"), live("main")) == []
    assert drift(at(path, "main", "github"), live("dev")) == [("modified", path)]


# --- before the first revision -----------------------------------------------------------------------------------


def declared_source() -> dict[str, Any]:
    return {
        "name": "claims",
        "source": "internal_source",
        "source_config": {"deployment_type": "prod"},
        "source_revision_config": {"langgraph_config_path": "langgraph.json"},
        "secrets": [{"name": "A"}, {"name": "B"}],
    }


LEAVES = ["source_revision_config.langgraph_config_path", "secrets[name=A]", "secrets[name=B]"]


def test_before_the_first_revision_null_is_not_evidence() -> None:
    live = declared_source() | {"latest_revision_id": None, "secrets": [], "source_revision_config": None}
    assert sorted(unverifiable(declared_source(), live)) == sorted(LEAVES)
    result = verdicts([declared_source()], [live])
    assert statuses(result) == {"claims": "in_sync"}
    assert rules(result) == [("no-revision", "claims")]


@pytest.mark.parametrize("key", ["secrets", "source_config", "source_revision_config"])
@pytest.mark.parametrize("form", ["null", "absent"])
def test_a_part_that_is_absent_or_null_as_a_whole_is_unverifiable(key: str, form: str) -> None:
    live = declared_source() | {"latest_revision_id": "1", "active_revision_id": "1"} | {key: None}
    if form == "absent":
        del live[key]
    assert all(path.startswith(key) for path in unverifiable(declared_source(), live))
    assert rules(verdicts([declared_source()], [live])) == [("no-revision", "claims")]


def test_no_secrets_with_a_revision_is_drift() -> None:
    live = declared_source() | {"latest_revision_id": "1", "active_revision_id": "1", "secrets": []}
    assert drift(declared_source(), live) == [("removed", "secrets[name=A]"), ("removed", "secrets[name=B]")]


def test_what_is_shown_before_the_first_revision_is_compared() -> None:
    live = declared_source() | {"latest_revision_id": None, "secrets": [{"name": "A"}]}
    assert drift(declared_source(), live) == [("removed", "secrets[name=B]")]


# --- what the platform sets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [*CLOUD[1:], "external_docker"])
def test_what_the_platform_sets_is_never_undeclared_drift(source: str) -> None:
    live = {"name": "claims", "source": source}
    live |= {"source_config": {"build_on_push": False}, "source_revision_config": {"repo_ref": "main"}}
    assert drift({"name": "claims", "source": source}, live, strict=True) == []


@pytest.mark.parametrize(
    ("url", "assigned"),
    [
        (f"https://claims-{'0a' * 16}.us.langgraph.app", True),
        (f"https://langsmith.example.com/lgp/claims-{'0a' * 16}", True),
        ("https://langsmith.example.com/lgp/claims", True),
        ("https://claims.example.com", False),
    ],
)
def test_a_url_that_the_platform_assigned_is_its_own_unless_declared(url: str, assigned: bool) -> None:
    key = "source_config.custom_url"
    assert drift(at("name", "claims"), at(key, url), strict=True) == ([] if assigned else [("added", key)])
    assert drift(at(key, None), at(key, url)) == ([] if assigned else [("added", key)])
    assert drift(at(key, "https://mine.example.com"), at(key, url)) == [("modified", key)]


def test_undeclared_sharing_is_a_warning() -> None:
    live = at("shareable", True)
    assert rules(verdicts([at("name", "claims")], [live])) == [("undeclared-sharing", "claims")]
    assert rules(verdicts([at("shareable", True)], [live])) == []
    assert rules(verdicts([at("name", "claims")], [live], strict=True)) == []
    assert ("undeclared-sharing", "claims") in rules(verdicts([], [live], inventory=True))
    assert rules(verdicts([at("shareable", False)], [live])) == []


# --- agents ------------------------------------------------------------------------------------------------------


def agent(name: str, environment: str = "production") -> dict[str, Any]:
    return {"agent": {"agent_id": name, "environment": environment}}


def test_a_declaration_without_name_is_paired_by_agent() -> None:
    ours = declarations(at("name", "claims"))
    bound = Declaration("claims/production", {"source": "internal_source", **agent("claims")}, locate)
    live = snapshot(
        {"name": "x-1", "source": "internal_source", **agent("claims")},
        {"name": "x-2", "source": "internal_source", **agent("claims", "staging")},
    )
    result = assess(replace(ours, deployments=(bound,)), live)
    assert statuses(result) == {"claims/production": "in_sync", "x-2": "unmanaged"}


def bound_to(name: str) -> Declaration:
    return Declaration(f"{name}/production", {"source": "internal_source", **agent(name)}, locate)


def test_where_all_are_declared_by_agent_the_workspace_is_the_right_one() -> None:
    ours = replace(declarations(), deployments=(bound_to("claims"),))
    live = snapshot({"name": "x-1", "source": "internal_source", **agent("claims")})
    assert rules(assess(ours, live)) == []


@pytest.mark.parametrize(
    ("scope", "rule"),
    [
        ({"agent_id": "claims"}, "missing-deployment"),
        ({"agent_id": "claims", "agent_environment": "production"}, "missing-deployment"),
        ({"agent_id": "billing"}, "outside-scope"),
        ({"agent_id": "claims", "status": "READY"}, "outside-scope"),
        ({"name_contains": "claims"}, "outside-scope"),
    ],
)
def test_an_agent_is_missing_only_where_it_would_have_been_listed(scope: dict[str, str], rule: str) -> None:
    ours = replace(declarations(), deployments=(bound_to("claims"),))
    found = assess(ours, replace(snapshot(), scope=scope))
    assert [each for each, _ in rules(found)] == [rule]


def test_one_live_deployment_is_not_declared_twice() -> None:
    ours = declarations({"name": "x-1", "source": "internal_source"})
    ours = replace(ours, deployments=(bound_to("claims"), *ours.deployments))
    live = snapshot({"name": "x-1", "source": "internal_source", **agent("claims")})
    result = assess(ours, live)
    assert statuses(result) == {"claims/production": "unknown", "x-1": "in_sync"}
    assert rules(result) == [("duplicate-name", "claims/production")]


def test_with_a_name_the_agent_is_compared() -> None:
    one, other = at("name", "claims") | agent("claims"), at("name", "claims") | agent("billing")
    assert drift(one, other) == [("modified", "agent.agent_id")]
    assert drift(one, one) == []
    assert drift(one, at("agent", None)) == [("removed", "agent")]
    assert unverifiable(one, at("name", "claims")) == ["agent.agent_id", "agent.environment"]


# --- variables and numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [{"name": "A", "value": ""}, {"name": "A"}, {"name": "A", "value": None}])
@pytest.mark.parametrize("value", ["", None])
def test_an_empty_variable_is_not_one_that_takes_its_value_from_elsewhere(declared: Any, value: Any) -> None:
    source = {"secretKeyRef": {"name": "s", "key": "k"}}
    live = sidecar(env=[{"name": "A", "value": value, "valueFrom": source}])
    assert len(drift(sidecar(env=[declared]), live)) == 1
    assert drift(sidecar(env=[declared]), live, strict=True) != []
    assert drift(sidecar(env=[declared]), sidecar(env=[{"name": "A", "value": value, "valueFrom": None}])) == []


@pytest.mark.parametrize("number", [1e308, -1e308, 10**400])
def test_derived_values_are_finite_or_unknown(number: float) -> None:
    found = differences(spec(cpu=number, cpu_limit=2), spec(cpu=number, cpu_limit=None))
    shown = [d.live_effective for d in found.differences]
    assert all(value is None or not isinstance(value, float) or math.isfinite(value) for value in shown)
    json.dumps(shown, allow_nan=False)
    differences(spec(cpu=number, cpu_limit=None), spec(cpu=number, cpu_limit=3))
    differences(spec(cpu=number), spec(cpu=number, cpu_limit=3), strict=True)


def test_a_service_that_does_not_round_is_compared_exactly() -> None:
    assert drift(spec(cpu=0.24), spec(cpu=0.16)) == [("modified", "cpu")]
    assert drift(spec(cpu=0.24), spec(cpu=0.24)) == []
    assert drift(spec(cpu=0.24), spec(cpu=0.2)) == []


# --- known by name only ------------------------------------------------------------------------------------------


def test_values_that_are_known_by_name_only_are_counted() -> None:
    both = sidecar(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}, {"name": "B", "value": "x"}])
    both |= {"secrets": [{"name": "X"}, {"name": "Y"}]}
    both |= {"secret_references": [{"name": "Z", "secret_name": "s", "secret_key": "k"}]}
    assert differences(both, both).by_name_only == 4
    assert verdicts([both], [both]).comparisons[0].by_name_only == 4
    assert differences(both, both | {"secrets": [{"name": "Y"}]}).by_name_only == 3


# --- two listings ------------------------------------------------------------------------------------------------


def listing(*values: dict[str, Any], workspace: str | None = None) -> Snapshot:
    return Snapshot("x", tuple(Deployment(value["name"], value) for value in values), workspace=workspace)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"id": "1", "tenant_id": "w"}, {"id": "2", "tenant_id": "w"}, ["recreated"]),
        ({"id": "1", "tenant_id": "w"}, {"id": "1", "tenant_id": "w"}, []),
        ({"id": "1", "tenant_id": "w"}, {"id": "2", "tenant_id": "v"}, []),
        ({"id": "1"}, {"id": "2"}, []),
        ({"tenant_id": "w"}, {"id": "2", "tenant_id": "w"}, []),
        ({"id": UUID, "tenant_id": "w"}, {"id": UUID.upper(), "tenant_id": "w"}, []),
        ({"id": "1", "tenant_id": UUID}, {"id": "2", "tenant_id": UUID.upper()}, ["recreated"]),
    ],
)
def test_another_id_in_one_workspace_is_a_deployment_created_again(
    first: dict[str, Any], second: dict[str, Any], expected: list[str]
) -> None:
    sides = (listing({"name": "a", **each}) for each in (first, second))
    assert [found.rule for found in pair(*sides, (), "x").declarations.findings] == expected


def test_the_workspace_of_a_listing_counts_for_its_items() -> None:
    one, other = (listing({"name": "a", "id": number}, workspace="w") for number in "12")
    assert [found.rule for found in pair(one, other, (), "x").declarations.findings] == ["recreated"]


# --- effective values, for policies ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deployment", "path", "value"),
    [
        (spec(cpu=1), "source_config.resource_spec.cpu", 1),
        (spec(cpu=1), "source_config.resource_spec.cpu_limit", 2),
        (spec(cpu=1), "source_config.resource_spec.queue_cpu_limit", 2),
        (spec(cpu=1, cpu_limit=3), "source_config.resource_spec.cpu_limit", 3),
        (spec(), "source_config.resource_spec.cpu_limit", "unseen"),
        (spec(), "source_config.resource_spec.cpu", None),
        (spec(cpu=1e308), "source_config.resource_spec.cpu_limit", "unseen"),
        (at("name", "a"), "source_config.resource_spec.cpu", "unseen"),
        (at("source_config", {"resource_spec": None}, "github"), "source_config.resource_spec.cpu", "unseen"),
        (at("source_config", {}), "source_config.listener_config.k8s_namespace", "unseen"),
        (sidecar(env=[{"name": "A"}]), "source_config.resource_spec.sidecars[name=otel].env[name=A].value", "unseen"),
        (at("display_name", None), "display_name", None),
    ],
)
def test_an_effective_value_is_derived_or_unknown(deployment: dict[str, Any], path: str, value: Any) -> None:
    side = Deployment("a", {"latest_revision_id": "1", **deployment})
    (found,) = effective_values(side, tuple(split_pattern(path)), Budget(1000))
    assert (found.value if found.is_known else "unseen") == value


@pytest.mark.parametrize(
    ("declared", "live", "count"),
    [
        ({}, {"value": "x"}, 1),
        ({}, {"value": dict(REDACTED_MARKER)}, 1),
        ({}, {"value": ""}, 0),
        ({}, {"value": None}, 0),
        ({"value": "x"}, {"value": "x"}, 0),
        ({"value": "x"}, {"value": "y"}, 0),
        ({"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, {"value": None}, 0),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_variable_that_is_declared_by_name_alone_is_counted(
    declared: Any, live: Any, count: int, strict: bool
) -> None:
    ours, theirs = (sidecar(env=[{"name": "A", **value}]) for value in (declared, live))
    assert differences(ours, theirs, strict=strict).by_name_only == count
