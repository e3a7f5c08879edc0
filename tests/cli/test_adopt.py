"""`adopt` as users run it: a diff that git applies, files edited in place, and what can't be adopted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.cli.inside import run_inside

QUICKSTART = Path(__file__).parent.parent.parent / "examples" / "quickstart"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(QUICKSTART, tmp_path / "q")
    return tmp_path / "q"


def adopt(folder: Path, *arguments: str) -> Any:
    return run_inside("adopt", "--live", "live.json", *arguments, cwd=folder)


def test_the_diff_is_one_that_git_applies(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    before = (folder / "deployments/claims.yaml").read_text()
    result = adopt(folder)
    assert result.status == 0, result.err
    assert (folder / "deployments/claims.yaml").read_text() == before
    subprocess.run(["git", "apply", "-"], input=result.out, text=True, cwd=folder, check=True)
    check = run_inside("check", "--live", "live.json", cwd=folder)
    assert "drifted" not in check.out


def test_the_diff_applies_in_a_subfolder_without_final_newline_and_with_crlf(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    folder = tmp_path / "infra"
    folder.mkdir()
    text = "deployments:\r\n  - name: a # a\ttab\t\r\n    source_config: {resource_spec: {max_scale: 2}}"
    (folder / "a.yaml").write_bytes(text.encode())
    (folder / "live.json").write_text(json.dumps(page(max_scale=9)))
    result = run_inside("adopt", "a.yaml", "--live", "live.json", cwd=folder)
    assert result.status == 0, result.err
    subprocess.run(["git", "apply", "-"], input=result.out.encode(), cwd=folder, check=True)
    assert (folder / "a.yaml").read_bytes() == text.replace("max_scale: 2", "max_scale: 9").encode()


def page(**spec: Any) -> dict[str, Any]:
    item = {
        "name": "a",
        "id": "11111111-1111-4111-8111-111111111111",
        "source": "external_docker",
        "source_config": {"resource_spec": spec},
        "source_revision_config": {"image_uri": "registry.example.com/a:1"},
        "secrets": [],
        "latest_revision_id": "r",
        "active_revision_id": "r",
        "created_at": "t",
        "updated_at": "t",
        "status": "READY",
    }
    return {"resources": [item], "offset": 1}


def test_write_edits_the_files_and_the_next_check_is_in_sync(folder: Path) -> None:
    result = adopt(folder, "--write", "--missing", "remove", "--unmanaged", "deployments/unmanaged.yaml")
    assert (result.status, result.out) == (0, ""), result.err
    assert "3 values" in result.err
    check = run_inside("check", "--live", "live.json", cwd=folder)
    assert check.status == 0, check.out
    assert run_inside("adopt", "--live", "live.json", cwd=folder).err.splitlines()[-1] == "Nothing to adopt."


def test_only_the_selected_fields_are_adopted(folder: Path) -> None:
    result = adopt(folder, "--path", "**.max_scale", "--write")
    assert "1 value of 1 deployment" in result.err
    text = (folder / "deployments/claims.yaml").read_text()
    assert "max_scale: 12" in text
    assert "0.104.0" in text
    assert adopt(folder, "--name", "nobody*").status == 2


def test_the_last_line_counts_what_is_adopted_removed_and_added(tmp_path: Path) -> None:
    def declare(name: str, **spec: int) -> None:
        value = {"name": name, "source": "external_docker", "source_config": {"resource_spec": spec}}
        (tmp_path / f"{name}.yaml").write_text(json.dumps({"deployments": [value]}))

    declare("a", max_scale=2)
    declare("gone", max_scale=2)
    live = page(max_scale=3)
    new = {**live["resources"][0], "name": "new", "id": "22222222-2222-4222-8222-222222222222"}
    (tmp_path / "live.json").write_text(json.dumps({"resources": [*live["resources"], new], "offset": 2}))
    arguments = ("adopt", "a.yaml", "gone.yaml", "--live", "live.json")
    everything = (*arguments, "--missing", "remove", "--unmanaged", "more.yaml")
    text = "{} 1 value of 1 deployment, {} 1 declaration, {} 1 declaration in 3 files"
    dry = run_inside(*everything, cwd=tmp_path).err
    assert f"Would {text.format('adopt', 'remove', 'add')}; --write edits them.\n" in dry
    assert "note: gone.yaml is left without a deployment; delete it if you need nothing else in it\n" in dry
    one = run_inside(*arguments, cwd=tmp_path).err
    assert "Would adopt 1 value of 1 deployment in 1 file; --write edits it.\n" in one
    written = run_inside(*everything, "--write", cwd=tmp_path).err
    assert f"{text.format('Adopted', 'removed', 'added')}.\n" in written


def test_a_name_that_nothing_has_is_the_only_message(folder: Path) -> None:
    result = adopt(folder, "--name", "nobody*")
    assert result.status == 2
    assert "adopt" not in result.err.lower()


def test_what_can_not_be_compared_is_reported_with_a_way_to_declare_it(tmp_path: Path) -> None:
    value = {
        "name": "a",
        "source": "external_docker",
        "source_revision_config": {"image_uri": "registry.example.com/a:1"},
    }
    (tmp_path / "a.yaml").write_text(json.dumps({"deployments": [value]}))
    live = page()
    live["resources"][0]["source_revision_config"] = {"image_uri": f"registry.example.com/a@sha256:{'0' * 64}"}
    (tmp_path / "live.json").write_text(json.dumps(live))
    for selected in ((), ("--name", "a"), ("--path", "image_uri")):
        result = run_inside("adopt", "a.yaml", "--live", "live.json", *selected, cwd=tmp_path)
        assert result.err == (
            "note: 1 field can't be compared, and so not adopted: a: source_revision_config.image_uri.\n"
            "note: An image can be compared if it is declared with its digest (`repository:tag@sha256:...`).\n"
            "Nothing to adopt.\n"
        )
    result = run_inside("adopt", "a.yaml", "--live", "live.json", "--path", "max_scale", cwd=tmp_path)
    assert result.err == "Nothing to adopt.\n"


def test_suppressed_changes_are_left_alone(folder: Path) -> None:
    file = folder / "deployments/claims.yaml"
    rule = (
        "\nignore:\n  - {deployment: claims-agent, path: source_config.resource_spec.max_scale, reason: autoscaler}\n"
    )
    file.write_text(file.read_text() + rule)
    adopt(folder, "--write")
    assert "max_scale: 6" in file.read_text()


def test_a_value_that_may_be_secret_is_refused_with_the_reason(tmp_path: Path) -> None:
    env = [{"name": "T", "value": "planted"}]
    (tmp_path / "a.yaml").write_text(
        "deployments:\n  - name: a\n    source_config:\n      resource_spec:\n        max_scale: 1\n        sidecars:\n"
        "          - {name: s, image: i, env: [{name: T, value: x}]}\n"
    )
    live = page(max_scale=2, sidecars=[{"name": "s", "image": "i", "env": env}])
    (tmp_path / "live.json").write_text(json.dumps(live))
    result = run_inside("adopt", "a.yaml", "--live", "live.json", cwd=tmp_path)
    assert result.status == 1
    assert "+        max_scale: 2" in result.out
    assert "may be a secret" in result.err
    assert "planted" not in result.out + result.err


def test_values_that_would_make_the_file_invalid_are_refused(tmp_path: Path) -> None:
    spec = "{min_scale: 1, max_scale: 2}"
    (tmp_path / "a.yaml").write_text(f"deployments:\n  - name: a\n    source_config: {{resource_spec: {spec}}}\n")
    (tmp_path / "live.json").write_text(json.dumps(page(min_scale=5, max_scale=9)))
    result = run_inside("adopt", "a.yaml", "--live", "live.json", "--path", "**.min_scale", cwd=tmp_path)
    assert result.status == 1
    assert "scale-order" in result.err
    assert result.out == ""


def test_what_can_not_be_written_leaves_every_file_as_it_was(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other/b.yaml").write_text("deployments:\n  - name: claims-agent-legacy\n    source: github\n")
    before = (folder / "deployments/claims.yaml").read_text()
    blocked = folder / "blocked"
    blocked.write_text("a file where a folder is needed")
    result = adopt(folder, "deployments", "--write", "--unmanaged", "blocked/new.yaml")
    assert result.status != 0
    assert (folder / "deployments/claims.yaml").read_text() == before


def test_a_link_is_edited_where_it_leads(folder: Path) -> None:
    real = folder / "real.yaml"
    os.replace(folder / "deployments/claims.yaml", real)
    (folder / "deployments/claims.yaml").symlink_to("../real.yaml")
    adopt(folder, "--write")
    assert (folder / "deployments/claims.yaml").is_symlink()
    assert "max_scale: 12" in real.read_text()


def test_a_rule_with_nothing_left_to_suppress_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "deployments:\n  - name: a\n    source: external_docker\n    source_revision_config:\n"
        "      image_uri: registry.example.com/a:latest\n"
        "ignore:\n  - {deployment: a, rule: unpinned-image, reason: trial}\n"
    )
    (tmp_path / "live.json").write_text(json.dumps(page()))
    result = run_inside("adopt", "a.yaml", "--live", "live.json", cwd=tmp_path)
    assert "+      image_uri: registry.example.com/a:1" in result.out
    assert result.err.startswith("note: a.yaml:7:5: this ignore rule has nothing left to suppress\n")


def test_accepted_deployments_stay_unmanaged(folder: Path) -> None:
    file = folder / "deployments/claims.yaml"
    rule = "\nignore:\n  - {deployment: claims-agent-legacy, unmanaged: true, reason: old}\n"
    file.write_text(file.read_text() + rule)
    result = adopt(folder, "--unmanaged", "new.yaml", "deployments")
    assert "new.yaml" not in result.out


def test_standard_input_can_not_be_edited(folder: Path) -> None:
    result = adopt(folder, "-")
    assert result.status == 2
    assert "Name the files." in result.err


def test_an_incomplete_listing_adopts_what_was_read(folder: Path) -> None:
    live = json.loads((folder / "live.json").read_text())
    items = live["resources"] if isinstance(live, dict) else live
    (folder / "live.json").write_text(json.dumps({"resources": items, "offset": 500}))
    result = adopt(folder, "--missing", "remove")
    assert result.status == 3
    assert "max_scale: 12" in result.out
    assert "-  - name: billing-agent" not in result.out


TARGETS = """\
targets:
  staging: {workspace: 11111111-1111-4111-8111-111111111111, paths: [base, staging]}
  production: {workspace: 22222222-2222-4222-8222-222222222222, paths: [base, production]}
