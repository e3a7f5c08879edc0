"""docs/contract.md, Commands: where a setting comes from, and which source wins."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.inside import run_inside
from tests.cli.test_exit_status import IN_SYNC, declare, listing
from tests.cli.workspace import external


@pytest.fixture
def drifted(tmp_path: Path) -> Path:
    (tmp_path / "deployments.yaml").write_text(declare(cpu=2))
    (tmp_path / "live.json").write_text(listing(IN_SYNC))
    return tmp_path


def test_every_option_has_a_variable(drifted: Path) -> None:
    env = {
        "DRIFTCHECK_CHECK_LIVE": "live.json",
        "DRIFTCHECK_CHECK_FAIL_ON": "never",
        "DRIFTCHECK_CHECK_OUTPUT": "json=report.json text",
        "DRIFTCHECK_CHECK_STRICT": "true",
    }
    result = run_inside("check", cwd=drifted, env=env)
    assert result.status == 0, result.err
    assert result.out.startswith("drifted  agent")
    assert json.loads((drifted / "report.json").read_text())["outcome"]["status"] == 0


def test_a_flag_wins_over_a_variable_and_both_over_the_file(drifted: Path) -> None:
    (drifted / "driftcheck.yaml").write_text("fail-on: never\n")
    assert run_inside("check", "--live", "live.json", cwd=drifted).status == 0
    by_variable = {"DRIFTCHECK_CHECK_FAIL_ON": "error"}
    assert run_inside("check", "--live", "live.json", cwd=drifted, env=by_variable).status == 1
    result = run_inside("check", "--live", "live.json", "--fail-on", "never", cwd=drifted, env=by_variable)
    assert result.status == 0


def test_the_configuration_is_found_upward_to_the_root_of_the_repository(drifted: Path) -> None:
    (drifted / ".git").mkdir()
    (drifted / "driftcheck.yaml").write_text("paths: [deployments.yaml]\nfail-on: never\n")
    below = drifted / "a" / "b"
    below.mkdir(parents=True)
    result = run_inside("check", "--live", "../../live.json", cwd=below)
    assert result.status == 0, result.err
    assert "../../deployments.yaml" in result.out


def test_a_configuration_above_the_root_is_not_read(drifted: Path) -> None:
    (drifted / "driftcheck.yaml").write_text("fail-on: never\n")
    (drifted / "inner" / ".git").mkdir(parents=True)
    (drifted / "inner" / "deployments.yaml").write_text(declare(cpu=2))
    result = run_inside("check", "--live", "../live.json", cwd=drifted / "inner")
    assert result.status == 1


def test_unknown_keys_of_the_configuration_are_errors_with_line_and_suggestion(drifted: Path) -> None:
    (drifted / "driftcheck.yaml").write_text("paths: [deployments.yaml]\nfail_on: never\n")
    result = run_inside("check", "--live", "live.json", cwd=drifted)
    assert result.status == 2
    assert "driftcheck.yaml:2:1" in result.err
    assert "fail-on" in result.err


@pytest.mark.parametrize(
    "text", ["endpoint: https://attacker.example", "api-key-env: HOME", "output: json=/etc/passwd", "ca-file: x.pem"]
)
def test_R1_the_tree_can_not_say_where_to_connect_or_write(text: str, drifted: Path) -> None:
    (drifted / "driftcheck.yaml").write_text(text + "\n")
    env = {"LANGSMITH_API_KEY": "lsv2_pt_0000000000"}
    result = run_inside("check", cwd=drifted, env=env)
    assert result.status == 2
    assert "driftcheck.yaml:1:1" in result.err


@pytest.mark.parametrize("value", ["1", "0.1.0"])
def test_no_variable_turns_a_check_into_something_else(value: str, drifted: Path) -> None:
    env = {"DRIFTCHECK_VERSION": value}
    assert run_inside("check", "--live", "live.json", cwd=drifted, env=env).status == 1


def test_only_the_closest_option_is_suggested(drifted: Path) -> None:
    result = run_inside("check", "--nmae", "a", cwd=drifted)
    assert result.status == 2
    assert "--name" in result.err
    assert "--base" not in result.err


def test_a_filter_that_matches_nothing_is_an_error(drifted: Path) -> None:
    filters = ["--live", "live.json", "--status", "REDAY"]
    result = run_inside("audit", "deployments.yaml", *filters, cwd=drifted)
    assert result.status == 3
    assert "No live deployment matches --status REDAY. Did you mean READY?" in result.output
    assert "--allow-empty-live" not in result.output
    assert run_inside("audit", "deployments.yaml", *filters, "--allow-empty-live", cwd=drifted).status == 0


def test_no_option_takes_a_key(drifted: Path) -> None:
    for option in ("--api-key", "--key", "--token"):
        assert run_inside("check", option, "lsv2_pt_0000000000", cwd=drifted).status == 2


@pytest.mark.parametrize("option", ["--api-key", "--token"])
def test_an_option_for_the_key_is_refused_with_the_variable_to_use(option: str, drifted: Path) -> None:
    result = run_inside("check", option, "canary", cwd=drifted)
    assert result.status == 2
    assert "LANGSMITH_API_KEY" in result.err
    assert "--api-key-env" not in result.err
    assert "canary" not in result.err


@pytest.mark.parametrize("command", ["check", "audit", "snapshot"])
def test_a_key_instead_of_its_variable_is_refused_and_not_repeated(command: str, drifted: Path) -> None:
    value = "lsv2_pt_0000000000canary"
    outputs = [] if command == "snapshot" else ["-o", "json=report.json", "-o", "text=report.txt", "-o", "html"]
    result = run_inside(command, "--api-key-env", value, *outputs, cwd=drifted)
    assert result.status == 2
    assert "expects the name of an environment variable" in result.err
    written = [path.read_text() for path in drifted.glob("report.*")]
    assert len(written) == len(outputs) // 3
    assert all(value not in text for text in (result.out, result.err, *written))


def test_the_hint_names_the_variable_that_is_empty(drifted: Path) -> None:
    result = run_inside("check", "--api-key-env", "_My_Key2", cwd=drifted)
    assert result.status == 3
    assert "Set _My_Key2 to a key" in result.out
    assert "LANGSMITH_API_KEY" not in result.out + result.err


def test_standard_input_is_a_path(drifted: Path) -> None:
    result = run_inside("check", "-", "--live", "live.json", cwd=drifted, stdin=declare(cpu=2).encode())
    assert result.status == 1
    assert "<stdin>:1" in result.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["chek"], "Did you mean 'check'?"),
        (["check", "--strickt"], "--strict"),
        (["check", "-o", "jsn"], "Did you mean json?"),
        (["plan", "-o", "jsn"], "Did you mean json?"),
        (["history", "open", "-o", "jsn"], "Did you mean json?"),
        (["check", "-o", "json="], "name a file"),
        (["plan", "-o", "json="], "name a file"),
        (["check", "-o", "json", "-o", "text"], "only one format"),
        (["check", "-o", "json=a", "-o", "sarif=./a"], "one file"),
        (
            ["check", "--gate", "everything", "deployments.yaml"],
            "drift, elsewhere, proposed, conflict, adopted, outdated",
        ),
        (["explain", "cpu_limt"], "cpu_limit"),
        (["check", "-o", "report.html"], "-o html=report.html"),
        (["check", "--format", "json"], "-o json"),
        (["check", "--region", "eu", "--endpoint", "https://x.example"], "exclude each other"),
        (["check", "--workspace", "my-team"], "not a workspace id"),
    ],
)
def test_a_mistyped_command_gets_a_suggestion(arguments: list[str], expected: str, drifted: Path) -> None:
    result = run_inside(*arguments, cwd=drifted)
    assert result.status == 2
    assert expected in result.err
    assert result.out == ""


def test_a_missing_path_is_reported_once(drifted: Path) -> None:
    result = run_inside("check", "elsewhere.yaml", cwd=drifted)
    assert result.status == 2
    assert result.err.count("error:") == 1
    assert "elsewhere.yaml" in result.err


@pytest.mark.parametrize("other", ["file", "folder", "linked folder", "broken link"])
def test_every_default_path_that_is_there_is_read(drifted: Path, other: str) -> None:
    (drifted / "elsewhere").mkdir()
    (drifted / "elsewhere" / "more.yaml").write_text("deployments: [{name: not-live, source: github}]\n")
    folder = drifted / "deployments"
    if other == "folder":
        (drifted / "elsewhere").rename(folder)
    elif other != "file":
        folder.symlink_to("elsewhere" if other == "linked folder" else "nowhere")
    result = run_inside("check", "--live", "live.json", "--fail-on", "never", cwd=drifted)
    assert result.status == (2 if other == "broken link" else 0), result.out + result.err
    assert ("not-live" in result.out) == (other in ("folder", "linked folder"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("two agents/*.yaml", "--live", "my live.json"),
        ("two agents", "--live", "my live.json", "--name", "b*"),
        ("--config", "my config.yaml", "--live", "my live.json"),
        ("two agents", "--live", "my live.json", "--strict"),
    ],
)
@pytest.mark.parametrize("command", ["check", "audit"])
def test_the_commands_that_a_report_advises_work_as_pasted(
    tmp_path: Path, command: str, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "my config.yaml").write_text("paths: [two agents]\n")
    live = [external(name, number, cpu_limit=2) for number, name in enumerate(("a1", "b1"))]
    (tmp_path / "my live.json").write_text(json.dumps({"resources": live, "offset": 2}))
    exported = run_inside("export", "--live", "my live.json", "-d", "two agents", cwd=tmp_path)
    assert exported.status == 0, exported.output
    for file in (tmp_path / "two agents").glob("*.yaml"):
        text = file.read_text().replace("max_scale: 2", "max_scale: 3")
        file.write_text(text.replace("        cpu_limit: 2\n", ""))
    report = run_inside(command, *arguments, cwd=tmp_path)
    assert report.status == 1, report.output
    adopt = shlex.split(re.findall("driftcheck (adopt [^`\\n]*)", report.out)[0])
    plan = shlex.split(re.findall("driftcheck (plan [^`\\n]*)", report.out)[0])
    assert "PATCH" in run_inside(*plan, cwd=tmp_path).out
    adopted = run_inside(*adopt, "--write", cwd=tmp_path)
    assert adopted.status == 0, adopted.output
    assert run_inside(command, *arguments, cwd=tmp_path).status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "-", "--live", "-", "--allow-empty"],
        ["validate", "-"],
    ],
)
def test_standard_input_is_one_input(drifted: Path, arguments: list[str]) -> None:
    """The second reader would find it empty, and which one is second would depend on chance."""
    if arguments[-1] != "--allow-empty":
        (drifted / "driftcheck.yaml").write_text("targets: {one: {}, two: {}}\n")
    result = run_inside(*arguments, cwd=drifted)
    assert result.status == 2
    assert "standard input (-) can be read once" in result.err
