"""`plan` as users run it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.inside import run_inside
from tests.cli.test_adopt import QUICKSTART, page


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