"""


def test_only_the_overlay_of_the_target_that_drifted_changes(tmp_path: Path) -> None:
    (tmp_path / "driftcheck.yaml").write_text(TARGETS)
    for name, text in {
        "base": "deployments:\n  - name: a\n    source_config:\n      resource_spec: {max_scale: 2, cpu: 1}\n",
        "staging": "overlay: []\n",
        "production": "overlay:\n  - name: a  # production\n    source_config: {resource_spec: {cpu: 2}}\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(text)
    (tmp_path / "s.json").write_text(json.dumps(page(max_scale=2, cpu=1)))
    (tmp_path / "p.json").write_text(json.dumps(page(max_scale=7, cpu=2)))
    live = ("--live", "staging=s.json", "--live", "production=p.json")
    result = run_inside("adopt", *live, "--write", cwd=tmp_path)
    assert result.status == 0, result.err
    assert "{cpu: 2, max_scale: 7}" in (tmp_path / "production/a.yaml").read_text()
    assert "max_scale: 2" in (tmp_path / "base/a.yaml").read_text()
    assert (tmp_path / "staging/a.yaml").read_text() == "overlay: []\n"
    assert run_inside("check", *live, cwd=tmp_path).status == 0


SIDECARS = """\
deployments:
  - name: a
    source: external_docker
    source_config:
      resource_spec:
        max_scale: 2
        labels: {team: x, tier: y}
        sidecars:
          - {name: one, image: "registry.example.com/o:1"}
          - {name: two, image: "registry.example.com/o:1", args: ["1"]}
