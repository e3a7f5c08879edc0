"""`adopt` as users run it: a diff that git applies, files edited in place, and what can't be adopted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

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
    assert run_inside("adopt", "--live", "live.json", cwd=folder).err == "Nothing to adopt.\n"


def test_only_the_selected_fields_are_adopted(folder: Path) -> None:
    result = adopt(folder, "--path", "**.max_scale", "--write")
    assert "1 value of 1 deployment" in result.err
    text = (folder / "deployments/claims.yaml").read_text()
    assert "max_scale: 12" in text
    assert "0.104.0" in text
    assert adopt(folder, "--name", "nobody*").status == 2


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
