"""`driftcheck emulate`: a snapshot served as the endpoint would, in a separate process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, environment
from tests.cli.inside import run_inside
from tests.cli.workspace import saved, workspace


@contextmanager
def emulated(*arguments: str, cwd: Path) -> Iterator[dict[str, str]]:
    with subprocess.Popen(
        [*COMMAND, "emulate", *arguments],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            yield {"LANGGRAPH_HOST_URL": url, "LANGSMITH_API_KEY": "any-key-will-do"}
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
            assert "Traceback" not in err
            assert process.returncode == 130


def test_a_check_against_the_emulated_endpoint_is_one_against_the_snapshot(tmp_path: Path) -> None:
    saved(tmp_path / "live.json", workspace())
    run_inside("snapshot", "--live", "live.json", "-o", "saved.json", cwd=tmp_path)
    run_inside("export", "--live", "saved.json", "-d", "deployments", cwd=tmp_path)
    with emulated("saved.json", "--order", "reversed", "--latency", "0.01", cwd=tmp_path) as env:
        result = run_inside("check", "--strict", "-o", "json", cwd=tmp_path, env=env)
    report = json.loads(result.out)
    assert (result.status, report["summary"]["in_sync"]) == (0, 3)
    assert report["live"]["source"] == env["LANGGRAPH_HOST_URL"]


def test_a_service_that_fails_can_be_tried(tmp_path: Path) -> None:
    saved(tmp_path / "live.json", workspace())
    run_inside("export", "--live", "live.json", "-d", "deployments", cwd=tmp_path)
    with emulated("live.json", "--status", "503", cwd=tmp_path) as env:
        result = run_inside("check", "--retries", "0", cwd=tmp_path, env=env)
    assert result.status == 3
    assert "503" in result.output


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("none.json",), "none.json"),
        (("live.json", "--order", "sideways"), "order must be one of"),
        (("live.json", "--status", "99"), "99"),
        (("live.json", "--port", "70000"), "70000"),
    ],
)
def test_what_can_not_be_used_is_status_2(tmp_path: Path, arguments: tuple[str, ...], shown: str) -> None:
    saved(tmp_path / "live.json", workspace())
    result = run_inside("emulate", *arguments, cwd=tmp_path)
    assert result.status == 2
    assert shown in result.err


def test_without_its_extra_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "live.json", workspace())
    for library in ("starlette", "starlette.applications", "starlette.routing", "uvicorn"):
        monkeypatch.setitem(sys.modules, library, None)
    result = run_inside("emulate", "live.json", cwd=tmp_path)
    assert result.status == 2
    assert "driftcheck[emulator]" in result.err
