"""`driftcheck export`: declarations of what is live; existing files are never overwritten."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftcheck.cli.export import file_name
from driftcheck.errors import UsageError
from tests.cli.inside import run_inside
from tests.cli.workspace import external, github, holds_no_secret, saved, serving, workspace
from tests.comparison.declarations import declaration
from tests.comparison.echo import echo


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def test_export_to_standard_output_is_one_document(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        result = run_inside("export", cwd=tmp_path, env=env)
    assert result.status == 0
    assert result.out.startswith("# yaml-language-server: $schema=declaration.schema.json\n")
    assert [d["name"] for d in yaml.safe_load(result.out)["deployments"]] == [
        "billing-agent",
        "claims-agent",
        "support-agent",
    ]
    assert holds_no_secret(result.output)


@pytest.mark.parametrize("where", [("-d", "out"), ("-o", "out.yaml")])
def test_what_is_exported_is_strictly_in_sync_with_the_network_and_a_snapshot(
    tmp_path: Path, where: tuple[str, str]
) -> None:
    with serving(workspace()) as env:
        run_inside("snapshot", "-o", "live.json", cwd=tmp_path, env=env)
        assert run_inside("export", *where, cwd=tmp_path, env=env).status == 0
        network = run_inside("check", "--strict", where[1], "-o", "json", cwd=tmp_path, env=env)
    file = run_inside("check", "--strict", where[1], "--live", "live.json", "-o", "json", cwd=tmp_path)
    for result in (network, file):
        report = json.loads(result.out)
        assert (result.status, report["summary"]["in_sync"], report["summary"]["changes"]) == (0, 3, 0)
        assert [f for f in report["findings"] if f["severity"] == "error"] == []
        assert report["findings"] == [] or {f["rule"] for f in report["findings"]} == {"unused-ignore"}


def test_models_of_the_service_are_exported_in_sync_and_without_a_finding_of_the_comparison(tmp_path: Path) -> None:
    """Export, then check is in sync: on answers of servers of every age (tests/comparison/echo.py)."""
    listed = []
    for seed in range(60):
        draw = random.Random(seed)
        live = echo(declaration(draw), draw.choice(("seed", "B", "B2", "C")), draw).live
        listed.append({**live, "name": f"agent-{seed}", "id": str(seed), "tenant_id": None, "status": "READY"})
    saved(tmp_path / "live.json", listed)
    assert run_inside("export", "--live", "live.json", "-d", "out", cwd=tmp_path).status == 0
    result = run_inside("check", "--strict", "out", "--live", "live.json", "-o", "json", cwd=tmp_path)
    report = json.loads(result.out)
    assert {d["name"]: d["changes"] for d in report["deployments"] if d["status"] != "in_sync"} == {}
    assert result.status == 0


def test_a_folder_gets_a_file_for_each_deployment_and_the_schema(tmp_path: Path) -> None:
    listing = saved(tmp_path / "live.json", workspace())
    result = run_inside("export", "--live", listing, "-d", "new/folder", cwd=tmp_path)
    assert result.status == 0
    assert sorted(path.name for path in (tmp_path / "new/folder").iterdir()) == [
        "billing-agent.yaml",
        "claims-agent.yaml",
        "declaration.schema.json",
        "support-agent.yaml",
    ]
    schema = json.loads((tmp_path / "new/folder/declaration.schema.json").read_text())
    assert schema["$id"] == "urn:driftcheck:schema:declaration"
    assert run_inside("validate", "new/folder", cwd=tmp_path).status == 0


@pytest.mark.parametrize("where", [("-d", "."), ("-o", "claims-agent.yaml")])
def test_nothing_is_overwritten_without_force(tmp_path: Path, where: tuple[str, str]) -> None:
    listing = saved(tmp_path / "live.json", workspace())
    (tmp_path / "claims-agent.yaml").write_text("mine")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = run_inside("export", "--live", listing, *where, cwd=tmp_path)
    assert result.status == 2
    assert "--force" in result.err
    assert (tmp_path / "claims-agent.yaml").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert run_inside("export", "--live", listing, *where, "--force", cwd=tmp_path).status == 0
    assert "claims-agent" in (tmp_path / "claims-agent.yaml").read_text()


def test_exporting_again_writes_the_same_bytes_in_any_order_of_the_listing(tmp_path: Path) -> None:
    first = saved(tmp_path / "a.json", workspace())
    second = saved(tmp_path / "b.json", reversed(workspace()))
    outputs = {run_inside("export", "--live", listing, cwd=tmp_path).out for listing in (first, second, first)}
    assert len(outputs) == 1


def test_unmanaged_deployments_are_left_out_and_reported(tmp_path: Path) -> None:
    listed = [
        external("kept", 1),
        {**external("leaving", 2), "status": "AWAITING_FINAL_DELETE"},
        {**github("kept-pr-7", 3), "is_preview": True},
        {**external("managed", 4), "is_managed_deep_agent": True},
        external("twin", 5),
        external("twin", 6),
        external("Wrong_Name", 7),
    ]
    result = run_inside("export", "--live", saved(tmp_path / "live.json", listed), cwd=tmp_path)
    assert result.status == 0
    assert [d["name"] for d in yaml.safe_load(result.out)["deployments"]] == ["kept", "managed"]
    for said in (
        "Not exported because it is being deleted: leaving.",
        "Not exported because it is a pull-request preview: kept-pr-7.",
        "Not exported because several deployments have its name: twin.",
        "Not exported because their names are invalid: Wrong_Name.",
    ):
        assert f"# {said}" in result.out
        assert f"note: {said}" in result.err


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "a/b", "..", ".hidden", "con:x", "a\nb", "::error::x", "##[error]x", "\ud800"]
)
def test_R9_a_name_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    listing = saved(folder / "live.json", [external("fine", 1), {**external("x", 2), "name": name}])
    result = run_inside("export", "--live", listing, "-d", "out", cwd=folder)
    assert result.status == 0
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "inner",
        "inner/live.json",
        "inner/out",
        "inner/out/declaration.schema.json",
        "inner/out/fine.yaml",
    ]
    out = run_inside("export", "--live", listing, cwd=folder).output
    assert "##[" not in out
    assert not any(line.startswith("::") for line in out.split("\n"))
    with pytest.raises(UsageError):
        file_name(name)


def test_a_name_that_is_taken_by_the_configuration_or_the_system_gets_another_file(tmp_path: Path) -> None:
    listing = saved(tmp_path / "live.json", [external("driftcheck", 1), external("con", 2)])
    run_inside("export", "--live", listing, "-d", "out", cwd=tmp_path)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.yaml")) == ["con_.yaml", "driftcheck_.yaml"]
    assert run_inside("check", "--strict", "out", "--live", listing, cwd=tmp_path).status == 0


def test_no_secret_is_exported_and_a_comment_replaces_each(tmp_path: Path) -> None:
    listing = saved(tmp_path / "live.json", workspace())
    run_inside("export", "--live", listing, "-o", "out.yaml", cwd=tmp_path)
    text = (tmp_path / "out.yaml").read_text()
    assert holds_no_secret(text)
    assert text.count("# value is not exported: it may hold a secret") == 2
    assert "# hook is not exported: it may hold a secret" in text
    claims = next(d for d in read(tmp_path / "out.yaml")["deployments"] if d["name"] == "claims-agent")
    assert claims["secrets"] == [{"name": "OPENAI_API_KEY"}]
    assert claims["source_config"]["resource_spec"]["annotations"] == {"team": "claims"}
    assert read(tmp_path / "out.yaml")["ignore"] == [
        {
            "deployment": "claims-agent",
            "path": "source_config.resource_spec.annotations.hook",
            "reason": "not exported: it may hold a secret",
        }
    ]


def test_an_incomplete_listing_is_exported_on_request_alone_and_says_so(tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    cut.write_text(json.dumps({"resources": [external(f"agent-{n}", n) for n in range(20)], "offset": 20}))
    assert run_inside("export", "--live", cut, "-o", "out.yaml", cwd=tmp_path).status == 3
    assert not (tmp_path / "out.yaml").exists()
    assert run_inside("export", "--live", cut, "-o", "out.yaml", "--allow-partial", cwd=tmp_path).status == 0
    assert "# The listing was incomplete." in (tmp_path / "out.yaml").read_text()


def test_a_scope_narrows_the_export(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        result = run_inside("export", "--name-contains", "claims", cwd=tmp_path, env=env)
    assert [d["name"] for d in yaml.safe_load(result.out)["deployments"]] == ["claims-agent"]


def test_a_folder_and_a_file_exclude_each_other(tmp_path: Path) -> None:
    result = run_inside("export", "-d", "x", "-o", "y", cwd=tmp_path)
    assert result.status == 2
