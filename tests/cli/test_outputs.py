"""Outputs: no input of the run and no file of the system is ever replaced."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from driftcheck.cli.outputs import Output, parse_outputs, write_files
from tests.cli.command import COMMAND, environment
from tests.cli.inside import run_inside
from tests.cli.test_exit_status import IN_SYNC, declare, listing


@pytest.fixture
def drifted(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "agents.yaml").write_text(declare(cpu=2))
    (tmp_path / "agents.json").write_text(declare(cpu=2))
    (tmp_path / "live.json").write_text(listing(IN_SYNC))
    (tmp_path / "other.json").write_text(listing(IN_SYNC))
    (tmp_path / "policy.json").write_text('{"fail-on": "error"}')
    (tmp_path / "broken.json").write_text('{"no-such-key": 1}')
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


# Standard output, links and devices


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_every_name_of_standard_output_is_it(name: str) -> None:
    assert parse_outputs([f"json={name}"]) == (Output("json"),)


def test_a_dash_writes_to_standard_output(drifted: Path) -> None:
    result = run_inside("check", "folder", "--live", "live.json", "-o", "json=-", cwd=drifted)
    assert json.loads(result.out)["outcome"]["name"] == "drift"
    assert not (drifted / "-").exists()


def test_two_names_of_standard_output_are_one_too_many(drifted: Path) -> None:
    result = run_inside("check", "folder", "--live", "live.json", "-o", "text", "-o", "json=/dev/fd/1", cwd=drifted)
    assert result.status == 2
    assert "only one format" in result.err


@pytest.mark.skipif(not os.path.islink("/dev/fd"), reason="no /dev/fd here")
def test_a_link_of_the_system_is_written_through_and_keeps_what_is_there(tmp_path: Path) -> None:
    """/dev/fd/N replaces /dev/stdout here: no name can be made beside it, so a mistake can't replace it either."""
    target = tmp_path / "redirected"
    target.write_text("before\n")
    descriptor = os.open(target, os.O_WRONLY | os.O_APPEND)
    try:
        write_files([(f"/dev/fd/{descriptor}", "report\n")])
    finally:
        os.close(descriptor)
    assert target.read_text() == "before\nreport\n"


