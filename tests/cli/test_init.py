"""`driftcheck init`: the first day, with and without a key."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.inside import run_inside
from tests.cli.workspace import KEY, TENANT, external, holds_no_secret, identity, saved, serving, workspace


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def commands(out: str) -> list[str]:
    assert out.startswith("Next:\n")
    return [line.split("#")[0].strip() for line in out.split("\n")[1:] if line]


def test_with_a_key_the_declarations_are_those_of_what_is_live(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        result = run_inside("init", cwd=tmp_path, env=env)
        assert result.status == 0
        for command in commands(result.out):
            assert run_inside(*command.split()[1:], cwd=tmp_path, env=env).status == 0, command
    files = tree(tmp_path)
    assert sorted(files) == [
        "deployments/billing-agent.yaml",
        "deployments/claims-agent.yaml",
        "deployments/declaration.schema.json",
        "deployments/support-agent.yaml",
        "driftcheck.yaml",
        "report.html",
    ]
    assert yaml.safe_load(files["driftcheck.yaml"]) == {"paths": ["deployments"], "workspace": TENANT}
    assert holds_no_secret(result.output, *files.values())


def test_without_a_key_there_is_an_annotated_example(tmp_path: Path) -> None:
    result = run_inside("init", cwd=tmp_path)
    assert result.status == 0
    assert sorted(tree(tmp_path)) == [
        "deployments/declaration.schema.json",
        "deployments/example.yaml",
        "driftcheck.yaml",
    ]
    assert commands(result.out) == ["driftcheck validate", "export LANGSMITH_API_KEY=...", "driftcheck check"]
    checked = run_inside("validate", "--fail-on", "note", cwd=tmp_path)
    assert checked.status == 0, checked.output


def test_the_examples_comments_are_true(tmp_path: Path) -> None:
    """What is commented out in both files is valid as it is."""
    run_inside("init", cwd=tmp_path)
    for name in ("driftcheck.yaml", "deployments/example.yaml"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(
            "\n".join(
                line.removeprefix("# ") if line.startswith(("# ignore", "#   ", "# fail", "# strict")) else line
                for line in text.split("\n")
            )
        )
        assert "ignore" in yaml.safe_load((tmp_path / name).read_text())
    result = run_inside("validate", cwd=tmp_path)
    assert result.status == 0, result.output


def test_the_commands_to_run_next_read_the_same_listings(tmp_path: Path) -> None:
    for name in ("staging", "production"):
        saved(tmp_path / f"{name} live.json", [external("agent", 1), external(name, 2)])
    for folder, files in (("one", ["staging"]), ("two", ["staging", "production"])):
        (tmp_path / folder).mkdir()
        given = [f"../{name} live.json" if len(files) == 1 else f"{name}=../{name} live.json" for name in files]
        result = run_inside("init", *(word for file in given for word in ("--live", file)), cwd=tmp_path / folder)
        assert result.status == 0, result.output
        for command in commands(result.out):
            assert run_inside(*shlex.split(command)[1:], cwd=tmp_path / folder).status == 0, command


def test_it_reports_values_that_are_not_exported_and_their_ignore_rules(tmp_path: Path) -> None:
    tiered = {**external("tiered", 1, labels={"hook": "https://user:canary-password@example.com/x"})}
    tiered |= {"deployment_tier": "COLOSSAL"}
    listing = saved(tmp_path / "live.json", [tiered, external("other", 2)])
    result = run_inside("init", "--live", listing, cwd=tmp_path)
    assert "note: Not exported: 2 values of 1 deployment; comments in the files name them" in result.err
    assert "note: 1 ignore rule accepts this value until live changes it." in result.err
    assert "note: 1 ignore rule covers any live value, because its value may be secret" in result.err
    assert "canary" not in "".join(tree(tmp_path / "deployments").values())
    assert run_inside("check", "--live", listing, "--fail-on", "note", cwd=tmp_path).status == 0
    tiered["deployment_tier"] = "ENORMOUS"
    changed = saved(tmp_path / "changed.json", [tiered, external("other", 2)])
    result = run_inside("check", "--live", changed, cwd=tmp_path)
    assert result.status == 1
    assert "ENORMOUS" in result.out


WORKSPACE = "7d1f0c52-6b0e-4f0a-9c38-1f2f6a5b9e10"


@pytest.mark.parametrize(
    ("endpoint", "region"), [("https://eu.api.host.langchain.com", "eu"), ("https://x.example.com/api-host", None)]
)
def test_the_region_is_found_out(tmp_path: Path, endpoint: str, region: str | None) -> None:
    run_inside("init", cwd=tmp_path, env={"LANGGRAPH_HOST_URL": endpoint, "LANGSMITH_WORKSPACE_ID": WORKSPACE})
    found = yaml.safe_load((tmp_path / "driftcheck.yaml").read_text())
    assert (found["workspace"], found.get("region")) == (WORKSPACE, region)


def test_a_configuration_that_is_there_is_left_alone_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "driftcheck.yaml").write_text("paths: [mine]\n")
    result = run_inside("init", cwd=tmp_path)
    assert result.status == 2
    assert "driftcheck.yaml exists already" in result.err
    assert tree(tmp_path) == {"driftcheck.yaml": "paths: [mine]\n"}


@pytest.mark.parametrize("there", ["deployments.yaml", "deployments/mine.yaml"])
def test_declarations_that_are_there_are_taken_and_left_alone(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("deployments: [{name: mine, source: github}]\n")
    result = run_inside("init", cwd=tmp_path)
    assert result.status == 0
    assert sorted(tree(tmp_path)) == sorted([there, "driftcheck.yaml"])
    assert yaml.safe_load((tmp_path / "driftcheck.yaml").read_text())["paths"] == [there.split("/")[0]]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    listing = saved(tmp_path / "live.json", workspace())
    assert run_inside("init", "--live", listing, cwd=tmp_path).status == 0
    before = tree(tmp_path)
    assert run_inside("init", "--live", listing, cwd=tmp_path).status == 2
    assert tree(tmp_path) == before


def test_a_workspace_without_deployments_gets_the_example(tmp_path: Path) -> None:
    with serving([]) as env:
        result = run_inside("init", cwd=tmp_path, env=env)
    assert result.status == 0
    assert "deployments/example.yaml" in tree(tmp_path)
    assert "Nothing is live" in result.err


def test_a_listing_that_can_not_be_read_is_status_3_and_writes_nothing(tmp_path: Path) -> None:
    with serving([external("x", 1)]) as env:
        result = run_inside("init", cwd=tmp_path, env={**env, "LANGSMITH_API_KEY": "another-key"})
    assert result.status == 3
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        ({"deployments/.gitkeep": ""}, "deployments"),
        ({"deployments/web.yaml": "apiVersion: apps/v1\nkind: Deployment\n"}, "langsmith-deployments"),
    ],
)
def test_a_folder_that_declares_nothing_is_not_taken_for_declarations(
    files: dict[str, str], folder: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    listing = saved(tmp_path / "live.json", [external("agent", 1)])
    result = run_inside("init", "--live", listing, cwd=tmp_path)
    assert result.status == 0, result.output
    assert (tmp_path / folder / "agent.yaml").exists()
    assert run_inside("check", "--live", listing, cwd=tmp_path).status == 0


def odd_workspace() -> list[dict[str, Any]]:
    """Return deployments that the service accepted and rules warn about."""
    unpinned = external("1-begins-with-a-digit", 1)
    unpinned["source_revision_config"]["image_uri"] = "registry.example.com/agent"
    unused = external("a-name-longer-than-the-autoscaler-takes", 2, redis_cpu=1, min_scale=0)
    unused["secrets"] += [{"name": "REDIS_URI_CUSTOM", "value": "x"}, {"name": "PORT", "value": "1"}]
    return [unpinned, unused]


@pytest.mark.parametrize("names", [["7d1f0c52-6b0e-4f0a-9c38-1f2f6a5b9e10"], ["a=" + TENANT, "b=" + TENANT]])
def test_after_init_nothing_warns_about_what_is_live(tmp_path: Path, names: list[str]) -> None:
    """The configuration says which rules live breaks; a value that is new in another rule is warned about."""
    workspaces = [part for name in names for part in ("--workspace", name)]
    with serving(odd_workspace()) as env:
        assert run_inside("init", *workspaces, cwd=tmp_path, env=env).status == 0
        for command in ("validate", "check"):
            result = run_inside(command, "--fail-on", "warning", cwd=tmp_path, env=env)
            assert result.status == 0, result.output
            assert "warning" not in result.output
    severities = yaml.safe_load((tmp_path / "driftcheck.yaml").read_text())["severities"]
    assert set(severities.values()) == {"note"}
    assert {"long-name", "name-starts-with-digit", "unpinned-image"} <= severities.keys()
    written = (tmp_path / "driftcheck.yaml").read_text()
    found = json.loads(run_inside("validate", "-o", "json", cwd=tmp_path).out)["findings"]
    if len(names) == 1:
        numbers = {rule: sum(each["rule"] == rule for each in found) for rule in severities}
        assert {
            rule: int(re.findall(rf"  {rule}: note # (\d+) findings?\n", written)[0]) for rule in severities
        } == numbers
    file = next(tmp_path.glob("deployments/1-*.yaml"))
    file.write_text(file.read_text().replace("memory_mb: 1024", "memory_mb: 1000"))
    assert "memory-granularity" in run_inside("validate", "--fail-on", "warning", cwd=tmp_path).output


def test_a_workspace_that_another_one_answers_for_is_named_with_its_option(tmp_path: Path) -> None:
    other = "9e1f0c52-6b0e-4f0a-9c38-1f2f6a5b9e22"
    with serving(workspace()) as env:
        named = [f"--workspace=staging={TENANT}", f"--workspace=production={other}"]
        result = run_inside("init", *named, cwd=tmp_path, env=env)
    assert result.status == 3
    assert f"workspace {TENANT}, but workspace {other} was requested (from --workspace production=...)." in result.err
    assert "DRIFTCHECK_API_KEY_PRODUCTION and DRIFTCHECK_ENDPOINT_PRODUCTION" in result.err
    assert "None" not in result.err
    assert tree(tmp_path) == {}


def test_listings_name_the_workspaces_of_targets(tmp_path: Path) -> None:
    for number, target in enumerate(("staging", "production")):
        items = [{**external("a", 1, max_scale=2 + number), "tenant_id": identity(number + 1)}]
        (tmp_path / f"{target}.json").write_text(json.dumps({"resources": items, "offset": 1}))
    files = ("--live", "staging=staging.json", "--live", "production=production.json")
    assert run_inside("init", *files, cwd=tmp_path).status == 0
    targets = yaml.safe_load((tmp_path / "driftcheck.yaml").read_text())["targets"]
    assert {name: each["workspace"] for name, each in targets.items()} == {
        "staging": identity(1),
        "production": identity(2),
    }
    checked = run_inside("check", *files, cwd=tmp_path)
    assert checked.status == 0, checked.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--live", "a.json", "--live", "b.json"], "--live NAME=FILE"),
        (["--workspace", f"a={TENANT}", "--workspace", f"a={TENANT}"], "two workspaces have one name"),
        (["--workspace", "a=b", "--workspace", f"b={TENANT}"], "given by --workspace a=..."),
    ],
)
def test_names_of_new_targets_are_checked(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = run_inside("init", *arguments, cwd=tmp_path)
    assert (result.status, tree(tmp_path)) == (2, {})
    assert message in result.err


def test_what_the_folder_already_has_is_reported(tmp_path: Path) -> None:
    """The configuration of a folder above no longer applies, and declarations are not written over."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "driftcheck.yaml").write_text("targets: {a: {paths: [a]}, b: {paths: [b]}}\n")
    below = tmp_path / "below"
    below.mkdir()
    (below / "deployments.yaml").write_text("deployments: [{name: a}]\n")
    result = run_inside("init", cwd=below, env={"LANGSMITH_API_KEY": KEY})
    assert result.status == 0
    assert result.err == (
        "note: ../driftcheck.yaml applied here so far; from now on driftcheck.yaml of this folder does.\n"
        "note: The declarations in deployments.yaml are left as they are.\n"
        "Written: driftcheck.yaml\n"
    )
    assert commands(result.out) == ["driftcheck validate", "driftcheck check"]


def test_of_many_written_files_the_first_are_named(tmp_path: Path) -> None:
    live = [external(f"agent-{number:02}", number) for number in range(12)]
    (tmp_path / "live.json").write_text(json.dumps({"resources": live, "offset": 12}))
    result = run_inside("init", "--live", "live.json", cwd=tmp_path)
    lines = result.err.splitlines()
    assert lines[0] == "Written: deployments/agent-00.yaml"
    assert lines[-2:] == [
        "Written: deployments/agent-09.yaml and 3 more files in deployments",
        "Written: driftcheck.yaml",
    ]
