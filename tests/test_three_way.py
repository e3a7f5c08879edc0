"""Three-way checks, end to end: a real repository, a real listing, every verdict in every format."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from driftcheck.formats import FORMATS
from driftcheck.formats.wording import CLASSES
from tests import repositories
from tests.cli.command import environment
from tests.cli.inside import Result, run_inside
from tests.loops import case

ROOT = Path(__file__).parent.parent

# --- the demonstration: the five rows of the table --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """The result of a row of the table: the deployment's status, the change's class, the exit status."""

    status: str
    change_class: str | None
    exit_status: int
    sides: tuple[Any, Any, Any] = (None, None, None)
    """Base, declared and live."""


ROWS = {
    "in-sync": Row("in_sync", None, 0),
    "proposed": Row("proposed", "proposed", 0, (6, 8, 6)),
    "drift": Row("drifted", "drift", 1, (6, 6, 10)),
    "elsewhere": Row("drifted", "elsewhere", 0, (6, 6, 10)),
    "conflict": Row("drifted", "conflict", 1, (6, 8, 10)),
    "adopted": Row("in_sync", "adopted", 0, (6, 10, 10)),
    "outdated": Row("drifted", "outdated", 0, (6, 6, 10)),
}
PATH = "source_config.resource_spec.max_scale"


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The output of the script, run once against the emulator, and the folder of its reports."""
    folder = tmp_path_factory.mktemp("demo")
    commands = folder / "bin"
    commands.mkdir()
    (commands / "driftcheck").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m driftcheck "$@"\n')
    (commands / "driftcheck").chmod(0o755)
    ran = subprocess.run(
        ["bash", ROOT / "examples" / "three-way" / "demo.sh", folder],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment(PATH=f"{commands}:{os.environ['PATH']}"),
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""
    return ran.stdout, folder / "reports"


@pytest.mark.slow
@pytest.mark.parametrize("branch", ROWS)
def test_the_demonstration_shows_each_row_with_its_verdict(demonstration: tuple[str, Path], branch: str) -> None:
    section = demonstration[0].split(f"== {branch}:")[1].split("\n==")[0]
    assert f"\nexit status {ROWS[branch].exit_status}\n" in section
    words = CLASSES | {None: "In sync", "elsewhere": "Not touched by this change"}
    assert words[ROWS[branch].change_class] in section


@pytest.mark.slow
@pytest.mark.parametrize("branch", ROWS)
def test_the_demonstration_was_made_against_the_emulator(demonstration: tuple[str, Path], branch: str) -> None:
    report = json.loads((demonstration[1] / f"{branch}.json").read_text())
    assert report["live"]["source"].startswith("http://127.0.0.1:")
    assert report["live"]["complete"]
    assert len(report["declared"]["base"]) == 40


@pytest.mark.slow
@pytest.mark.parametrize("branch", ROWS)
def test_json_holds_class_and_the_three_sides(demonstration: tuple[str, Path], branch: str) -> None:
    row = ROWS[branch]
    report = json.loads((demonstration[1] / f"{branch}.json").read_text())
    assert report["outcome"]["status"] == row.exit_status
    (deployment,) = report["deployments"]
    assert deployment["status"] == row.status
    found = [(change["class"], sides(change)) for change in deployment["changes"] if change["path"] == PATH]
    assert found == ([(row.change_class, row.sides)] if row.change_class else [])


def sides(change: dict[str, Any]) -> tuple[Any, Any, Any]:
    return change.get("base"), change["declared"], change["live"]


@pytest.mark.slow
@pytest.mark.parametrize("format_name", [name for name in FORMATS if name not in ("text", "json")])
def test_every_format_reports_each_row(demonstration: tuple[str, Path], format_name: str) -> None:
    for branch in ROWS:
        with case(branch):
            row = ROWS[branch]
            report = (demonstration[1] / f"{branch}.{format_name}").read_text()
            holds_no_paths = format_name == "openmetrics" or (format_name, row.change_class) == ("sarif", "adopted")
            assert ("max_scale" in report) == (row.change_class is not None and not holds_no_paths)
            if row.exit_status == 0:
                assert "::error" not in report
                assert "<failure" not in report
                assert '"severity": "major"' not in report
            else:
                assert {"github": "::error", "junit": "<failure", "gitlab": '"major"'}.get(format_name, "") in report


@pytest.mark.slow
@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "text"])
def test_a_saved_report_renders_to_the_same_bytes_but_for_what_only_the_command_line_knew(
    demonstration: tuple[str, Path], format_name: str
) -> None:
    for branch in ROWS:
        with case(branch):
            reports = demonstration[1]
            again = run_inside("report", f"{branch}.json", "-o", format_name, cwd=reports)
            written = (reports / f"{branch}.{format_name}").read_text()
            written = re.sub(r" deployments\.yaml --(endpoint|live) \S+(?= --)", "", written)
            base = re.compile(r"(?<=--base )[\w./-]+")  # a saved report knows the commit only
            assert base.sub("", again.out) == base.sub("", written)
            assert again.status == ROWS[branch].exit_status


