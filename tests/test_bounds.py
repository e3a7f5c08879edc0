"""What a mebibyte of declarations can cost: processor time and memory of whole processes, in `check` and `--base`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftcheck import fields
from driftcheck.comparison import verdicts
from driftcheck.model import Declaration, Declarations, Deployment, Snapshot, Status

SECONDS = 8.0
"""Seconds of processor time, on a machine that is busy with other tests; alone each takes less than five."""
MIB = 2**20
GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]


def labels(value: str, count: int) -> dict[str, str]:
    return {f"k{number}": value for number in range(count)}


def flow(entries: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}"


def secrets(letter: str) -> str:
    return "deployments:\n- name: d0\n  secrets:\n" + "".join(f"  - name: {letter}{n}\n" for n in range(50_000))


def live(count: int, entries: dict[str, str]) -> list[dict[str, Any]]:
    spec = {"resource_spec": {"labels": entries}}
    return [{"name": f"d{n}", "id": f"{n:036}", "source_config": spec, "secrets": []} for n in range(count)]


def many_labels(value: str) -> str:
    entries = flow(labels(value, 50_000))
    return f"deployments:\n- {{name: d0, source_config: {{resource_spec: {{labels: {entries}}}}}}}\n"


def aliased_labels(value: str) -> str:
    deployments = "".join(
        f"- {{name: d{n}, source_config: {{resource_spec: {{labels: *l}}}}}}\n" for n in range(12_000)
    )
    return f"x-labels: &l {flow(labels(value, 60))}\ndeployments:\n{deployments}"


CASES: dict[str, tuple[Callable[[str], str], list[dict[str, Any]], int]] = {
    "secrets": (secrets, live(1, {}), 1),
    "labels": (many_labels, live(1, labels("live", 50_000)), 1),
    "more-changes-by-aliases-than-are-reported": (aliased_labels, live(12_000, labels("live", 60)), 3),
}


def run(folder: Path, *arguments: str) -> tuple[int, float]:
    """Run a check; returns its exit status and its seconds of processor time."""
    command = [sys.executable, "-m", "driftcheck", "check", "deployments.yaml", "--live", "live.json", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_mebibyte_of_differences_is_checked_soon(name: str, tmp_path: Path) -> None:
    declared, deployments, expected = CASES[name]
    (tmp_path / "live.json").write_text(json.dumps({"resources": deployments, "offset": len(deployments)}))
    file = tmp_path / "deployments.yaml"
    subprocess.run([*GIT, "init", "-q"], cwd=tmp_path, check=True)
    for letter in ("a", "b"):
        file.write_text(declared(letter))
        assert file.stat().st_size < 1.1 * MIB
        subprocess.run([*GIT, "add", "deployments.yaml"], cwd=tmp_path, check=True)
        subprocess.run([*GIT, "commit", "-qm", letter], cwd=tmp_path, check=True)
    status, seconds = run(tmp_path)
    assert status == expected
    assert seconds < SECONDS
    _, seconds = run(tmp_path, "--base", "HEAD~1")
    assert seconds < 1.5 * SECONDS


def test_more_changes_than_a_run_reports_leave_the_rest_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MAX_CHANGES", 1)
    names = ("a", "b", "c")
    declared = [{"name": n, "source_config": {"resource_spec": {"max_scale": 1}}} for n in names]
    seen = [{"name": n, "source_config": {"resource_spec": {"max_scale": 2}}} for n in names]
    declarations = Declarations(
        deployments=tuple(Declaration(n, value, lambda _: None) for n, value in zip(names, declared, strict=True))
    )
    snapshot = Snapshot("live", tuple(Deployment(n, value) for n, value in zip(names, seen, strict=True)))
    judged = verdicts.assess(verdicts.Sides(declarations, snapshot, None), fields.deployment())
    assert [each.status for each in judged.comparisons] == [Status.DRIFTED, Status.UNKNOWN, Status.UNKNOWN]
    assert judged.gaps
