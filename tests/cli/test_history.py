"""`--history` on check, and `driftcheck history`, in the real command."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from driftcheck import fields
from driftcheck.history import store
from tests.cli.inside import run_inside

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
HISTORY = "sqlite:///history.db"
PATH = "source_config.resource_spec.max_scale"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(QUICKSTART, tmp_path, dirs_exist_ok=True)
    return tmp_path


def at(day: int) -> dict[str, str]:
    return {"SOURCE_DATE_EPOCH": str(1_767_225_600 + day * 86_400)}


def check(project: Path, *arguments: str, day: int = 0, env: dict[str, str] | None = None) -> Any:
    return run_inside("check", "deployments", "--live", "live.json", *arguments, cwd=project, env=at(day) | (env or {}))


def history(project: Path, *arguments: str, day: int = 0) -> Any:
    return run_inside("history", *arguments, cwd=project, env=at(day) | {"DRIFTCHECK_HISTORY": HISTORY})


def shown(project: Path, *arguments: str, day: int = 0) -> Any:
    result = history(project, *arguments, "-o", "json", day=day)
    assert result.status == 0
    return json.loads(result.out)


def in_sync(project: Path) -> None:
    """Make what is live in sync, except for the missing deployment."""
    listed = json.loads((project / "live.json").read_text())
    for deployment in listed["resources"] if isinstance(listed, dict) else listed:
        if deployment["name"] == "claims-agent":
            deployment["source_config"]["resource_spec"]["max_scale"] = 6
    (project / "live.json").write_text(json.dumps(listed))


def test_a_report_says_what_is_new_and_since_when(project: Path) -> None:
    first = json.loads(check(project, "--history", HISTORY, "-o", "json").out)
    second = json.loads(check(project, "--history", HISTORY, "-o", "json", day=8).out)
    states = [(c["state"], c["first_seen"]) for r in (first, second) for d in r["deployments"] for c in d["changes"]]
    assert set(states) == {("new", "2026-01-01T00:00:00Z"), ("known", "2026-01-01T00:00:00Z")}
    assert first["history"]["previous"] is None
    assert second["history"]["previous"] == first["history"]["run"]
    Draft202012Validator(fields.schema("report")).validate(second)


def test_what_was_resolved_is_reported_once(project: Path) -> None:
    check(project, "--history", HISTORY)
    in_sync(project)
    report = json.loads(check(project, "--history", HISTORY, "-o", "json", day=1).out)
    assert [item["path"] for item in report["resolved"]] == [PATH]
    assert json.loads(check(project, "--history", HISTORY, "-o", "json", day=2).out)["resolved"] == []


def test_H6_only_what_is_new_fails_with_fail_on_new(project: Path) -> None:
    assert check(project, "--history", HISTORY, "--fail-on-new").status == 1
    second = check(project, "--history", HISTORY, "--fail-on-new", "-o", "json", day=1)
    assert (second.status, json.loads(second.out)["outcome"]["name"]) == (0, "passed")
    assert [run["outcome"] for run in shown(project, "list")["runs"]] == ["passed", "drift"]
    in_sync(project)
    assert check(project, "--history", HISTORY, "--fail-on-new", day=2).status == 0
    listed = (project / "live.json").read_text()
    (project / "live.json").write_text(listed.replace("0.99.0", "0.98.0"))
    assert check(project, "--history", HISTORY, "--fail-on-new", day=3).status == 1


def test_H6_a_note_that_counts_is_always_new(project: Path) -> None:
    (project / "driftcheck.yaml").write_text("severities: {drift: note}\nfail-on: note\n")
    for day in range(2):  # no history follows notes
        assert check(project, "--history", HISTORY, "--fail-on-new", day=day).status == 1


@pytest.mark.parametrize("url", ["sqlite:///no/such/folder/h.db", "mysql://u:SECRET@host/x", "sqlite:///broken.db"])
def test_H2_a_history_that_fails_changes_neither_verdict_nor_status(project: Path, url: str) -> None:
    (project / "broken.db").write_text("not a database, " * 100)
    plain = json.loads(check(project, "-o", "json").out)
    for option in ((), ("--fail-on-new",)):
        result = check(project, "--history", url, "-o", "json", *option)
        report = json.loads(result.out)
        assert report["history"]["error"]
        assert result.status == 1
        assert report | {"history": None} == plain | {"history": None}
        assert result.err.startswith("error: ")
        assert "SECRET" not in result.out + result.err


def test_a_notification_that_fails_changes_nothing_and_waits(project: Path) -> None:
    result = check(project, "--history", HISTORY, "--notify", "json://u:SECRET@127.0.0.1:1/SECRET", "-o", "json")
    report = json.loads(result.out)
    assert (result.status, report["deployments"] != []) == (1, True)
    assert "json#1" in report["history"]["error"]
    assert "SECRET" not in result.out + result.err
    assert b"SECRET" not in (project / "history.db").read_bytes()
    [message] = store.claim(f"sqlite:///{project}/history.db", ["json#1"])
    Draft202012Validator(fields.schema("notification")).validate(message.document)


def waiting(project: Path) -> list[list[tuple[str, str | None]]]:
    """Return the kinds and targets of the transitions that wait to be sent, and remove them."""
    url = f"sqlite:///{project}/history.db"
    messages = store.claim(url, ["json#1"])
    store.settle(url, messages, [])
    return [
        sorted({(t["kind"], t["target"]) for t in message.document["transitions"]}, key=str) for message in messages
    ]


@pytest.mark.parametrize(
    "targets", ["", "targets: {staging: {paths: [deployments]}, production: {paths: [deployments]}}"]
)
def test_a_configuration_that_breaks_is_an_outage_once_and_recovers_once(project: Path, targets: str) -> None:
    def run(configuration: str, day: int) -> int:
        (project / "driftcheck.yaml").write_text(configuration)
        lives = [part for name in ("staging", "production") for part in ("--live", f"{name}=live.json")]
        live = lives if targets else ["--live", "live.json"]
        arguments = ["check", *live, "--history", HISTORY, "--notify", "json://127.0.0.1:1", "-o", "json"]
        return run_inside(*arguments, cwd=project, env=at(day)).status

    whole = targets or "paths: [deployments]"
    assert [run(whole, 0), run("paths: 3", 1), run("paths: 4", 2), run(whole, 3)] == [1, 2, 2, 1]
    opened, *others = waiting(project)
    assert {kind for kind, _ in opened} == {"opened"}
    assert others == [[("outage", None)], [("recovered", None)]]
    assert [run["conclusive"] for run in shown(project, "list")["runs"]].count(False) == 2


def test_a_wrong_command_line_is_not_recorded(project: Path) -> None:
    assert run_inside("check", "no-such-folder", "--history", HISTORY, cwd=project).status == 2
    assert not (project / "history.db").exists()


def test_a_run_narrowed_by_name_resolves_nothing_else(project: Path) -> None:
    check(project, "--history", HISTORY)
    check(project, "--history", HISTORY, "--name", "support*", day=1)
    assert len(shown(project, "open")["items"]) == 4
    in_sync(project)
    check(project, "--history", HISTORY, "--name", "claims-agent", day=2)
    assert PATH not in {item["path"] for item in shown(project, "open")["items"]}
    assert len(shown(project, "open")["items"]) == 3


@pytest.mark.parametrize(
    "arguments",
    [["--notify", "json://x"], ["--fail-on-new"], ["--remind", "7d"], ["--history", HISTORY, "--remind", "7d"]],
)
def test_options_that_need_another_one_say_so(project: Path, arguments: list[str]) -> None:
    result = check(project, *arguments)
    assert result.status == 2
    assert "requires" in result.err


def test_one_variable_serves_all_commands_and_the_option_comes_first(project: Path) -> None:
    env = {"DRIFTCHECK_HISTORY": HISTORY}
    assert check(project, "-q", env=env).status == 1
    assert check(project, "-q", "--history", "sqlite:///other.db", env=env).status == 1
    assert check(project, "-q", env=env | {"DRIFTCHECK_CHECK_HISTORY": "sqlite:///third.db"}).status == 1
    assert len(shown(project, "list")["runs"]) == 1
    assert (project / "other.db").exists()
    assert (project / "third.db").exists()


def test_open_lists_age_state_and_severity(project: Path) -> None:
    check(project, "--history", HISTORY)
    items = shown(project, "open", day=8)["items"]
    assert {(i["deployment"], i["path"], i["rule"], i["state"], i["severity"]) for i in items} >= {
        ("claims-agent", PATH, None, "new", "error"),
        ("billing-agent", None, "missing-deployment", "new", "error"),
    }
    assert "2026-01-01 (8 days)" in history(project, "open", day=8).out
    assert "2026-01-01 (today)" in history(project, "open", day=0).out


def test_items_of_several_reports_are_kept_apart(project: Path) -> None:
    for identity in ("eu", "us"):
        check(project, "--history", HISTORY, "--report-id", identity)
    assert {item["report_id"] for item in shown(project, "open")["items"]} == {"eu", "us"}
    heading = history(project, "open").out.splitlines()[0].split()
    assert "report" in heading
    assert "command" not in heading


def test_a_report_never_replaces_the_history(project: Path) -> None:
    check(project, "--history", HISTORY)
    before = (project / "history.db").read_bytes()
    result = check(project, "--history", HISTORY, "-o", "json=history.db")
    assert result.status == 2
    assert "both an input and an output" in result.err
    assert (project / "history.db").read_bytes() == before
    run = shown(project, "list")["runs"][0]["id"]
    for command in (
        ["show", run, "-o", "json"],
        ["open", "-o", "json"],
        ["trend", "-o", "html"],
        ["export", "-o", "csv"],
    ):
        *others, form = command
        assert history(project, *others, f"{form}=history.db").status == 2
    assert (project / "history.db").read_bytes() == before


def test_a_dash_is_standard_output(project: Path) -> None:
    check(project, "--history", HISTORY)
    result = history(project, "open", "-o", "json=-")
    assert json.loads(result.out)["items"]
    assert not (project / "-").exists()


def test_show_prints_the_report_with_the_recorded_sha_256(project: Path) -> None:
    original = json.loads(check(project, "--history", HISTORY, "-o", "json").out)
    [run] = shown(project, "list")["runs"]
    result = history(project, "show", run["id"][:8], "-o", "json")
    assert hashlib.sha256(result.out.encode()).hexdigest() == run["sha256"]
    assert json.loads(result.out) == original | {"history": None}
    assert "claims-agent" in history(project, "show", run["id"]).out


def test_a_report_that_was_altered_in_the_database_is_refused(project: Path) -> None:
    import sqlite3

    check(project, "--history", HISTORY)
    with sqlite3.connect(project / "history.db") as connection:
        connection.execute("UPDATE driftcheck_runs SET sha256 = 'x'")
    connection.close()
    result = history(project, "show", shown(project, "list")["runs"][0]["id"])
    assert result.status == 2
    assert "SHA-256" in result.err


def test_trend_in_every_format(project: Path) -> None:
    for day in range(3):
        check(project, "--history", HISTORY, day=day)
    trend = shown(project, "trend")
    assert [point["open"] for point in trend["points"]] == [4, 4, 4]
    assert "now 4, most 4" in history(project, "trend").out
    assert history(project, "trend", "-o", "html=trend.html").status == 0
    page = (project / "trend.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<script" not in page


def test_export_is_read_by_programs_and_harmless_in_a_spreadsheet(project: Path) -> None:
    check(project, "--history", HISTORY)
    rows = list(csv.DictReader(io.StringIO(history(project, "export", "-o", "csv").out)))
    assert len(rows) == 4
    lines = [json.loads(line) for line in history(project, "export").out.splitlines()]
    assert [line["type"] for line in lines] == ["run"] + ["item"] * 4
    assert {line["opened_sha256"] for line in lines[1:]} == {lines[0]["sha256"]}


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx", "|cmd", "%x"])
def test_no_cell_is_a_formula(value: str) -> None:
    from driftcheck.cli.history import _cell

    assert not _cell(value).startswith(("=", "+", "-", "@", "\t", "|", "%"))


def test_O1_nothing_of_a_history_is_a_command_or_another_cell(project: Path) -> None:
    file = project / "live.json"
    file.write_text(file.read_text().replace('"team": "claims"', '"a;=1+1": "##[error]x"'))
    check(project, "--history", HISTORY)
    for arguments in (["export"], ["export", "-o", "csv"], ["open"], ["open", "-o", "json"], ["trend", "-o", "json"]):
        text = history(project, *arguments).out
        assert text
        assert "##[" not in text
    for line in history(project, "export", "-o", "csv").out.splitlines():
        assert not re.search(r'(?:^|[,;])[^",;]', re.sub(r'"(?:[^"]|"")*"', '""', line))


def test_prune_keeps_what_is_open(project: Path) -> None:
    for day in (0, 1, 500):
        check(project, "--history", HISTORY, day=day)
    assert "runs before 2025-04-11" in history(project, "prune", "--keep", "400d", day=135).out
    assert history(project, "prune", "--keep", "400d", day=500).status == 0
    assert len(shown(project, "list")["runs"]) == 1
    assert len(shown(project, "open")["items"]) == 4


@pytest.mark.parametrize(
    "arguments", [["open"], ["list"], ["trend"], ["export"], ["prune", "--keep", "1d"], ["show", "x"]]
)
def test_without_a_history_the_error_says_what_to_do(tmp_path: Path, arguments: list[str]) -> None:
    result = run_inside("history", *arguments, cwd=tmp_path)
    assert result.status == 2
    assert "--history" in result.err


def test_what_check_and_audit_both_have_open_is_one_item(project: Path) -> None:
    """An item is resolved once either command checked it again and no longer reported it."""
    live = (project / "live.json").read_text()
    for day, command in enumerate(("check", "audit")):
        run_inside(command, "deployments", "--live", "live.json", "--history", HISTORY, cwd=project, env=at(day))
    items = json.loads(history(project, "open", "-o", "json").out)["items"]
    (scale,) = [item for item in items if item["path"] == PATH]
    assert (scale["command"], scale["first_seen"], scale["last_seen"]) == (
        "audit, check",
        "2026-01-01T00:00:00Z",
        "2026-01-02T00:00:00Z",
    )
    keys = [(item["deployment"], item["path"], item["rule"]) for item in items]
    assert len(set(keys)) == len(keys)
    (project / "live.json").write_text(live.replace('"max_scale": 12', '"max_scale": 6'))
    run_inside("audit", "deployments", "--live", "live.json", "--history", HISTORY, cwd=project, env=at(2))
    assert PATH not in history(project, "open").out


def test_the_trend_counts_what_was_open_within_a_day(project: Path) -> None:
    live = (project / "live.json").read_text()
    for hour, text in ((0, live), (3600, '{"resources": [], "offset": 0}')):
        (project / "live.json").write_text(text)
        env = {"SOURCE_DATE_EPOCH": str(1_767_225_600 + hour)}
        run_inside("check", "deployments", "--live", "live.json", "--history", HISTORY, cwd=project, env=env)
    most = json.loads(history(project, "trend", "-o", "json").out)["points"][0]["most"]
    assert most > 0
    assert f"most {most}\n" in history(project, "trend").out


def test_a_chart_of_one_day_has_no_data_yet(project: Path) -> None:
    check(project, "--history", HISTORY)
    page = history(project, "trend", "-o", "html").out
    assert page.count("No data yet") == 3
    check(project, "--history", HISTORY, day=1)
    assert "No data yet" not in history(project, "trend", "-o", "html").out


def test_a_workspace_is_not_called_a_target(project: Path) -> None:
    check(project, "--history", HISTORY, "--report-id", "one")
    assert history(project, "list").out.split("\n")[0].split() == ["run", "time", "command", "outcome", "items"]
    check(project, "--history", HISTORY, "--report-id", "two", day=1)
    assert history(project, "list").out.split("\n")[0].split() == [
        "run",
        "time",
        "command",
        "report",
        "outcome",
        "items",
    ]


def test_an_audit_resolves_what_only_a_check_saw(project: Path) -> None:
    """A narrowed audit resolves nothing outside of its scope."""
    live = (project / "live.json").read_text()
    check(project, "--history", HISTORY)
    (project / "live.json").write_text(live.replace('"max_scale": 12', '"max_scale": 6'))
    audit = ("audit", "deployments", "--live", "live.json", "--history", HISTORY)
    run_inside(*audit, "--name", "billing*", "--allow-empty", cwd=project, env=at(1))
    assert PATH in history(project, "open").out
    run_inside(*audit, cwd=project, env=at(2))
    assert PATH not in history(project, "open").out
    assert "opened, resolved" in history(project, "trend").out
    (project / "live.json").write_text(live)
    check(project, "--history", HISTORY, day=3)
    assert PATH in history(project, "open").out
