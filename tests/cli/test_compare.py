"""`driftcheck compare`: two listings, field by field, and what only one of them holds."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.cli.inside import Result, run_inside
from tests.cli.workspace import external, github, holds_no_secret, saved, serving, workspace


def compare(tmp_path: Path, first: list[dict[str, Any]], second: list[dict[str, Any]], *options: str) -> Result:
    a, b = saved(tmp_path / "a.json", first), saved(tmp_path / "b.json", second)
    return run_inside("compare", a.name, b.name, *options, cwd=tmp_path)


def report(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.out)
    return found


def changes(found: dict[str, Any]) -> dict[str, tuple[str, object, object]]:
    return {
        f"{d['name']}:{c['path']}": (c["kind"], c["declared"], c["live"])
        for d in found["deployments"]
        for c in d["changes"]
    }


def statuses(found: dict[str, Any]) -> dict[str, str]:
    return {d["name"]: d["status"] for d in found["deployments"]}


def test_a_listing_equals_itself(tmp_path: Path) -> None:
    result = compare(tmp_path, workspace(), list(reversed(workspace())), "-o", "json")
    found = report(result)
    assert result.status == 0
    assert set(statuses(found).values()) == {"in_sync"}
    assert [f for f in found["findings"] if f["severity"] != "note"] == []


def test_changes_between_two_days_are_reported_by_name_and_path(tmp_path: Path) -> None:
    later = deepcopy(workspace())
    later[1]["source_config"]["resource_spec"] |= {"cpu": 2, "memory_limit_mb": 4096, "min_scale": None}
    later[2]["source_revision_config"]["repo_ref"] = "release"
    later[2]["source_config"]["repo_branch"] = "release"
    later[2]["updated_at"] = "2026-02-01T00:00:00Z"
    result = compare(tmp_path, workspace(), later, "-o", "json")
    assert result.status == 1
    assert changes(report(result)) == {
        "billing-agent:source_config.resource_spec.cpu": ("modified", 1, 2),
        "billing-agent:source_config.resource_spec.memory_limit_mb": ("added", None, 4096),
        "billing-agent:source_config.resource_spec.min_scale": ("removed", 1, None),
        "support-agent:source_revision_config.repo_ref": ("modified", "main", "release"),
    }


def test_swapping_the_sides_swaps_added_and_removed(tmp_path: Path) -> None:
    later = deepcopy(workspace())
    later[0]["source_config"]["resource_spec"] |= {"cpu": 2, "cpu_limit": 8, "labels": {"a": "b"}, "sidecars": None}
    later[1]["secrets"] = [{"name": "OTHER"}]
    later[1]["shareable"] = True
    there = changes(report(compare(tmp_path, workspace(), later, "-o", "json")))
    back = changes(report(compare(tmp_path, later, workspace(), "-o", "json")))
    mirror = {"added": "removed", "removed": "added", "modified": "modified"}
    assert there == {path: (mirror[kind], live, declared) for path, (kind, declared, live) in back.items()}
    assert len(there) == 7


def test_what_only_one_side_holds_is_an_error_and_the_sides_are_named(tmp_path: Path) -> None:
    first = [external("gone", 7), external("both", 8)]
    second = [external("both", 8), github("new", 9)]
    result = compare(tmp_path, first, second, "-o", "json")
    found = report(result)
    assert result.status == 1
    assert statuses(found) == {"both": "in_sync", "gone": "missing", "new": "unmanaged"}
    assert [(f["rule"], f["severity"], f["message"]) for f in found["findings"]] == [
        ("missing-deployment", "error", "Only in a.json, not in b.json."),
        ("unmanaged-deployment", "error", "Only in b.json, not in a.json."),
    ]
    assert (found["declared"]["files"], found["live"]["source"]) == (["a.json"], "b.json")
    text = compare(tmp_path, first, second).out
    assert "a.json" in text
    assert "b.json" in text


def test_a_snapshot_is_compared_with_now(tmp_path: Path) -> None:
    changed = deepcopy(workspace())
    changed[0]["source_config"]["resource_spec"]["max_scale"] = 9
    with serving(workspace()) as env:
        assert run_inside("snapshot", "-o", "monday.json", cwd=tmp_path, env=env).status == 0
        assert run_inside("compare", "monday.json", cwd=tmp_path, env=env).status == 0
    with serving(changed) as env:
        result = run_inside("compare", "monday.json", "-o", "json", cwd=tmp_path, env=env)
    assert result.status == 1
    assert changes(report(result)) == {"claims-agent:source_config.resource_spec.max_scale": ("modified", 2, 9)}
    assert report(result)["live"]["source"] == env["LANGGRAPH_HOST_URL"]


def test_a_narrowed_snapshot_is_compared_with_an_equally_narrowed_listing(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        run_inside("snapshot", "--name-contains", "claims", "-o", "a.json", cwd=tmp_path, env=env)
        run_inside("snapshot", "-o", "all.json", cwd=tmp_path, env=env)
        result = run_inside("compare", "a.json", "-o", "json", cwd=tmp_path, env=env)
    assert result.status == 0
    assert statuses(report(result)) == {"claims-agent": "in_sync"}
    other = run_inside("compare", "a.json", "all.json", "-o", "json", cwd=tmp_path)
    assert other.status == 3
    assert statuses(report(other)) == {
        "billing-agent": "unknown",
        "claims-agent": "in_sync",
        "support-agent": "unknown",
    }


def staging(deployment: dict[str, Any]) -> dict[str, Any]:
    return {**deployment, "name": f"staging-{deployment['name']}", "id": f"s-{deployment['id']}"}


def prod(deployment: dict[str, Any]) -> dict[str, Any]:
    return {**deployment, "name": f"prod-{deployment['name']}", "id": f"p-{deployment['id']}"}


def test_map_pairs_names_of_two_workspaces(tmp_path: Path) -> None:
    result = compare(
        tmp_path,
        [staging(d) for d in workspace()],
        [prod(d) for d in workspace()],
        *("--map", "staging-*=prod-*", "-o", "json"),
    )
    assert result.status == 0
    assert statuses(report(result)) == {
        "prod-billing-agent": "in_sync",
        "prod-claims-agent": "in_sync",
        "prod-support-agent": "in_sync",
    }


def test_map_pairs_names_of_one_workspace(tmp_path: Path) -> None:
    both = [*map(staging, workspace()[:2]), *map(prod, workspace()[1:]), external("shared", 50)]
    result = compare(tmp_path, both, both, "--map", "staging-*=prod-*", "-o", "json")
    assert result.status == 1
    assert statuses(report(result)) == {
        "prod-billing-agent": "in_sync",
        "prod-claims-agent": "missing",
        "prod-support-agent": "unmanaged",
        "shared": "in_sync",
    }
    assert "note: 4 deployments are not compared" in result.err


def test_ignore_rules_of_the_configuration_say_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "driftcheck.yaml").write_text(
        "ignore:\n  - path: source_config.resource_spec.max_scale\n    deployment: prod-*\n    reason: prod is larger\n"
    )
    larger = external("x", 2, max_scale=20)
    result = compare(
        tmp_path, [staging(external("x", 1))], [{**prod(larger)}], "--map", "staging-*=prod-*", "-o", "json"
    )
    found = report(result)
    assert [c["suppressed"]["reason"] for d in found["deployments"] for c in d["changes"]] == ["prod is larger"]
    assert result.status == 0


@pytest.mark.parametrize("value", ["", "a", "a=", "=b", "a=b=c", "a-*=b", "a=b-*", "*-*=x-*", "a-**=b-*"])
def test_a_map_is_two_names_with_one_star_each_or_none(tmp_path: Path, value: str) -> None:
    result = compare(tmp_path, workspace(), workspace(), "--map", value)
    assert result.status == 2
    assert "staging-*=prod-*" in result.err


def test_a_map_that_leads_two_names_to_one_is_refused(tmp_path: Path) -> None:
    first = [external("a-x", 1), external("b-x", 2)]
    result = compare(tmp_path, first, first, "--map", "a-*=p-*", "--map", "b-*=p-*")
    assert result.status == 2
    assert "a-x, b-x" in result.err


@pytest.mark.parametrize(
    ("maps", "idle"),
    [
        (["staging-*=prod-*"], "staging-*=prod-*"),
        (["billing-*=billing-*", "staging-*=prod-*"], "staging-*=prod-*"),
        (["*-agent=*-agent", "billing-*=billing-*"], "billing-*=billing-*"),
        (["prod=staging"], "prod=staging"),
    ],
)
def test_a_map_that_pairs_nothing_is_an_error(tmp_path: Path, maps: list[str], idle: str) -> None:
    options = [word for each in maps for word in ("--map", each)]
    result = compare(tmp_path, workspace(), workspace(), *options)
    assert result.status == 2
    assert f"--map {idle} pairs nothing" in result.err
    assert result.out == ""


def test_a_map_whose_counterparts_are_not_there_says_that_they_are_missing(tmp_path: Path) -> None:
    result = compare(
        tmp_path, [staging(external("x", 1))], [external("y", 2)], "--map", "staging-*=prod-*", "-o", "json"
    )
    assert result.status == 1
    assert statuses(report(result)) == {"prod-x": "missing", "y": "unmanaged"}


def test_previews_and_what_is_being_deleted_are_notes(tmp_path: Path) -> None:
    preview = {**github("agent-pr-1", 5), "is_preview": True}
    leaving = {**external("leaving", 6), "status": "AWAITING_DELETE"}
    stays = external("stays", 7)
    there = report(compare(tmp_path, [preview, leaving, stays], [stays], "-o", "json"))
    back = report(compare(tmp_path, [stays], [preview, leaving, stays], "-o", "json"))
    assert there["outcome"]["status"] == back["outcome"]["status"] == 0
    assert {f["rule"] for f in there["findings"]} == {"unmanaged-preview"}
    assert {f["rule"] for f in back["findings"]} == {"unmanaged-preview", "being-deleted"}


def test_a_name_twice_on_the_first_side_is_unknown_and_incomplete(tmp_path: Path) -> None:
    twice = [external("twin", 1), external("twin", 2), external("one", 3)]
    result = compare(tmp_path, twice, [external("twin", 1), external("one", 3)], "-o", "json")
    assert result.status == 3
    assert statuses(report(result)) == {"one": "in_sync", "twin": "unknown"}
    assert [f["rule"] for f in report(result)["findings"]] == ["ambiguous-name"]


def test_an_empty_listing_is_incomplete_unless_it_is_allowed(tmp_path: Path) -> None:
    for first, second in (([], workspace()), (workspace(), []), ([], [])):
        assert compare(tmp_path, first, second).status == 3
    assert compare(tmp_path, workspace(), [], "--allow-empty-live").status == 1
    assert compare(tmp_path, [], workspace(), "--allow-empty-live").status == 1
    assert compare(tmp_path, [], [], "--allow-empty-live").status == 0


def test_an_older_server_that_does_not_know_a_field_is_not_evidence_of_a_change(tmp_path: Path) -> None:
    older, newer = external("agent", 1), external("agent", 1)
    for key in ("tenant_id", "shareable", "is_preview"):
        del older[key]
    newer |= {"display_name": "Agent", "shareable": True}
    newer["source_config"]["resource_spec"] |= {"core_cpu": 2}
    found = report(compare(tmp_path, [older], [newer], "-o", "json"))
    assert found["outcome"]["status"] == 0
    assert found["deployments"][0]["unverifiable"] == [
        "display_name",
        "shareable",
        "source_config.resource_spec.core_cpu",
    ]
    known = external("agent", 1)
    assert set(changes(report(compare(tmp_path, [known], [newer], "-o", "json")))) == {
        "agent:display_name",
        "agent:shareable",
        "agent:source_config.resource_spec.core_cpu",
    }


def test_a_resolved_commit_is_compared_by_its_branch(tmp_path: Path) -> None:
    first, second = github("agent", 1), github("agent", 1)
    first["source_revision_config"]["repo_ref"] = "0" * 40
    second["source_revision_config"]["repo_ref"] = "1" * 40
    assert compare(tmp_path, [first], [second]).status == 0
    second["source_config"]["repo_branch"] = "other"
    assert compare(tmp_path, [first], [second]).status == 1


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab", "ndjson"])
def test_no_format_shows_a_secret(tmp_path: Path, form: str) -> None:
    later = deepcopy(workspace())
    later[0]["source_config"]["resource_spec"]["sidecars"][0]["env"][0]["value"] = "canary-other"
    later[0]["source_config"]["resource_spec"]["annotations"]["hook"] = "https://user:canary2@example.com/x"
    later[1]["secrets"][0]["value"] = "sk-canary-changed"
    result = compare(tmp_path, workspace(), later, "-o", form, "-v")
    assert result.status == 1
    assert holds_no_secret(result.output)


def test_what_can_not_be_read_is_status_2(tmp_path: Path) -> None:
    result = run_inside("compare", "none.json", "none.json", cwd=tmp_path)
    assert result.status == 2
    assert "none.json" in result.err


def test_deployments_of_one_side_are_reported_in_the_same_way(tmp_path: Path) -> None:
    first = saved(tmp_path / "a.json", [external("both", 1), external("first", 2)])
    new = [external(f"second-{number}", 3 + number) for number in range(3)]
    second = saved(tmp_path / "b.json", [external("both", 1), *new])
    out = run_inside("compare", first, second, cwd=tmp_path).out
    assert f"Only in {first}, not in {second}" in " ".join(out.split())
    assert f"Only in {second}, not in {first}" in " ".join(out.split())
    assert "not declared" not in out


def test_the_option_of_other_commands_for_a_listing_is_explained(tmp_path: Path) -> None:
    result = run_inside("compare", "a.json", "--live", "b.json", cwd=tmp_path)
    assert result.status == 2
    assert "No such option: --live. Name both listings: driftcheck compare A B." in result.err


def test_a_deployment_that_was_created_again_does_not_match(tmp_path: Path) -> None:
    result = compare(tmp_path, [external("agent", 1)], [external("agent", 2)])
    assert "\nrecreated  agent\n" in result.out
    assert "matches  agent" not in result.out
