"""The first day, through the real command: from `init` to an unexpected change, reported at its line."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.cli.command import driftcheck
from tests.cli.workspace import holds_no_secret, serving, workspace


def test_from_nothing_to_the_first_drift(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        started = driftcheck("init", cwd=tmp_path, env=env)
        assert started.returncode == 0, started.stderr
        assert "driftcheck check" in started.stdout
        monday = driftcheck("snapshot", "-o", "monday.json", cwd=tmp_path, env=env)
        assert monday.returncode == 0, monday.stderr
        checked = driftcheck("check", cwd=tmp_path, env=env)
        assert (checked.returncode, checked.stderr) == (0, "")
        assert "In sync: 2 deployments match, 1 differs as accepted." in checked.stdout

    with serving(behind_the_back(workspace())) as env:
        drifted = driftcheck("check", "-o", "json=drift.json", "-o", "text", cwd=tmp_path, env=env)
        assert drifted.returncode == 1
        tuesday = driftcheck("snapshot", "-o", "tuesday.json", cwd=tmp_path, env=env)
        assert tuesday.returncode == 0, tuesday.stderr
    file = "deployments/billing-agent.yaml"
    line = next(
        number for number, text in enumerate((tmp_path / file).read_text().split("\n"), 1) if "max_scale: 2" in text
    )
    assert f"{file}:{line}" in drifted.stdout
    report = json.loads((tmp_path / "drift.json").read_text())
    (change,) = [c for each in report["deployments"] for c in each["changes"] if c["suppressed"] is None]
    assert (change["path"], change["declared"], change["live"]) == ("source_config.resource_spec.max_scale", 2, 12)
    assert (change["location"]["file"], change["location"]["line"]) == (file, line)

    compared = driftcheck("compare", "monday.json", "tuesday.json", cwd=tmp_path)
    assert compared.returncode == 1
    assert "monday.json" in compared.stdout
    assert "source_config.resource_spec.max_scale" in compared.stdout
    assert "declared 2   live 12" in compared.stdout
    everything = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert holds_no_secret(everything, *(run.stdout + run.stderr for run in (started, checked, drifted, compared)))


def behind_the_back(deployments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    changed = deepcopy(deployments)
    changed[1]["source_config"]["resource_spec"]["max_scale"] = 12
    return changed
