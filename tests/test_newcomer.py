"""The first day of a user: from `init` to an unexpected change, reported at its line."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.cli.inside import run_inside
from tests.cli.workspace import holds_no_secret, serving, workspace


def test_from_nothing_to_the_first_drift(tmp_path: Path) -> None:
    with serving(workspace()) as env:
        started = run_inside("init", cwd=tmp_path, env=env)
        assert started.status == 0, started.err
        assert "driftcheck check" in started.out
        monday = run_inside("snapshot", "-o", "monday.json", cwd=tmp_path, env=env)
        assert monday.status == 0, monday.err
        checked = run_inside("check", cwd=tmp_path, env=env)
        assert (checked.status, checked.err) == (0, "")
        assert "In sync: 2 deployments match, 1 differs as accepted." in checked.out

    with serving(behind_the_back(workspace())) as env:
        drifted = run_inside("check", "-o", "json=drift.json", "-o", "text", cwd=tmp_path, env=env)
        assert drifted.status == 1
        tuesday = run_inside("snapshot", "-o", "tuesday.json", cwd=tmp_path, env=env)
        assert tuesday.status == 0, tuesday.err
    file = "deployments/billing-agent.yaml"
    line = next(
        number for number, text in enumerate((tmp_path / file).read_text().split("\n"), 1) if "max_scale: 2" in text
    )
    assert f"{file}:{line}" in drifted.out
    report = json.loads((tmp_path / "drift.json").read_text())
    (change,) = [c for each in report["deployments"] for c in each["changes"] if c["suppressed"] is None]
    assert (change["path"], change["declared"], change["live"]) == ("source_config.resource_spec.max_scale", 2, 12)
    assert (change["location"]["file"], change["location"]["line"]) == (file, line)

    compared = run_inside("compare", "monday.json", "tuesday.json", cwd=tmp_path)
    assert compared.status == 1
    assert "monday.json" in compared.out
    assert "source_config.resource_spec.max_scale" in compared.out
    assert "declared 2   live 12" in compared.out
    everything = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert holds_no_secret(everything, *(run.out + run.err for run in (started, checked, drifted, compared)))


def behind_the_back(deployments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    changed = deepcopy(deployments)
    changed[1]["source_config"]["resource_spec"]["max_scale"] = 12
    return changed