# --- smaller repositories --------------------------------------------------------------------------------------


class Repository(repositories.Repository):
    """A repository in which one commit follows another."""

    def declare(self, declared: Any, *, config: str | None = None) -> None:
        """Commit declarations (a text, or deployments) and a configuration."""
        text = declared if isinstance(declared, str) else json.dumps({"deployments": declared}, indent=1)
        (self.folder / "deployments.yaml").write_text(text)
        settings = self.folder / "driftcheck.yaml"
        if config is None:
            settings.unlink(missing_ok=True)
        else:
            settings.write_text(config)
        self.git("add", "--all", "deployments.yaml", *(["driftcheck.yaml"] if config else []))
        self.git("commit", "--quiet", "--all", "--allow-empty", "--message", "work")

    def check(self, live: list[dict[str, Any]], *options: str, base: str = "HEAD~1") -> Result:
        listed = {"resources": [{**value, "id": f"id-of-{value['name']}"} for value in live], "offset": len(live)}
        (self.folder / "live.json").write_text(json.dumps(listed))
        return run_inside("check", "--live", "live.json", "--base", base, *options, cwd=self.folder)

    def report(self, live: list[dict[str, Any]], *options: str, base: str = "HEAD~1") -> dict[str, Any]:
        result = self.check(live, *options, "-o", "json", base=base)
        report: dict[str, Any] = json.loads(result.out)
        assert report["outcome"]["status"] == result.status
        return report


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def agent(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "name": name,
        "source": "external_docker",
        "source_config": {"resource_spec": spec},
        "source_revision_config": {"image_uri": f"registry.example.com/{name}:1"},
        "secrets": [],
    }


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {deployment["name"]: deployment["status"] for deployment in report["deployments"]}


