"""Targets of the configuration: one run each, one report."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftcheck.live.emulator import Behaviour, create_app
from tests.cli.inside import Result, run_inside
from tests.cli.workspace import external, saved
from tests.loopback import running
from tests.repositories import run_git

WORKSPACES = {
    "staging": "10000000-0000-4000-8000-000000000000",
    "production": "20000000-0000-4000-8000-000000000000",
    "dev": "30000000-0000-4000-8000-000000000000",
}


def live(target: str, name: str, number: int, **spec: Any) -> dict[str, Any]:
    return {**external(name, number, **spec), "tenant_id": WORKSPACES[target]}


def declaration(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "name": name,
        "source": "external_docker",
        "source_config": {"resource_spec": {"min_scale": 1, **spec}},
        "source_revision_config": {"image_uri": f"registry.example.com/{name}:1.0.0"},
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three targets; the first two have a declaration of their own."""
    for target in WORKSPACES:
        (tmp_path / target).mkdir()
        names = ["shared", f"only-{target}"]
        declared = {"deployments": [declaration(name, max_scale=2) for name in names]}
        (tmp_path / target / "agents.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
        items = [live(target, name, number) for number, name in enumerate(names, 1)]
        saved(tmp_path / f"{target}.json", items)
    targets = {target: {"workspace": id_, "paths": [target]} for target, id_ in WORKSPACES.items()}
    (tmp_path / "driftcheck.yaml").write_text(yaml.safe_dump({"targets": targets}, sort_keys=False))
    return tmp_path


def files(*targets: str) -> list[str]:
    return [part for target in targets or WORKSPACES for part in ("--live", f"{target}={target}.json")]


def check(project: Path, *arguments: str, env: dict[str, str] | None = None) -> tuple[Result, dict[str, Any]]:
    result = run_inside("check", "-o", "json", *arguments, cwd=project, env=env)
    return result, json.loads(result.out)


def test_all_targets_are_checked_in_one_report(project: Path) -> None:
    result, report = check(project, *files())
    assert result.status == 0, result.output
    assert report["outcome"]["name"] == "in_sync"
    assert report["report_id"] == "targets"
    assert (report["live"], report["declared"]) == (None, None)
    assert [target["name"] for target in report["targets"]] == list(WORKSPACES)
    assert {target["live"]["workspace"] for target in report["targets"]} == set(WORKSPACES.values())
    assert [each["target"] for each in report["deployments"]] == [t for t in sorted(WORKSPACES) for _ in range(2)]
    assert report["summary"]["in_sync"] == 6
    assert report["summary"]["coverage"] == 1


def test_targets_are_selected_by_name_and_glob(project: Path) -> None:
    _, report = check(project, "--target", "staging", *files())
    assert [target["name"] for target in report["targets"]] == ["staging"]
    assert report["report_id"] == "staging"
    _, report = check(project, "--target", "*g", "--target", "dev", *files())
    assert [target["name"] for target in report["targets"]] == ["staging", "dev"]
    result = run_inside("check", "--target", "prod", cwd=project)
    assert result.status == 2
    assert "staging, production, dev" in result.err


def test_the_worst_target_decides_and_hides_nothing_of_the_others(project: Path) -> None:
    saved(project / "staging.json", [live("staging", "shared", 1, max_scale=9), live("staging", "only-staging", 2)])
    result, report = check(project, *files())
    assert (result.status, report["outcome"]["name"]) == (1, "drift")
    assert [target["outcome"]["name"] for target in report["targets"]] == ["drift", "in_sync", "in_sync"]
    saved(project / "production.json", [])
    result, report = check(project, *files())
    assert (result.status, report["outcome"]["name"]) == (3, "incomplete")
    assert [d["target"] for d in report["deployments"] if d["status"] == "drifted"] == ["staging"]
    (project / "dev.json").write_text("not JSON")
    result, report = check(project, *files())
    assert (result.status, report["outcome"]["name"]) == (2, "invalid")
    assert [(f["target"], f["rule"]) for f in report["findings"] if f["severity"] == "error"] == [("dev", "run-failed")]


def test_a_deployment_live_in_another_target_is_named(project: Path) -> None:
    saved(project / "staging.json", [live("staging", "shared", 1)])
    items = ["shared", "only-production", "only-staging"]
    saved(project / "production.json", [live("production", name, n) for n, name in enumerate(items, 1)])
    _, report = check(project, *files())
    (missing,) = [found for found in report["findings"] if found["rule"] == "missing-deployment"]
    assert missing["target"] == "staging"
    assert missing["message"].endswith("It is live in production's workspace.")


def test_a_suffix_is_part_of_the_resulting_names(project: Path) -> None:
    config = yaml.safe_load((project / "driftcheck.yaml").read_text())
    config["targets"]["staging"]["name_suffix"] = "-stg"
    (project / "driftcheck.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    items = [live("staging", f"{name}-stg", n) for n, name in enumerate(["shared", "only-staging"], 1)]
    for item in items:
        item["source_revision_config"]["image_uri"] = item["source_revision_config"]["image_uri"].replace("-stg", "")
    saved(project / "staging.json", items)
    result, report = check(project, "--target", "staging", *files())
    assert result.status == 0, result.output
    assert {each["name"] for each in report["deployments"]} == {"shared-stg", "only-staging-stg"}


def test_names_narrow_every_target(project: Path) -> None:
    _, report = check(project, "--name", "shared", *files())
    assert {each["name"] for each in report["deployments"]} == {"shared"}
    assert report["summary"]["coverage"] == 1
    result, report = check(project, "--name", "only-dev", *files())
    assert result.status == 0, result.output
    assert [each["name"] for each in report["deployments"]] == ["only-dev"]
    result, report = check(project, "--name", "nothing*", *files())
    assert result.status == 2


def test_an_ignore_rule_is_unused_only_where_no_target_uses_it(project: Path) -> None:
    config = yaml.safe_load((project / "driftcheck.yaml").read_text())
    rule = {"deployment": "shared", "path": "source_config.resource_spec.max_scale", "reason": "load test"}
    config["ignore"] = [rule, {**rule, "deployment": "only-*"}]
    (project / "driftcheck.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    saved(project / "dev.json", [live("dev", "shared", 1, max_scale=9), live("dev", "only-dev", 2)])
    _, report = check(project, *files())
    unused = [found for found in report["findings"] if found["rule"] == "unused-ignore"]
    assert len(unused) == 1
    assert "target" not in unused[0]


def test_options_that_do_not_fit_the_targets_are_refused(project: Path) -> None:
    result = run_inside("check", "--live", "dev.json", cwd=project)
    assert result.status == 2
    assert "names no target" in result.err


def test_validate_checks_the_result_of_each_target(project: Path) -> None:
    result = run_inside("validate", "-o", "json", cwd=project)
    assert result.status == 0, result.output
    assert [target["name"] for target in json.loads(result.out)["targets"]] == list(WORKSPACES)
    (project / "dev" / "agents.yaml").write_text("deployments: [")
    result = run_inside("validate", "-o", "json", cwd=project)
    assert result.status == 2
    errors = [found for found in json.loads(result.out)["findings"] if found["severity"] == "error"]
    assert {found["target"] for found in errors} == {"dev"}


@pytest.fixture
def three_services(project: Path) -> Iterator[dict[str, str]]:
    """One whole, one slow, one that refuses the key."""
    env = {"LANGSMITH_API_KEY": "lsv2_sk_00000000000000000000"}
    behaviours = {
        "staging": Behaviour(),
        "production": Behaviour(latency=0.2),
        "dev": Behaviour(api_key="lsv2_sk_another0000000000000"),
    }
    with ExitStack() as stack:
        for target, behaviour in behaviours.items():
            items = json.loads((project / f"{target}.json").read_text())["resources"]
            url = stack.enter_context(running(create_app(items, behaviour)))
            env[f"DRIFTCHECK_ENDPOINT_{target.upper()}"] = url
        yield env


def test_three_services_one_slow_one_failing(project: Path, three_services: dict[str, str]) -> None:
    result, report = check(project, "--retries", "0", env=three_services)
    assert result.status == 3, result.output
    assert [target["outcome"]["name"] for target in report["targets"]] == ["in_sync", "in_sync", "incomplete"]
    assert [target["complete"] for target in report["targets"]] == [True, True, False]
    gaps = report["targets"][2]["live"]["gaps"]
    assert len(gaps) == 1
    assert three_services["DRIFTCHECK_ENDPOINT_DEV"] in gaps[0]
    own_key = {**three_services, "DRIFTCHECK_API_KEY_DEV": "lsv2_sk_another0000000000000"}
    result, report = check(project, env=own_key)
    assert result.status == 0, result.output


def test_two_targets_are_compared_without_their_suffixes(project: Path) -> None:
    config = yaml.safe_load((project / "driftcheck.yaml").read_text())
    env = {"LANGSMITH_API_KEY": "lsv2_sk_00000000000000000000"}
    with ExitStack() as stack:
        for target, only in {"staging": "one", "production": "two"}.items():
            config["targets"][target]["name_suffix"] = f"-{target}"
            items = [live(target, f"{name}-{target}", n) for n, name in enumerate(["shared", only], 1)]
            for item in items:
                item["source_revision_config"]["image_uri"] = "registry.example.com/agent:1"
            env[f"DRIFTCHECK_ENDPOINT_{target.upper()}"] = stack.enter_context(running(create_app(items)))
        (project / "driftcheck.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        result = run_inside("compare", "staging", "production", "-o", "json", cwd=project, env=env)
    report = json.loads(result.out)
    assert {(each["name"], each["status"]) for each in report["deployments"]} == {
        ("shared-production", "in_sync"),
        ("one-production", "missing"),
        ("two-production", "unmanaged"),
    }, result.output


def test_a_file_wins_over_a_target_of_its_name(project: Path) -> None:
    (project / "staging").rename(project / "declared-staging")
    saved(project / "staging", [live("dev", "shared", 1), live("dev", "only-dev", 2)])
    result = run_inside("compare", "staging", "dev.json", "-o", "json", cwd=project)
    assert result.status == 0, result.output
    assert json.loads(result.out)["declared"]["files"] == ["staging"]
    result = run_inside("compare", "nowhere", "dev", cwd=project)
    assert result.status == 2
    assert "neither a file nor a target" in result.err


def test_a_snapshot_of_each_target_is_saved(project: Path, three_services: dict[str, str]) -> None:
    result = run_inside("snapshot", "-o", "saved", "--retries", "0", cwd=project, env=three_services)
    assert result.status == 3
    assert "dev: " in result.err
    assert sorted(path.name for path in (project / "saved").iterdir()) == ["production.json", "staging.json"]
    result = run_inside("check", "--target", "staging", "--live", "staging=saved/staging.json", cwd=project)
    assert result.status == 0, result.output
    assert run_inside("snapshot", cwd=project, env=three_services).status == 2


def test_an_export_of_a_target_has_no_suffix_and_is_in_sync(project: Path) -> None:
    config = yaml.safe_load((project / "driftcheck.yaml").read_text())
    config["targets"]["staging"] |= {"name_suffix": "-stg", "paths": ["exported"]}
    (project / "driftcheck.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    saved(project / "staging.json", [live("staging", "agent-stg", 1), live("staging", "other", 2)])
    arguments = ["--target", "staging", "--live", "staging=staging.json"]
    result = run_inside("export", *arguments, "-d", "exported", cwd=project)
    assert result.status == 0, result.output
    assert "-stg: other" in result.err
    assert (project / "exported" / "agent.yaml").exists()
    result = run_inside("check", *arguments, "--name", "agent*", cwd=project)
    assert result.status == 0, result.output
    result = run_inside("export", *arguments, "--name", "nothing", cwd=project)
    assert result.status == 2


def test_init_with_several_workspaces_writes_targets_in_sync(tmp_path: Path) -> None:
    for target, scale in {"staging": 1, "production": 4}.items():
        names = [f"shared-{target}", f"same-{target}", f"only-{target}-{target}"]
        items = [live(target, name, n, max_scale=5) for n, name in enumerate(names, 1)]
        items[0]["source_config"]["resource_spec"]["min_scale"] = scale
        for item in items:
            item["source_revision_config"]["image_uri"] = "registry.example.com/agent:1"
        saved(tmp_path / f"{target}.json", items)
    given = [f"{target}={target}.json" for target in ("staging", "production")]
    lives = [part for each in given for part in ("--live", each)]
    spaces = [part for t in ("staging", "production") for part in ("--workspace", f"{t}={WORKSPACES[t]}")]
    result = run_inside("init", *spaces, *lives, cwd=tmp_path)
    assert result.status == 0, result.output
    result = run_inside("check", *lives, "-o", "json", cwd=tmp_path)
    report = json.loads(result.out)
    assert (result.status, report["outcome"]["name"]) == (0, "in_sync"), result.output
    assert report["summary"]["in_sync"] == 6
    base = yaml.safe_load((tmp_path / "deployments" / "shared.yaml").read_text())["deployments"][0]
    assert "min_scale" not in base["source_config"]["resource_spec"]
    overlay = yaml.safe_load((tmp_path / "environments" / "production" / "overlay.yaml").read_text())
    assert overlay == {"overlay": [{"name": "shared", "source_config": {"resource_spec": {"min_scale": 4}}}]}
    assert run_inside("init", "--workspace", "a", "--workspace", "b", cwd=tmp_path).status == 2


def commit_a_change(project: Path) -> None:
    """Commit the project to `main`, and another `max_scale` of staging to `change`, which is checked out."""
    run_git(project, "init", "-q", "-b", "main")
    run_git(project, "add", ".")
    run_git(project, "commit", "-qm", "first")
    run_git(project, "switch", "-qc", "change")
    declared = (project / "staging" / "agents.yaml").read_text()
    (project / "staging" / "agents.yaml").write_text(declared.replace("max_scale: 2", "max_scale: 3", 1))
    run_git(project, "commit", "-qam", "scale")


def test_a_base_is_read_for_each_target_with_its_suffix(project: Path) -> None:
    config = yaml.safe_load((project / "driftcheck.yaml").read_text())
    config["targets"]["staging"]["name_suffix"] = "-stg"
    (project / "driftcheck.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    items = [live("staging", f"{name}-stg", n, max_scale=2) for n, name in enumerate(["shared", "only-staging"], 1)]
    for item in items:
        item["source_revision_config"]["image_uri"] = item["source_revision_config"]["image_uri"].replace("-stg", "")
    saved(project / "staging.json", items)
    commit_a_change(project)
    result, report = check(project, "--base", "main", *files())
    assert result.status == 0, result.output
    assert report["outcome"]["name"] == "passed"
    changes = [(d["target"], d["name"], c["class"]) for d in report["deployments"] for c in d["changes"]]
    assert changes == [("staging", "shared-stg", "proposed")]


SPACES = [part for t in ("staging", "production") for part in ("--workspace", f"{t}={WORKSPACES[t]}")]
LIVES = [part for t in ("staging", "production") for part in ("--live", f"{t}={t}.json")]


def test_init_leaves_folders_of_other_yaml_alone_and_ignores_by_resulting_name(tmp_path: Path) -> None:
    for target in ("staging", "production"):
        items = [live(target, f"{name}-{target}", n) for n, name in enumerate(["agent", "overlay"], 1)]
        items[0]["source_config"]["resource_spec"]["annotations"] = {"hook": "https://user:password1@example.com/x"}
        items[1]["source_config"]["resource_spec"]["max_scale"] = {"staging": 3, "production": 4}[target]
        for item in items:
            item["source_revision_config"]["image_uri"] = "registry.example.com/agent:1"
        saved(tmp_path / f"{target}.json", items)
    for folder in ("deployments", "environments"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "other.yaml").write_text("kind: Service\n")
    result = run_inside("init", *SPACES, *LIVES, cwd=tmp_path)
    assert result.status == 0, result.output
    assert [path.name for path in (tmp_path / "environments").iterdir()] == ["other.yaml"]
    own = tmp_path / "langsmith-environments" / "staging" / "agent.yaml"
    (rule,) = yaml.safe_load(own.read_text())["ignore"]
    assert rule["deployment"] == "agent-staging"
    assert (tmp_path / "langsmith-deployments" / "overlay_.yaml").exists()
    result = run_inside("check", *LIVES, "-o", "json", cwd=tmp_path)
    report = json.loads(result.out)
    assert (result.status, report["summary"]["in_sync"]) == (0, 4), result.output
    assert not any(found["rule"] == "unused-ignore" for found in report["findings"])


def test_init_writes_no_target_for_a_workspace_without_deployments(tmp_path: Path) -> None:
    saved(tmp_path / "staging.json", [live("staging", "agent-staging", 1)])
    saved(tmp_path / "production.json", [])
    result = run_inside("init", *SPACES, *LIVES, cwd=tmp_path)
    assert result.status == 0, result.output
    assert "production: no live deployment can be declared" in result.err
    assert list(yaml.safe_load((tmp_path / "driftcheck.yaml").read_text())["targets"]) == ["staging"]
    assert run_inside("check", *LIVES[:2], cwd=tmp_path).status == 0


@pytest.mark.slow
def test_three_times_200_deployments_take_the_time_of_the_slowest(project: Path) -> None:
    env = {"LANGSMITH_API_KEY": "lsv2_sk_00000000000000000000"}
    behaviours = {"staging": Behaviour(), "production": Behaviour(latency=1.0), "dev": Behaviour(status=503)}
    names = [f"agent-{number:03}" for number in range(200)]
    with ExitStack() as stack:
        for target, behaviour in behaviours.items():
            text = yaml.safe_dump({"deployments": [declaration(name, max_scale=2) for name in names]}, sort_keys=False)
            (project / target / "agents.yaml").write_text(text)
            items = [live(target, name, number) for number, name in enumerate(names, 1)]
            items[7]["source_config"]["resource_spec"]["max_scale"] = 9
            app = create_app(items, behaviour)
            env[f"DRIFTCHECK_ENDPOINT_{target.upper()}"] = stack.enter_context(running(app))
        seconds = {}
        for selected in ("production", "*"):
            begin = time.monotonic()
            result, report = check(project, "--retries", "0", "--target", selected, env=env)
            seconds[selected] = time.monotonic() - begin
        formats = ("text", "markdown", "html", "sarif", "junit", "gitlab", "github", "openmetrics", "ndjson")
        outputs = [part for name in formats for part in ("-o", f"{name}=out.{name}")]
        assert run_inside("check", "--retries", "0", *outputs, cwd=project, env=env).status == 3
    assert result.status == 3
    outcomes = {each["name"]: each["outcome"]["name"] for each in report["targets"]}
    assert outcomes == {"staging": "drift", "production": "drift", "dev": "incomplete"}
    drifted = [(each["target"], each["name"]) for each in report["deployments"] if each["status"] == "drifted"]
    assert drifted == [("production", "agent-007"), ("staging", "agent-007")]
    for name in formats:
        text = (project / f"out.{name}").read_text()
        assert "agent-007" in text or name == "openmetrics", name
        assert all(target in text for target in behaviours), name
    assert seconds["*"] < seconds["production"] + 2.5, seconds


def test_the_difference_of_the_rendered_results_is_printed_for_each_target(project: Path) -> None:
    commit_a_change(project)
    result = run_inside("render", "--base", "main", cwd=project)
    assert result.status == 0, result.output
    changed = [line for line in result.out.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [line.split() for line in changed if line] == [["-", "max_scale:", "2"], ["+", "max_scale:", "3"]]
    assert result.out.index("# target: staging") < result.out.index("max_scale: 3") < result.out.index("# target: prod")