@pytest.mark.skipif(not os.path.islink("/dev/fd"), reason="no /dev/fd here")
@pytest.mark.parametrize("file", ["/dev/stdout", "/dev/stderr"])
def test_no_link_below_dev_is_replaced(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr("driftcheck.cli.outputs._write_temporary", lambda *_: pytest.fail("it would be replaced"))
    monkeypatch.setattr("driftcheck.cli.outputs._write_through", lambda name, _: written.append(name))
    # Where standard output is a regular file the link looks like one, too.
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    write_files([(file, "report\n")])
    assert written == [file]


@pytest.mark.skipif(not os.path.islink("/dev/fd"), reason="no /dev/fd here")
def test_standard_output_in_a_file_gets_the_report_by_any_name(drifted: Path) -> None:
    with (drifted / "out").open("w") as out:
        command = [*COMMAND, "check", "folder", "--live", "live.json", "-o", "json=/dev/fd/1"]
        done = subprocess.run(command, cwd=drifted, stdout=out, env=environment(), timeout=60, check=False)
    assert done.returncode == 1
    assert json.loads((drifted / "out").read_text())["outcome"]["name"] == "drift"


# Inputs


@pytest.mark.parametrize(
    "arguments",
    [
        "check agents.json --live live.json -o json=agents.json",
        "check ./agents.json --live live.json -o json=folder/../agents.json",
        "check *.json --live live.json -o json=agents.json",
        "check folder --live live.json -o json=live.json",
        "check folder --live live.json -o json=folder/agents.yaml",
        "check folder/*.yaml --live live.json -o json=folder/agents.yaml",
        "check folder --live live.json --config policy.json -o html=policy.json",
        "check folder --live live.json --config broken.json -o html=broken.json",
        "check nowhere --live live.json -o json=live.json",
        "check nowhere --live live.json -o json=new.json -o html=live.json",
        "audit folder --live live.json -o openmetrics=live.json",
        "validate agents.json -o json=agents.json",
        "compare live.json other.json -o json=live.json",
        "compare live.json other.json -o json=other.json",
        "compare nowhere.json other.json -o json=other.json",
        "report live.json -o json=live.json",
        "snapshot --live live.json -o live.json",
        "snapshot --live live.json -o folder/agents.yaml",
    ],
)
def test_what_is_read_is_never_overwritten(arguments: str, drifted: Path) -> None:
    before = contents(drifted)
    result = run_inside(*arguments.split(), cwd=drifted)
    assert result.status == 2, result.output
    assert "Name another file to write to" in result.err
    assert contents(drifted) == before


def test_a_hard_link_to_what_is_read_is_that_file(drifted: Path) -> None:
    os.link(drifted / "live.json", drifted / "link.json")
    assert run_inside("check", "folder", "--live", "live.json", "-o", "json=link.json", cwd=drifted).status == 2


def test_a_configured_declaration_is_not_overwritten(drifted: Path) -> None:
    (drifted / "driftcheck.yaml").write_text("paths: [folder]\n")
    before = contents(drifted)
    for file in ("folder/agents.yaml", "driftcheck.yaml"):
        assert run_inside("check", "--live", "live.json", "-o", f"json={file}", cwd=drifted).status == 2
    assert contents(drifted) == before


def test_yesterdays_reports_and_snapshots_are_replaced(drifted: Path) -> None:
    check = ["check", "folder", "--live", "live.json", "-o", "json=report.json", "-o", "html=folder/report.html"]
    for _ in range(2):
        assert run_inside(*check, cwd=drifted).status == 1
        assert run_inside("snapshot", "--live", "live.json", "-o", "saved.json", cwd=drifted).status == 0


# What can't be written, and what can all the same


def test_a_file_that_can_not_be_written_keeps_nothing_from_standard_output(drifted: Path) -> None:
    outputs = ["-o", "text", "-o", "json=report.json", "-o", "html=taken"]
    (drifted / "taken").mkdir()
    result = run_inside("check", "folder", "--live", "live.json", *outputs, cwd=drifted)
    assert result.status == 4
    assert "Drift: 1 deployment drifted" in result.out
    assert "could not write taken" in result.err
    assert not (drifted / "report.json").exists()


def test_a_missing_folder_is_reported_before_anything_is_read(drifted: Path) -> None:
    result = run_inside("check", "--live", "missing.json", "-o", "html=no/such/report.html", cwd=drifted)
    assert (result.status, result.out) == (4, "")
    assert "the folder no/such does not exist" in result.err
    assert "hint: Create it." in result.err
    assert "missing.json" not in result.err


# A folder that is gone


@pytest.mark.parametrize(
    "arguments",
    [
        "check",
        "check -o json=report.json",
        "snapshot -o live.json",
        "compare a b",
        "audit",
        "explain",
        "init --live a=a.json --live b=b.json",
    ],
)
def test_a_folder_that_is_gone_is_not_an_internal_error(arguments: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'rmdir "$PWD" && exec "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, *arguments.split()],
        cwd=gone,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Change into another folder" in done.stderr
    assert "defect" not in done.stderr


def test_a_signal_waits_until_the_files_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bool] = []
    replace = os.replace

    def interrupted(source: str, target: str) -> None:
        signal.raise_signal(signal.SIGTERM)
        assert received == []
        replace(source, target)

    before = signal.signal(signal.SIGTERM, lambda *_: received.append((tmp_path / "b").exists()))
    monkeypatch.setattr(os, "replace", interrupted)
    try:
        write_files([(str(tmp_path / "a"), "1"), (str(tmp_path / "b"), "2")])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == [True, True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV])
def test_a_mount_is_written_in_place_with_a_warning(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_source: str, _target: str) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", refused)
    (tmp_path / "r.json").write_text("a longer report of yesterday")
    write_files([(str(tmp_path / "r.json"), "new")])
    assert (tmp_path / "r.json").read_text() == "new"
    assert "written in place" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize(("arguments", "err"), [((), "Nothing declared: "), (("-q",), ""), (("-o", "json"), "")])
def test_where_all_reports_are_files_the_verdict_is_on_standard_error(
    tmp_path: Path, arguments: tuple[str, ...], err: str
) -> None:
    (tmp_path / "live.json").write_text('{"resources": [], "offset": 0}')
    options = ("--live", "live.json", "--allow-empty-live", "-o", "html=report.html")
    result = run_inside("audit", *options, *arguments, cwd=tmp_path)
    assert result.status == 0
    assert result.err.startswith(err)
    assert result.err.endswith("Written: report.html.\n" if err else "")


def test_a_failed_run_is_reported_once_where_all_reports_are_files(tmp_path: Path) -> None:
    result = run_inside("check", "missing.yaml", "--live", "x.json", "-o", "html=report.html", cwd=tmp_path)
    assert (result.status, result.err.count("missing.yaml")) == (2, 1)
    assert "Written" not in result.err
