"""The law of plans: sent to the service step by step, they bring live back to what is declared."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from driftcheck.live import writes
from driftcheck.model import (
    REDACTED_MARKER,
    ChangeClass,
    Comparison,
    Deployment,
    Status,
    Suppression,
)
from driftcheck.plan import Effect, NotPlanned, Step, plan_deployment
from tests.comparison.declarations import declarations
from tests.comparison.echo import echo
from tests.comparison.mutations import mutations
from tests.comparison.sides import snapshot, spec, verdicts

SEEDS = st.integers(0, 2**32).map(Random)


def compared(declared: dict[str, Any], live: dict[str, Any] | None) -> tuple[Comparison, Deployment | None]:
    listed = [] if live is None else [live]
    (comparison,) = (each for each in verdicts([declared], listed).comparisons if each.name == declared["name"])
    return comparison, snapshot(*listed).deployments[0] if live is not None else None


def planned(declared: dict[str, Any], live: dict[str, Any] | None) -> list[Step | NotPlanned]:
    comparison, deployment = compared(declared, live)
    return list(plan_deployment(comparison, declared, deployment))


def filled(value: Any) -> Any:
    """Fill in every placeholder, as a person would."""
    if isinstance(value, dict):
        return {key: filled(child) for key, child in value.items()}
    if isinstance(value, list):
        return [filled(child) for child in value]
    return "filled-in" if isinstance(value, str) and value.startswith("<fill in ") else value


def sent(live: dict[str, Any], steps: list[Step]) -> dict[str, Any]:
    """Send the steps to the emulated service."""
    for step in steps:
        body = filled(copy.deepcopy(step.body))
        if step.path.endswith("-tiers") or step.path.endswith("-tier"):
            live = writes.set_tiers(live, body, tuple(body))
        elif step.method == "PATCH":
            live = writes.patch(live, body)
        else:
            live = writes.create(body, [], None)
    return live


@given(declarations(), SEEDS, st.data())
def test_a_plan_sent_to_the_service_brings_it_in_sync(
    declared: dict[str, Any], random: Random, data: st.DataObject
) -> None:
    assume("template_id" not in (declared.get("source_config") or {}))  # not in every version of the API
    seen = echo(declared, "C", random)
    changed = [mutation.live for mutation in mutations(declared, seen, random)]
    live = {**data.draw(st.sampled_from(changed)), "id": "11111111-1111-4111-8111-111111111111"}
    assume(isinstance(live.get("source_config"), dict))
    before, _ = compared(declared, live)
    items = planned(declared, live)
    steps = [item for item in items if isinstance(item, Step)]
    assert items or not before.changes
    if any(step.effect is Effect.RECREATE for step in steps):
        assert steps[0].unsafe
        return
    try:
        after = sent(live, steps)
    except writes.RefusedError:  # the rest of a generated declaration may break a rule of the service
        return
    left, _ = compared(declared, {**after, "name": declared["name"]})
    unplanned = " ".join(item.reason for item in items if isinstance(item, NotPlanned))
    warned = " ".join(warning for step in steps for warning in step.warnings)
    for change in left.changes:
        name = str(change.path[1] if change.path[0] in ("source_config", "source_revision_config") else change.path[0])
        assert name in unplanned or name in warned, (change, steps)


def test_a_changed_number_is_patched_with_the_whole_spec() -> None:
    declared = spec(max_scale=6, cpu=1)
    live = {
        **spec(max_scale=12, cpu=1, labels={"team": "a"}, memory_mb=2048),
        "latest_revision_id": "r2",
        "updated_at": "t",
    }
    (step,) = planned(declared, live)
    assert isinstance(step, Step)
    assert step.body == {
        "source_config": {"resource_spec": {"max_scale": 6, "cpu": 1, "labels": {"team": "a"}, "memory_mb": 2048}}
    }
    assert (step.method, step.path, step.effect) == ("PATCH", "/v2/deployments/id-claims", Effect.NEW_REVISION)
    assert step.precondition is not None
    assert (step.precondition.latest_revision_id, step.precondition.updated_at) == ("r2", "t")
    assert "labels, memory_mb" in step.warnings[0]
    assert not step.unsafe


def test_values_of_variables_are_never_copied_from_live() -> None:
    sidecars = [{"name": "otel", "image": "o:1", "env": [{"name": "TOKEN", "value": "planted-secret"}]}]
    live = spec(max_scale=12, sidecars=sidecars)
    (step,) = planned(spec(max_scale=6), live)
    assert isinstance(step, Step)
    assert step.needs == ("source_config.resource_spec.sidecars[name=otel].env[name=TOKEN].value",)
    assert step.unsafe
    assert "planted-secret" not in json.dumps(step.body)
    stated = [{"name": "otel", "image": "o:1", "env": [{"name": "TOKEN", "value": "declared"}]}]
    (step,) = planned(spec(max_scale=6, sidecars=stated), live)
    assert isinstance(step, Step)
    assert not step.unsafe
    assert step.body["source_config"]["resource_spec"]["sidecars"] == stated


@pytest.mark.parametrize("value", [REDACTED_MARKER, "--key=lsv2_sk_0123456789abcdef0123456789abcdef_0123456789"])
def test_what_may_not_be_shown_is_not_copied(value: Any) -> None:
    live = spec(max_scale=12, sidecars=[{"name": "otel", "image": "o:1", "args": [value]}])
    (step,) = planned(spec(max_scale=6), live)
    assert isinstance(step, Step)
    assert step.needs == ("source_config.resource_spec.sidecars[name=otel].args[0]",)


def test_secrets_need_every_value() -> None:
    declared = {"name": "claims", "source": "external_docker", "secrets": [{"name": "A"}, {"name": "B"}]}
    (step,) = planned(declared, {**declared, "secrets": [{"name": "A"}]})
    assert isinstance(step, Step)
    assert [entry["name"] for entry in step.body["secrets"]] == ["A", "B"]
    assert step.needs == ("secrets[name=A].value", "secrets[name=B].value")


def test_the_last_secrets_cannot_be_removed() -> None:
    declared = {"name": "claims", "source": "external_docker", "secrets": []}
    (item,) = planned(declared, {**declared, "secrets": [{"name": "A"}], "latest_revision_id": "r"})
    assert isinstance(item, NotPlanned)
    assert "secrets" in item.reason


def test_a_null_that_clears_nothing_is_reported() -> None:
    declared = {**spec(max_scale=6), "display_name": None}
    (step,) = planned(declared, {**spec(max_scale=9), "display_name": "Claims"})
    assert isinstance(step, Step)
    assert "display_name" not in step.body
    assert any("display_name: null" in warning for warning in step.warnings)


def test_suppressed_changes_stay_as_they_are_in_live() -> None:
    declared, live = spec(max_scale=6, cpu=1), spec(max_scale=12, cpu=2)
    comparison, deployment = compared(declared, live)
    changes = tuple(
        replace(change, suppressed=Suppression("autoscaler")) if change.path[-1] == "max_scale" else change
        for change in comparison.changes
    )
    (step,) = plan_deployment(Comparison(comparison.name, comparison.status, changes=changes), declared, deployment)
    assert isinstance(step, Step)
    assert step.body["source_config"]["resource_spec"] == {"max_scale": 12, "cpu": 1}


@pytest.mark.parametrize("change_class", [ChangeClass.ELSEWHERE, ChangeClass.OUTDATED, ChangeClass.ADOPTED])
def test_what_the_declaration_did_not_move_is_not_planned(change_class: ChangeClass) -> None:
    declared, live = spec(max_scale=6), spec(max_scale=12)
    comparison, deployment = compared(declared, live)
    changes = tuple(replace(change, change_class=change_class) for change in comparison.changes)
    assert not list(plan_deployment(replace(comparison, changes=changes), declared, deployment))


def test_sizes_go_to_their_own_endpoints() -> None:
    declared = {"name": "c", "source": "github", "compute_tier": "DEDICATED_M", "deployment_tier": "DEDICATED_L"}
    live = {**declared, "compute_tier": "DEDICATED_S", "deployment_tier": "DEDICATED_S"}
    first, second = planned(declared, live)
    assert isinstance(first, Step)
    assert isinstance(second, Step)
    assert (first.path, first.body) == ("/v2/deployments/id-c/deployment-tier", {"deployment_tier": "DEDICATED_L"})
    assert (second.path, second.body) == ("/v2/deployments/id-c/resource-tiers", {"compute_tier": "DEDICATED_M"})


def test_a_missing_deployment_is_created_where_the_declaration_suffices() -> None:
    declared = {**spec(max_scale=6), "secrets": [{"name": "A"}]}
    (item,) = planned(declared, None)
    assert isinstance(item, NotPlanned)
    assert "source_revision_config.image_uri" in item.reason
    declared["source_revision_config"] = {"image_uri": "registry.example.com/a:1"}
    (step,) = planned(declared, None)
    assert isinstance(step, Step)
    assert (step.method, step.path, step.effect) == ("POST", "/v2/deployments", Effect.CREATE)
    assert step.needs == ("secrets[name=A].value",)
    left, _ = compared(declared, sent({}, [step]))
    assert not left.changes


def test_what_is_fixed_at_creation_is_planned_but_unsafe() -> None:
    declared = {
        **spec(max_scale=6),
        "source_revision_config": {"image_uri": "registry.example.com/a:1"},
    }
    declared["source_config"]["listener_id"] = "5c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11"
    live = copy.deepcopy(declared)
    live["source_config"]["listener_id"] = "6c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11"
    (step,) = planned(declared, live)
    assert isinstance(step, Step)
    assert (step.effect, step.method, step.unsafe) == (Effect.RECREATE, "POST", True)
    assert "deletion of the live deployment" in step.needs[0]


def test_a_deployment_in_deletion_or_unknown_is_not_planned() -> None:
    declared = spec(max_scale=6)
    for live, status in (({**declared, "status": "AWAITING_DELETE"}, None), (declared, Status.UNKNOWN)):
        comparison, deployment = compared(declared, live)
        if status is not None:
            comparison = Comparison(comparison.name, status)
        (item,) = plan_deployment(comparison, declared, deployment)
        assert isinstance(item, NotPlanned)


@pytest.mark.parametrize(
    "odd",
    ["a\nurl = http://elsewhere", "../../api/v1/orgs", "..", "a/b", "a?b=c", "a#b", "a%2fb", "a b", "", "é", "x" * 200],
)
def test_an_id_that_could_lead_a_request_elsewhere_is_not_planned(odd: str) -> None:
    items = planned(spec(max_scale=6), {**spec(max_scale=12), "id": odd})
    assert items
    assert all(isinstance(item, NotPlanned) for item in items)


def listed(kind: str, number: int, value: str) -> dict[str, Any]:
    """Return a deployment with many entries of a kind."""
    if kind == "secret_references":
        return {**spec(), kind: [{"name": f"S{n}", "secret_name": "s", "secret_key": value} for n in range(number)]}
    if kind == "env":
        env = [{"name": f"S{n}", "valueFrom": {"secretKeyRef": {"name": "s", "key": value}}} for n in range(number)]
        return spec(sidecars=[{"name": "s", "image": "i", "env": env}])
    return spec(volumes=[{"name": f"v{n}", "configMap": {"name": value}} for n in range(number)])


@pytest.mark.parametrize("kind", ["env", "volumes"])
@pytest.mark.parametrize("added", [True, False])
def test_many_suppressed_entries_that_one_side_lacks_are_planned_in_linear_time(kind: str, added: bool) -> None:
    few, many = listed(kind, 1, "a"), listed(kind, 4000, "b")
    declared, live = (few, many) if added else (many, few)
    comparison, deployment = compared(declared, {**live, "id": "i"})
    reverted = next(change for change in comparison.changes if change.path[-1] in ("name", "key"))
    changes = tuple(
        change if change is reverted else replace(change, suppressed=Suppression("known"))
        for change in comparison.changes
    )
    begin = time.process_time()
    (step,) = plan_deployment(replace(comparison, changes=changes), declared, deployment)
    assert time.process_time() - begin < 2
    assert isinstance(step, Step)
    assert step.body is not None
    planned_spec = step.body["source_config"]["resource_spec"]
    entries = planned_spec["volumes"] if kind == "volumes" else planned_spec["sidecars"][0]["env"]
    assert {entry["name"] for entry in entries} == {entry["name"] for entry in names_of(live, kind)}


def names_of(value: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    inside = value["source_config"]["resource_spec"]
    found: list[dict[str, Any]] = inside["volumes"] if kind == "volumes" else inside["sidecars"][0]["env"]
    return found


@pytest.mark.parametrize("kind", ["secret_references", "env", "volumes"])
def test_many_entries_are_planned_in_linear_time(kind: str) -> None:
    declared, live = listed(kind, 4000, "a"), {**listed(kind, 4000, "b"), "id": "i"}
    comparison, deployment = compared(declared, live)
    assert len(comparison.changes) >= 4000
    begin = time.process_time()
    (step,) = plan_deployment(comparison, declared, deployment)
    assert isinstance(step, Step)
    assert time.process_time() - begin < 2
    suppressed = tuple(replace(change, suppressed=Suppression("known")) for change in comparison.changes[1:])
    begin = time.process_time()
    items = list(
        plan_deployment(replace(comparison, changes=(comparison.changes[0], *suppressed)), declared, deployment)
    )
    assert items
    assert time.process_time() - begin < 2
