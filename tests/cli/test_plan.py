"""`plan` as users run it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.inside import run_inside
from tests.cli.test_adopt import QUICKSTART, page
from tests.repositories import run_git


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(QUICKSTART, tmp_path / "q")
    return tmp_path / "q"


def test_a_plan_is_printed_and_its_status_is_1(folder: Path) -> None:
    result = run_inside("plan", "--live", "live.json", cwd=folder)
    assert result.status == 1
    assert "PATCH /v2/deployments/9f4f5b9e" in result.out
    assert "Nothing was sent." in result.out


def test_nothing_to_do_is_status_0(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("deployments:\n  - name: a\n    source_config: {resource_spec: {max_scale: 2}}\n")
    (tmp_path / "live.json").write_text(json.dumps(page(max_scale=2)))
    result = run_inside("plan", "a.yaml", "--live", "live.json", cwd=tmp_path)
    assert (result.status, result.out) == (0, "Nothing to do.\n")


@pytest.mark.parametrize("command", [["plan"], ["plan", "-o", "json"], ["plan", "-o", "sh"], ["adopt"], ["export"]])
def test_a_name_that_matches_nothing_prints_nothing_on_standard_output(command: list[str], folder: Path) -> None:
    result = run_inside(*command, "--live", "live.json", "--name", "nosuch", cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert "deployment matches --name nosuch." in result.err


def test_a_plan_without_an_answer_replaces_an_earlier_one(folder: Path) -> None:
    (folder / "plan.sh").write_text("curl --request POST")
    result = run_inside("plan", "--live", "live.json", "--name", "nosuch", "-o", "sh=plan.sh", cwd=folder)
    assert (result.status, "Nothing to do" in result.err) == (2, False)
    assert "curl --request POST" not in (folder / "plan.sh").read_text()


def test_an_unknown_format_of_a_plan_gets_a_suggestion(folder: Path) -> None:
    result = run_inside("plan", "--live", "live.json", "-o", "jsn", cwd=folder)
    assert result.status == 2
    assert "Did you mean json?" in result.err


def test_every_format_is_written_from_one_run(folder: Path) -> None:
    files = [part for name in ("json", "sh", "markdown") for part in ("-o", f"{name}=out.{name}")]
    result = run_inside("plan", "--live", "live.json", *files, cwd=folder)
    assert (result.status, result.out) == (1, "")
    record = json.loads((folder / "out.json").read_text())
    assert [step["effect"] for step in record["steps"]] == ["create", "new-revision"]
    assert (folder / "out.sh").read_text().startswith("#!/bin/sh")
    assert run_inside("plan", "--live", "live.json", "-o", "html", cwd=folder).status == 2


def test_only_named_deployments_are_planned(folder: Path) -> None:
    result = run_inside("plan", "--live", "live.json", "--name", "billing*", "-o", "json", cwd=folder)
    assert [step["deployment"] for step in json.loads(result.out)["steps"]] == ["billing-agent"]


def test_an_incomplete_listing_plans_no_creation(folder: Path) -> None:
    live = json.loads((folder / "live.json").read_text())
    (folder / "live.json").write_text(json.dumps({"resources": live["resources"], "offset": 500}))
    result = run_inside("plan", "--live", "live.json", "-o", "json", cwd=folder)
    assert result.status == 3
    record = json.loads(result.out)
    assert record["complete"] is False
    assert [step["effect"] for step in record["steps"]] == ["new-revision"]


def test_a_probable_rename_is_not_created_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "deployments:\n  - name: old\n    source: external_docker\n    source_config: {resource_spec: {max_scale: 2}}\n"
        "    source_revision_config: {image_uri: 'registry.example.com/a:1'}\n"
    )
    (tmp_path / "live.json").write_text(json.dumps(page(max_scale=2)))
    result = run_inside("plan", "a.yaml", "--live", "live.json", "-o", "json", cwd=tmp_path)
    (step,) = json.loads(result.out)["steps"]
    assert step["unsafe"] is True
    assert "Probably renamed to a" in step["needs"][0]


def test_files_alone_leave_one_line_for_people(folder: Path) -> None:
    result = run_inside("plan", "--live", "live.json", "-o", "sh=plan.sh", cwd=folder)
    assert result.err.startswith("Plan: 2 requests for 2 deployments")


def test_text_and_markdown_show_no_credential_in_the_names_of_what_is_to_be_filled_in(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    (tmp_path / "a.yaml").write_text(f"deployments:\n  - name: a\n    secrets: [{{name: {token}}}]\n")
    (tmp_path / "live.json").write_text(json.dumps(page(max_scale=2)))
    for name in ("text", "markdown"):
        out = run_inside("plan", "a.yaml", "--live", "live.json", "-o", name, cwd=tmp_path).out
        assert "PATCH" in out
        assert token not in out.replace("&#95;", "_")


def entry(name: str, **spec: int) -> str:
    return (
        f"  - name: {name}\n    source: external_docker\n    source_config: {{resource_spec: {json.dumps(spec)}}}\n"
        "    source_revision_config: {image_uri: registry.example.com/a:1}\n"
    )


def test_with_a_base_the_plan_is_what_the_merge_would_bring_about(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.yaml").write_text("deployments:\n" + entry("a", max_scale=2, cpu=1) + entry("b", max_scale=2))
    run_git(tmp_path, "add", ".")
    run_git(tmp_path, "commit", "-qm", "first")
    run_git(tmp_path, "switch", "-qc", "change")
    changed = entry("a", max_scale=3, cpu=1) + entry("b", max_scale=2) + entry("new", max_scale=1)
    (tmp_path / "a.yaml").write_text(f"deployments:\n{changed}")
    run_git(tmp_path, "commit", "-qam", "scale")
    items = []
    for number, (name, spec) in enumerate({"a": {"max_scale": 2, "cpu": 4}, "b": {"max_scale": 9}}.items()):
        item = page(**spec)["resources"][0]
        items.append({**item, "name": name, "id": f"11111111-1111-4111-8111-11111111111{number}"})
    (tmp_path / "live.json").write_text(json.dumps({"resources": items, "offset": 2}))
    result = run_inside("plan", "a.yaml", "--live", "live.json", "--base", "main", "-o", "json", cwd=tmp_path)
    assert result.status == 1, result.err
    steps = json.loads(result.out)["steps"]
    assert [(step["deployment"], step["effect"]) for step in steps] == [("a", "new-revision"), ("new", "create")]
    assert steps[0]["request"]["body"]["source_config"]["resource_spec"] == {"max_scale": 3, "cpu": 1}
    assert steps[0]["fields"] == ["source_config.resource_spec.cpu", "source_config.resource_spec.max_scale"]
    whole = run_inside("plan", "a.yaml", "--live", "live.json", "-o", "json", cwd=tmp_path)
    assert [step["deployment"] for step in json.loads(whole.out)["steps"]] == ["a", "b", "new"]


def test_with_a_base_conflicts_and_what_is_outside_the_change_are_named(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.yaml").write_text("deployments:\n" + entry("a", memory_mb=1024, max_scale=2, cpu=1))
    run_git(tmp_path, "add", ".")
    run_git(tmp_path, "commit", "-qm", "first")
    run_git(tmp_path, "switch", "-qc", "change")
    (tmp_path / "a.yaml").write_text("deployments:\n" + entry("a", memory_mb=2048, max_scale=2, cpu=2))
    run_git(tmp_path, "commit", "-qam", "scale")
    (tmp_path / "live.json").write_text(json.dumps(page(memory_mb=4096, max_scale=8, cpu=1)))
    outputs = ("-o", "text", "-o", "json=plan.json", "-o", "markdown=plan.md", "-o", "sh=plan.sh")
    result = run_inside("plan", "a.yaml", "--live", "live.json", "--base", "main", *outputs, cwd=tmp_path)
    spec = "source_config.resource_spec"
    assert f"  sets, in conflict with live: {spec}.memory_mb\n" in result.out
    assert f"  sets: {spec}.cpu\n" in result.out
    assert f"  reverts, not caused by this change: {spec}.max_scale\n" in result.out
    warnings = [
        f"{spec}.max_scale: not caused by this change: the request overwrites the live value 8.",
        f"{spec}.memory_mb: in conflict: live was changed, too, and the request overwrites the live value 4096.",
    ]
    (step,) = json.loads((tmp_path / "plan.json").read_text())["steps"]
    assert step["classes"] == {f"{spec}.cpu": "proposed", f"{spec}.max_scale": "drift", f"{spec}.memory_mb": "conflict"}
    assert step["warnings"][:2] == warnings
    for text in (result.out, (tmp_path / "plan.sh").read_text()):
        assert all(warning in text for warning in warnings)


def test_a_warning_of_a_conflict_shows_no_secret(tmp_path: Path) -> None:
    def declare(value: str) -> None:
        env = [{"name": "A", "value": value}]
        spec = {"sidecars": [{"name": "s", "image": "s:1", "env": env}]}
        value = {"name": "a", "source": "external_docker", "source_config": {"resource_spec": spec}}
        (tmp_path / "a.yaml").write_text(json.dumps({"deployments": [value]}))

    run_git(tmp_path, "init", "-q", "-b", "main")
    declare("first")
    run_git(tmp_path, "add", ".")
    run_git(tmp_path, "commit", "-qm", "first")
    run_git(tmp_path, "switch", "-qc", "change")
    declare("second")
    run_git(tmp_path, "commit", "-qam", "second")
    env = [{"name": "A", "value": "planted"}]
    (tmp_path / "live.json").write_text(json.dumps(page(sidecars=[{"name": "s", "image": "s:1", "env": env}])))
    result = run_inside("plan", "a.yaml", "--live", "live.json", "--base", "main", cwd=tmp_path)
    assert "in conflict: live was changed, too, and the request overwrites a live value." in result.out
    assert "planted" not in result.output


def test_an_agent_without_a_name_is_created_by_its_agent(tmp_path: Path) -> None:
    agent = {"agent_id": "claims", "environment": "production"}
    declared = {
        "agent": agent,
        "source": "external_docker",
        "source_revision_config": {"image_uri": "registry.example.com/a:1"},
    }
    (tmp_path / "a.yaml").write_text(json.dumps({"deployments": [declared]}))
    (tmp_path / "live.json").write_text(json.dumps(page(max_scale=2)))
    result = run_inside("plan", "a.yaml", "--live", "live.json", "-o", "json", cwd=tmp_path)
    (step,) = json.loads(result.out)["steps"]
    assert step["effect"] == "create"
    assert step["request"]["body"]["agent"] == agent
    assert "name" not in step["request"]["body"]


def test_before_the_first_revision_only_what_the_listing_shows_is_planned(tmp_path: Path) -> None:
    listing = page(max_scale=9)
    listing["resources"][0] |= {"latest_revision_id": None, "active_revision_id": None, "source_revision_config": None}
    (tmp_path / "live.json").write_text(json.dumps(listing))
    (tmp_path / "a.yaml").write_text("deployments:\n" + entry("a", max_scale=2) + "    secrets: [{name: A}]\n")
    result = run_inside("plan", "a.yaml", "--live", "live.json", "-o", "json", cwd=tmp_path)
    (step,) = json.loads(result.out)["steps"]
    assert step["fields"] == ["source_config.resource_spec.max_scale"]
    assert step["precondition"]["latest_revision_id"] is None
    assert step["request"]["body"] == {"source_config": {"resource_spec": {"max_scale": 2}}}


@pytest.mark.parametrize(("ref", "shown"), [("main", "main"), ("change~1", "'change~1'"), ("change^", None)])
def test_the_advised_preview_names_the_base_as_the_command_did(tmp_path: Path, ref: str, shown: str | None) -> None:
    run_git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.yaml").write_text("deployments:\n" + entry("a", max_scale=2, cpu=1))
    run_git(tmp_path, "add", ".")
    run_git(tmp_path, "commit", "-qm", "first")
    run_git(tmp_path, "switch", "-qc", "change")
    (tmp_path / "a.yaml").write_text("deployments:\n" + entry("a", max_scale=3, cpu=1))
    run_git(tmp_path, "commit", "-qam", "scale")
    (tmp_path / "live.json").write_text(json.dumps(page(max_scale=8, cpu=1)))
    result = run_inside("check", "a.yaml", "--live", "live.json", "--base", ref, cwd=tmp_path)
    assert result.status == 1
    (advised,) = re.findall("driftcheck (plan [^`\\n]*)", result.out)
    assert re.fullmatch(f"plan a.yaml --live live.json --base {shown or '[0-9a-f]{12}'}", advised)
    assert "PATCH" in run_inside(*shlex.split(advised), cwd=tmp_path).out