"""


def targets_of(folder: Path, base: str, suffix: str = "") -> tuple[str, ...]:
    """Write a base and two targets over it, the first with no overlay; returns the options for their live sides."""
    config = TARGETS
    for target in ("staging", "production"):
        end = f", name_suffix: -{target}}}" if suffix else "}"
        config = config.replace(f"[base, {target}]}}", f"[base, {target}]{end}")
    (folder / "driftcheck.yaml").write_text(config)
    texts = {"base": base, "staging": "overlay: []\n", "production": "overlay:\n  - name: a\n    secrets: []\n"}
    for name, text in texts.items():
        (folder / name).mkdir()
        (folder / name / "a.yaml").write_text(text)
    return ("--live", "staging=s.json", "--live", "production=p.json")


def listed(folder: Path, file: str, **spec: Any) -> None:
    suffix = {"s.json": "-staging", "p.json": "-production"}[file]
    found = page(**spec)
    found["resources"][0]["name"] += suffix
    (folder / file).write_text(json.dumps(found))


def test_values_that_are_equal_in_all_targets_are_adopted_into_the_shared_file(tmp_path: Path) -> None:
    base = "deployments:\n  - name: a  # base\n    source_config: {resource_spec: {max_scale: 2, cpu: 1}}\n"
    live = targets_of(tmp_path, base, suffix="-")
    listed(tmp_path, "s.json", max_scale=7, cpu=1)
    listed(tmp_path, "p.json", max_scale=7, cpu=4)
    result = run_inside("adopt", *live, "--write", cwd=tmp_path)
    assert result.status == 0, result.err
    assert (tmp_path / "base/a.yaml").read_text() == base.replace("max_scale: 2", "max_scale: 7")
    assert "cpu: 4" in (tmp_path / "production/a.yaml").read_text()
    assert (tmp_path / "staging/a.yaml").read_text() == "overlay: []\n"
    assert "drifted" not in run_inside("check", *live, cwd=tmp_path).out


@pytest.mark.parametrize("selection", [["--target", "staging"], ["--name", "*-staging"]])
def test_a_shared_file_is_left_alone_where_not_every_target_is_selected(tmp_path: Path, selection: list[str]) -> None:
    base = "deployments:\n  - name: a\n    source_config: {resource_spec: {max_scale: 2}}\n"
    live = targets_of(tmp_path, base, suffix="-")
    listed(tmp_path, "s.json", max_scale=7)
    listed(tmp_path, "p.json", max_scale=7)
    result = run_inside("adopt", *live, *selection, "--write", cwd=tmp_path)
    assert result.status == 0, result.err
    assert (tmp_path / "base/a.yaml").read_text() == base
    assert "max_scale: 7" in (tmp_path / "staging/a.yaml").read_text()


def test_what_an_overlay_can_not_remove_is_refused_and_the_rest_is_adopted(tmp_path: Path) -> None:
    live = targets_of(tmp_path, SIDECARS, suffix="-")
    two = {"name": "two", "image": "registry.example.com/o:1", "args": ["1"]}
    one = {"name": "one", "image": "registry.example.com/o:1"}
    listed(tmp_path, "s.json", max_scale=2, labels={"team": "x", "tier": "y"}, sidecars=[one, two])
    listed(tmp_path, "p.json", max_scale=5, labels={"team": "x"}, sidecars=[{**two, "args": ["2"]}])
    result = run_inside("adopt", *live, "--write", cwd=tmp_path)
    assert result.status == 1
    spec = "not adopted: a-production: source_config.resource_spec"
    assert f"{spec}.labels.tier: an overlay can't remove it" in result.err
    assert f"{spec}.sidecars[name=one]: an overlay can't remove it" in result.err
    check = run_inside("check", *live, "-o", "json", cwd=tmp_path)
    changes = [c["path"] for d in json.loads(check.out)["deployments"] for c in d["changes"]]
    assert sorted(changes) == [
        "source_config.resource_spec.labels.tier",
        "source_config.resource_spec.sidecars[name=one]",
    ]


def test_a_declaration_that_names_an_agent_alone_is_adopted(tmp_path: Path) -> None:
    agent = "{agent_id: claims, environment: production}"
    text = f"deployments:\n  - agent: {agent}\n    source_config: {{resource_spec: {{max_scale: 2}}}}\n"
    (tmp_path / "a.yaml").write_text(text)
    listing = page(max_scale=9)
    listing["resources"][0]["agent"] = {"agent_id": "claims", "environment": "production"}
    (tmp_path / "live.json").write_text(json.dumps(listing))
    result = run_inside("adopt", "a.yaml", "--live", "live.json", "--write", cwd=tmp_path)
    assert result.status == 0, result.err
    assert (tmp_path / "a.yaml").read_text() == text.replace("max_scale: 2", "max_scale: 9")
    assert run_inside("check", "a.yaml", "--live", "live.json", cwd=tmp_path).status == 0
    plan = run_inside("plan", "a.yaml", "--live", "live.json", cwd=tmp_path)
    assert (plan.status, plan.out) == (0, "Nothing to do.\n")


def test_unmanaged_deployments_go_to_a_file_of_one_target(tmp_path: Path) -> None:
    live = targets_of(tmp_path, "deployments: [{name: b}]\n", suffix="-")
    (tmp_path / "production/a.yaml").write_text("overlay: []\n")
    listed(tmp_path, "s.json", max_scale=7)
    listed(tmp_path, "p.json", max_scale=8)
    result = run_inside("adopt", *live, "--unmanaged", "new/", cwd=tmp_path)
    assert result.status == 2
    assert "Select one with --target" in result.err
    chosen = ("adopt", *live[2:], "--target", "production", "--unmanaged")
    result = run_inside(*chosen, "base/", cwd=tmp_path)
    assert result.status == 1
    assert "other targets read it too" in result.err
    result = run_inside(*chosen, "new/", cwd=tmp_path)
    assert "add it to `paths`" in result.err
    result = run_inside(*chosen, "production/", "--write", cwd=tmp_path)
    assert result.status == 1, result.err  # a.yaml exists
    assert "exists and is not overwritten" in result.err
    result = run_inside(*chosen, "production/more.yaml", "--write", cwd=tmp_path)
    assert result.status == 0, result.err
    assert "name: a\n" in (tmp_path / "production/more.yaml").read_text()


def test_a_field_is_named_by_the_end_of_its_path(folder: Path) -> None:
    assert "1 value of 1 deployment" in adopt(folder, "--path", "max_scale").err
    result = adopt(folder, "--path", "min_scale")
    assert result.status == 1
    assert "no drifted field matches min_scale; drifted: " in result.err


def test_a_name_that_matches_nothing_is_reported(folder: Path) -> None:
    result = adopt(folder, "--name", "nobody")
    assert result.status == 2
    assert "No declared deployment matches --name nobody." in result.err


def random_spec(random: Random) -> dict[str, Any]:
    spec: dict[str, Any] = {
        name: random.randint(1, 3) for name in ("max_scale", "cpu", "queue_cpu") if random.random() < 0.7
    }
    if random.random() < 0.6:
        spec["labels"] = {name: random.choice("xy") for name in ("team", "tier") if random.random() < 0.7}
    if random.random() < 0.6:
        names = [name for name in ("one", "two", "three") if random.random() < 0.6]
        spec["sidecars"] = [{"name": name, "image": f"o:{random.randint(1, 2)}"} for name in names]
    return spec


@pytest.mark.parametrize("seed", range(25))
def test_adopting_the_drift_of_one_target_changes_no_other_target(tmp_path: Path, seed: int) -> None:
    folder, random = tmp_path, Random(seed)
    texts = {"base": {"deployments": [{"name": "a", "source_config": {"resource_spec": random_spec(random)}}]}}
    for target in ("staging", "production"):
        overlays = [{"name": "a", "source_config": {"resource_spec": random_spec(random)}}] * random.randint(0, 1)
        texts[target] = {"overlay": overlays}
    for name, value in texts.items():
        (folder / name).mkdir()
        (folder / name / "a.yaml").write_text(yaml.safe_dump(value, sort_keys=False))
    (folder / "driftcheck.yaml").write_text(TARGETS)
    (folder / "p.json").write_text(json.dumps(page(**random_spec(random))))
    other = run_inside("render", "--target", "staging", cwd=folder)
    chosen = ("--target", "production", "--live", "production=p.json")
    result = run_inside("adopt", *chosen, "--write", cwd=folder)
    assert run_inside("render", "--target", "staging", cwd=folder) == other
    check = run_inside("check", *chosen, "-o", "json", cwd=folder)
    left = [change["path"] for each in json.loads(check.out)["deployments"] for change in each["changes"]]
    assert all(f"{path}: an overlay can't remove it" in result.err for path in left), (left, result.err)
    assert result.status == (1 if left else 0)


def test_K7_O1_the_diff_shows_no_value_of_a_variable_and_no_command(tmp_path: Path) -> None:
    sidecar = "{name: s, image: 'i:1', env: [{name: A, value: planted}]}"
    spec = (
        f"    source_config:\n      resource_spec:\n        sidecars: [{sidecar}]\n        max_scale: 2 # ##[error]x\n"
    )
    (tmp_path / "a.yaml").write_text(f"deployments:\n  - name: a\n{spec}")
    live = {"name": "s", "image": "i:1", "env": [{"name": "A", "value": "other-planted"}]}
    (tmp_path / "live.json").write_text(json.dumps(page(max_scale=9, sidecars=[live])))
    shown = run_inside("adopt", "a.yaml", "--live", "live.json", cwd=tmp_path)
    assert "+        max_scale: 9" in shown.out
    assert "planted" not in shown.output
    assert "##[" not in shown.output
    assert "can't be applied; use --write" in shown.err
    run_inside("adopt", "a.yaml", "--live", "live.json", "--write", cwd=tmp_path)
    assert (tmp_path / "a.yaml").read_text() == f"deployments:\n  - name: a\n{spec}".replace("scale: 2", "scale: 9")


def test_O1_no_message_about_an_odd_name_is_a_command(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("deployments:\n  - name: a\n    source_config: {resource_spec: {labels: {}}}\n")
    (tmp_path / "live.json").write_text(json.dumps(page(labels={"##[error]x": "https://u:planted@h"})))
    result = run_inside("adopt", "a.yaml", "--live", "live.json", "--path", "##[error]y", cwd=tmp_path)
    assert "##\\x5b" in result.err
    assert "##[" not in result.output


def test_the_diff_of_a_new_folder_leaves_the_schema_out_and_writing_adds_it(folder: Path) -> None:
    result = adopt(folder, "deployments", "--unmanaged", "deployments/new/")
    assert "+++ b/deployments/new/claims-agent-legacy.yaml\n" in result.out
    assert "schema.json\n+++" not in result.out
    assert result.out.count("\n+++ ") == 2
    assert "Would adopt 3 values of 1 deployment, add 1 declaration in 2 files; --write edits them.\n" in result.err
    adopt(folder, "deployments", "--unmanaged", "deployments/new/", "--write")
    assert (folder / "deployments/new/declaration.schema.json").exists()
