"""`driftcheck snapshot`: the whole listing, redacted, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.inside import run_inside
from tests.cli.workspace import TENANT, external, holds_no_secret, saved, serving, workspace


def test_a_snapshot_holds_the_whole_listing_and_no_secret(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        result = run_inside("snapshot", "-o", "live.json", cwd=tmp_path, env=env)
    assert (result.status, result.out) == (0, "")
    assert "3 deployments saved." in result.err
    text = (tmp_path / "live.json").read_text()
    document = json.loads(text)
    assert [d["name"] for d in document["deployments"]] == ["billing-agent", "claims-agent", "support-agent"]
    assert (document["source"], document["workspace"]) == (env["LANGGRAPH_HOST_URL"], TENANT)
    assert (document["complete"], document["gaps"]) == (True, [])
    assert holds_no_secret(text, result.output)


def test_it_goes_to_standard_output_where_no_file_is_named(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        result = run_inside("snapshot", cwd=tmp_path, env=env)
        dashed = run_inside("snapshot", "-o", "-", "-q", cwd=tmp_path, env=env)
    assert json.loads(result.out)["kind"] == "driftcheck-snapshot"
    assert json.loads(dashed.out)["deployments"] == json.loads(result.out)["deployments"]
    assert dashed.err == ""
    assert list(tmp_path.iterdir()) == []


def test_live_from_a_snapshot_yields_the_same_report_as_the_network(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        run_inside("snapshot", "-o", "live.json", cwd=tmp_path, env=env)
        network = run_inside("audit", "-o", "json", cwd=tmp_path, env=env)
    file = run_inside("audit", "--live", "live.json", "-o", "json", cwd=tmp_path)
    assert file.status == network.status
    reports = [json.loads(result.out) for result in (network, file)]
    assert [report["live"].pop("fetched_at") is not None for report in reports] == [True, True]
    assert reports[0] == reports[1]


def test_a_scope_is_sent_and_recorded(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        result = run_inside("snapshot", "--name-contains", "claims", cwd=tmp_path, env=env)
    document = json.loads(result.out)
    assert document["scope"] == {"name_contains": "claims"}
    assert [d["name"] for d in document["deployments"]] == ["claims-agent"]


def test_an_incomplete_listing_is_not_written(tmp_path: Path) -> None:
    target = tmp_path / "live.json"
    target.write_text("yesterday's")
    cut = tmp_path / "cut.json"
    cut.write_text(json.dumps({"resources": [external(f"agent-{n}", n) for n in range(20)], "offset": 20}))
    result = run_inside("snapshot", "--live", cut, "-o", target, cwd=tmp_path)
    assert result.status == 3
    assert "--allow-partial" in result.err
    assert target.read_text() == "yesterday's"


def test_an_incomplete_one_is_written_on_request_and_makes_what_reads_it_incomplete(tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    cut.write_text(json.dumps({"resources": [external(f"agent-{n}", n) for n in range(20)], "offset": 20}))
    result = run_inside("snapshot", "--live", cut, "-o", "live.json", "--allow-partial", cwd=tmp_path)
    assert result.status == 0
    assert "warning: the listing is incomplete:" in result.err
    assert json.loads((tmp_path / "live.json").read_text())["complete"] is False
    for command in (
        ("audit", "--live", "live.json"),
        ("compare", "live.json", "live.json"),
        ("export", "--live", "live.json"),
    ):
        assert run_inside(*command, cwd=tmp_path).status == 3, command


def test_an_empty_workspace_is_incomplete_unless_it_is_allowed(tmp_path: Path) -> None:
    empty = saved(tmp_path / "empty.json", [])
    assert run_inside("snapshot", "--live", empty, "-o", "live.json", cwd=tmp_path).status == 3
    assert not (tmp_path / "live.json").exists()
    assert run_inside("snapshot", "--live", empty, "-o", "live.json", "--allow-empty-live", cwd=tmp_path).status == 0
    assert json.loads((tmp_path / "live.json").read_text())["deployments"] == []


def test_no_key_is_status_3_and_no_file(tmp_path: Path) -> None:
    result = run_inside("snapshot", "-o", "live.json", cwd=tmp_path)
    assert result.status == 3
    assert "LANGSMITH_API_KEY" in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_can_not_be_written_is_status_4(tmp_path: Path) -> None:
    listing = saved(tmp_path / "raw.json", workspace())
    result = run_inside("snapshot", "--live", listing, "-o", "no/such/folder/live.json", cwd=tmp_path)
    assert result.status == 4


def test_O1_a_snapshot_on_standard_output_holds_no_command(tmp_path: Path) -> None:
    listing = workspace()
    listing[0]["display_name"] = "##[error]x"
    with serving(listing) as env:
        result = run_inside("snapshot", cwd=tmp_path, env=env)
    assert "##[" not in result.out
    assert "##[error]x" in [each.get("display_name") for each in json.loads(result.out)["deployments"]]