def rules(report: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return the rules of the findings, without those about the declarations alone."""
    found = [(finding["rule"], finding["deployment"]) for finding in report["findings"]]
    return [each for each in found if each[0] != "missing-listener"]


def classes(report: dict[str, Any], name: str = "a") -> dict[str, str]:
    (deployment,) = (each for each in report["deployments"] if each["name"] == name)
    return {
        change["path"].removeprefix("source_config.resource_spec."): change["class"] for change in deployment["changes"]
    }


A, B = agent("a", max_scale=6), agent("b", max_scale=6)


def test_whole_deployments_have_a_class_in_the_status_and_the_findings(repository: Repository) -> None:
    leaving, renamed, new = (agent(name, max_scale=6) for name in ("leaving", "before", "new"))
    repository.declare([A, B, leaving, renamed])
    repository.declare([A, B, {**renamed, "name": "after"}, new])
    report = repository.report([A, leaving, renamed])
    assert statuses(report) == {
        "a": "in_sync",
        "after": "proposed",
        "b": "missing",
        "before": "unmanaged",
        "leaving": "unmanaged",
        "new": "proposed",
    }
    assert sorted(rules(report), key=str) == [
        ("missing-elsewhere", "b"),
        ("proposed-creation", "after"),
        ("proposed-creation", "new"),
        ("proposed-removal", "before"),
        ("proposed-removal", "leaving"),
        ("proposed-rename", "after"),
    ]
    assert report["outcome"]["status"] == 0


# --- what the change does to the policy -----------------------------------------------------------------------

IGNORE = {"path": "source_config.resource_spec.max_scale", "reason": "load test"}
DRIFTED = agent("a", max_scale=9)


def declaring(*ignores: dict[str, Any]) -> str:
    return json.dumps({"deployments": [A], "ignore": [*ignores]}, indent=1)


def test_R8_an_ignore_rule_that_the_change_adds_is_reported_and_suppresses_nothing(repository: Repository) -> None:
    repository.declare([A])
    repository.declare(declaring(IGNORE))
    report = repository.report([DRIFTED], "--gate", "drift,conflict,elsewhere")
    assert report["outcome"]["status"] == 1
    assert report["summary"]["suppressed"] == 0
    (finding,) = report["findings"]
    assert finding["rule"] == "policy-changed"
    line = (repository.folder / "deployments.yaml").read_text().splitlines()[finding["location"]["line"] - 1]
    assert line.strip() == "{"
    assert classes(report) == {"max_scale": "elsewhere"}


def test_an_ignore_rule_that_the_change_removes_still_suppresses(repository: Repository) -> None:
    repository.declare(declaring(IGNORE))
    repository.declare([A])
    report = repository.report([DRIFTED])
    assert report["outcome"]["status"] == 0
    assert report["summary"]["suppressed"] == 1
    assert rules(report) == [("policy-changed", None)]


@pytest.mark.parametrize(
    "more",
    [{"owner": "team-a"}, {"approved_by": "team-b"}, {"expires": "2999-01-01"}, {"live": {"equals": 9}}],
    ids=lambda more: next(iter(more)),
)
def test_every_alteration_of_an_ignore_rule_is_shown(repository: Repository, more: dict[str, Any]) -> None:
    repository.declare(declaring(IGNORE))
    repository.declare(declaring(IGNORE | more))
    assert {rule for rule, _ in rules(repository.report([DRIFTED]))} == {"policy-changed"}


def test_the_rule_that_an_ignore_rule_names_is_part_of_it(repository: Repository) -> None:
    rule = {"rule": "unpinned-image", "reason": "sandbox"}
    repository.declare(declaring(rule))
    repository.declare(declaring(rule | {"rule": "long-name"}))
    assert "policy-changed" in {name for name, _ in rules(repository.report([A]))}


def test_a_policy_that_the_change_alters_is_shown(repository: Repository) -> None:
    policy = {"id": "small", "path": "source_config.resource_spec.max_scale", "schema": {"maximum": 3}}
    repository.declare([A], config=json.dumps({"policies": [policy]}))
    repository.declare([A], config=json.dumps({"policies": [policy | {"schema": {"maximum": 30}}]}))
    assert "policy-changed" in {name for name, _ in rules(repository.report([A]))}


def test_an_ignore_rule_has_its_location_in_the_current_files(repository: Repository) -> None:
    repository.declare(declaring(IGNORE))
    repository.declare("# a comment\n\n" + declaring(IGNORE))
    report = repository.report([DRIFTED])
    suppressed = report["deployments"][0]["changes"][0]["suppressed"]
    lines = (repository.folder / "deployments.yaml").read_text().splitlines()
    assert "path" in lines[suppressed["location"]["line"]]


@pytest.mark.parametrize(
    ("earlier", "proposed"),
    [
        (None, "fail-on: never\n"),
        ("paths: [deployments.yaml]\n", "paths: [deployments.yaml]\nfail-on: never\n"),
        (None, "severities: {drift: note}\n"),
        (None, "ignore: [{path: '*.*.max_scale', reason: not now}]\n"),
        (None, "strict: false\nseverities: {drift: note}\n"),
    ],
)
def test_R8_a_configuration_that_the_change_loosens_is_shown_and_not_in_force(
    repository: Repository, earlier: str | None, proposed: str
) -> None:
    repository.declare([A], config=earlier)
    repository.declare([A], config=proposed)
    report = repository.report([DRIFTED], "--gate", "drift,conflict,elsewhere")
    assert report["outcome"]["status"] == 1
    assert "policy-changed" in {rule for rule, _ in rules(report)}


def test_the_configuration_of_the_base_is_in_force_where_the_change_tightens_it(repository: Repository) -> None:
    repository.declare([A], config="fail-on: never\n")
    repository.declare([A], config="fail-on: note\n")
    report = repository.report([DRIFTED])
    assert report["outcome"]["status"] == 0
    assert rules(report) == [("policy-changed", None)]


# --- gates ----------------------------------------------------------------------------------------------------

SIDES = {"elsewhere": (6, 6, 10), "proposed": (6, 8, 6), "conflict": (6, 8, 10), "adopted": (6, 10, 10)}


@pytest.mark.parametrize("change_class", SIDES)
def test_the_gate_of_the_command_line_chooses_the_classes_that_fail(repository: Repository, change_class: str) -> None:
    base, head, live = SIDES[change_class]
    repository.declare([agent("a", max_scale=base)])
    repository.declare([agent("a", max_scale=head)])
    report = repository.report([agent("a", max_scale=live)], "--gate", "elsewhere, proposed")
    assert classes(report) == {"max_scale": change_class}
    assert report["outcome"]["status"] == int(change_class in ("elsewhere", "proposed"))


# --- an unknown base -----------------------------------------------------------------------------------


def test_a_deployment_that_a_broken_base_may_hold_is_drift_and_the_base_is_reported(repository: Repository) -> None:
    repository.declare(json.dumps({"deployments": [B]}) + "\n---\ndeployments: [\n")
    repository.declare([A, B])
    report = repository.report([DRIFTED, agent("b", max_scale=9)])
    assert report["outcome"]["status"] == 1
    assert rules(report) == [("incomplete-base", None)]
    assert (classes(report), classes(report, "b")) == ({"max_scale": "drift"}, {"max_scale": "elsewhere"})


def test_the_base_is_where_the_branches_parted(repository: Repository) -> None:
    repository.declare([A])
    repository.git("branch", "feature")
    repository.declare([agent("a", max_scale=99)])
    repository.git("checkout", "--quiet", "feature")
    repository.declare([agent("a", max_scale=8)])
    report = repository.report([A], base="main")
    assert classes(report) == {"max_scale": "proposed"}
    assert report["deployments"][0]["changes"][0]["base"] == 6
    assert report["declared"]["base"] == repository.git("merge-base", "main", "HEAD")


def test_what_is_not_committed_is_part_of_the_change(repository: Repository) -> None:
    repository.declare([A])
    (repository.folder / "deployments.yaml").write_text(json.dumps({"deployments": [agent("a", max_scale=8)]}))
    assert classes(repository.report([A], base="HEAD")) == {"max_scale": "proposed"}


def test_an_audit_looks_back_too(repository: Repository) -> None:
    repository.declare([A])
    repository.declare([agent("a", max_scale=8)])
    listed = {"resources": [{**A, "id": "1"}, {**B, "id": "2"}], "offset": 2}
    (repository.folder / "live.json").write_text(json.dumps(listed))
    options = ["--live", "live.json", "--base", "HEAD~1", "--gate", "drift", "-o", "json"]
    report = json.loads(run_inside("audit", *options, cwd=repository.folder).out)
    assert classes(report) == {"max_scale": "proposed"}
    assert ("unmanaged-deployment", "b") in rules(report)
    assert report["outcome"]["status"] == 1


@pytest.mark.parametrize("below", [".", "prod"])
def test_a_file_that_the_change_renames_hides_nothing(repository: Repository, below: str) -> None:
    folder = repository.folder / below
    folder.mkdir(exist_ok=True)
    earlier, later = folder / "agents.yaml", folder / "services.yml"
    earlier.write_text(json.dumps({"deployments": [A, B]}))
    repository.git("add", ".")
    repository.declare("x-nothing: {}\ndeployments: []\n")
    repository.git("mv", str(earlier), str(later))
    later.write_text(json.dumps({"deployments": [agent("a", max_scale=8), B]}, indent=2))
    report = repository.report([A, agent("b", max_scale=9)], str(later), base="HEAD")
    assert classes(report) == {"max_scale": "proposed"}
    assert classes(report, "b") == {"max_scale": "elsewhere"}


def test_a_new_file_beside_others_is_new(repository: Repository) -> None:
    repository.declare([A])
    (repository.folder / "more.yaml").write_text(json.dumps({"deployments": [B]}))
    report = repository.report([A], "more.yaml", base="HEAD")
    assert statuses(report) == {"a": "unmanaged", "b": "proposed"}


def test_a_shallow_clone_names_the_depth_to_fetch(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for scale in (6, 7, 8):
        repository.declare([agent("a", max_scale=scale)])
    repository.git("branch", "feature", "HEAD~1")
    folder = tmp_path_factory.mktemp("clone")
    repository.git("clone", "--quiet", "--depth=1", "--no-single-branch", repository.folder.as_uri(), str(folder))
    result = Repository(folder).check([A], base="origin/feature")
    assert result.status == 3
    assert "shallow" in result.err
    assert "fetch-depth: 0" in result.err


@pytest.mark.parametrize("base", ["no-such-branch", "--upload-pack=x"])
def test_a_base_that_git_does_not_know_is_a_usage_error(repository: Repository, base: str) -> None:
    repository.declare([A])
    result = repository.check([A], base=base)
    assert result.status == 2
    assert "does not know" in result.err


def test_a_base_without_a_repository_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(json.dumps({"deployments": [A]}))
    (tmp_path / "live.json").write_text(json.dumps({"resources": [], "offset": 0}))
    result = run_inside("check", "--live", "live.json", "--base", "main", cwd=tmp_path)
    assert result.status == 2
    assert "git repository" in result.err


def test_no_difference_is_called_proposed_where_the_listing_is_incomplete(repository: Repository) -> None:
    repository.declare([A])
    repository.declare([A, B])
    page = [A, *(agent(f"other-{number}") for number in range(19))]
    report = repository.report(page)
    assert report["outcome"]["status"] == 3
    assert statuses(report)["b"] == "unknown"


def _repository_with_config(folder: Path, config: str | None, declared: str = "deployments") -> None:
    (folder / declared).mkdir(parents=True)
    for name in ("one", "two"):
        deployment = {
            "name": name,
            "source": "external_docker",
            "source_config": {"resource_spec": {"cpu": 1}},
            "source_revision_config": {"image_uri": "registry.example.com/agent:1"},
        }
        (folder / declared / f"{name}.yaml").write_text(json.dumps({"deployments": [deployment]}))
    if config is not None:
        (folder / "driftcheck.yaml").write_text(config)
    live = {
        "name": "one",
        "id": "00000000-0000-4000-8000-000000000001",
        "source": "external_docker",
        "source_config": {"resource_spec": {"cpu": 1}},
        "source_revision_config": {"image_uri": "registry.example.com/agent:1"},
        "secrets": [],
    }
    (folder.parent / "live.json").write_text(json.dumps({"resources": [live], "offset": 1}))
    repositories.Repository(folder).commit()


ONE = "paths: [deployments/one.yaml]\n"
DISGUISES = {
    "other paths": ("paths: [deployments]\n", {"driftcheck.yaml": ONE}, "."),
    "a narrower glob": ('paths: ["deployments/*.yaml"]\n', {"driftcheck.yaml": ONE}, "."),
    "a first configuration": (None, {"driftcheck.yaml": ONE}, "."),
    "a nearer configuration": ("paths: [deployments]\n", {"below/driftcheck.yaml": ONE.replace("[", "[../")}, "below"),
    "a file that comes before the folder": (None, {"deployments.yaml": None}, "."),
    "no configuration": ("paths: [elsewhere]\n", {"driftcheck.yaml": "", "elsewhere": "deployments"}, "."),
}
"""The files that the change puts instead of the configuration, and the folder that driftcheck runs in."""


@pytest.mark.parametrize(("config", "change", "where"), DISGUISES.values(), ids=DISGUISES)
def test_R8_no_change_of_the_configuration_hides_anything(
    config: str | None, change: dict[str, str | None], where: str, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    _repository_with_config(folder, config, declared="elsewhere" if "elsewhere" in change else "deployments")
    for name, text in change.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        if name == "elsewhere":
            (folder / text).mkdir()
            (folder / text / "one.yaml").write_text((file / "one.yaml").read_text())
        elif text == "":
            file.unlink()
        else:
            file.write_text((folder / "deployments" / "one.yaml").read_text() if text is None else text)
            if text is None:
                (folder / "deployments" / "one.yaml").unlink()
    live = str(tmp_path / "live.json")
    gate = ("--gate", "drift,conflict,elsewhere")
    result = run_inside("check", "--base", "HEAD", "--live", live, "-o", "json", *gate, cwd=folder / where)
    report = json.loads(result.out)
    statuses = {each["name"]: each["status"] for each in report["deployments"]}
    assert statuses.get("two") == "missing", result.err
    assert result.status != 0
    assert "policy-changed" in {finding["rule"] for finding in report["findings"]}


OURS = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("config", "workspace"), [(f"paths: [deployments]\nregion: us\nworkspace: {OURS}\n", OURS), (None, None)]
)
def test_R8_the_workspace_and_region_of_a_change_are_not_asked(
    config: str | None, workspace: str | None, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    _repository_with_config(folder, config)
    (folder / "driftcheck.yaml").write_text(
        "paths: [deployments]\nregion: eu\nworkspace: 22222222-2222-4222-8222-222222222222\n"
    )
    report = json.loads(run_inside("check", "--base", "HEAD", "-o", "json", cwd=folder).out)
    assert report["live"]["source"] == "https://api.host.langchain.com"
    assert report["live"]["workspace"] == workspace
    assert "policy-changed" in {finding["rule"] for finding in report["findings"]}


def test_R8_files_that_a_change_brings_into_view_are_not_a_base(tmp_path: Path) -> None:
    """A stale file that was never read before neither declares nor suppresses anything."""
    folder = tmp_path / "repository"
    (folder / "archive").mkdir(parents=True)
    stale = {"deployments": [agent("one", max_scale=3)], "ignore": [{"path": "**.max_scale", "reason": "r"}]}
    (folder / "archive" / "old.yaml").write_text(json.dumps(stale))
    _repository_with_config(folder, "paths: [deployments]\n")
    live = json.loads((tmp_path / "live.json").read_text())
    live["resources"][0]["source_config"]["resource_spec"]["cpu"] = 4
    (tmp_path / "live.json").write_text(json.dumps(live))
    (folder / "archive" / "old.yaml").unlink()
    (folder / "driftcheck.yaml").write_text("paths: [deployments, archive]\n")
    (folder / "archive" / "two.yaml").write_text(json.dumps({"deployments": [agent("three")]}))
    result = run_inside(
        *("check", "--base", "HEAD", "--live", "../live.json", "-o", "json", "--gate", "drift,conflict,elsewhere"),
        cwd=folder,
    )
    report = json.loads(result.out)
    assert result.status == 1
    assert {c["path"]: c["class"] for d in report["deployments"] for c in d["changes"]} == {
        "source_config.resource_spec.cpu": "elsewhere"
    }
    assert report["summary"]["suppressed"] == 0
    assert "policy-changed" in {finding["rule"] for finding in report["findings"]}


@pytest.mark.parametrize("empty", [{"secrets": []}, {"source_config": {"resource_spec": {"labels": {}}}}])
def test_a_collection_that_is_newly_declared_is_proposed_though_it_is_empty(
    repository: Repository, empty: dict[str, Any]
) -> None:
    silent = {key: value for key, value in A.items() if key not in ("secrets", "source_config")}
    repository.declare([silent])
    repository.declare([{**silent, **empty}])
    live = {**A, "secrets": [{"name": "K"}], "source_config": {"resource_spec": {"labels": {"a": "b"}}}}
    assert set(classes(repository.report([live])).values()) == {"proposed"}
