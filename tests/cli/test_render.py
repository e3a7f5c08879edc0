"""`driftcheck render`: what is compared, for one target or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.inside import run_inside
from tests.declarations.test_overlays import BASE, OVERLAY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("base/a.yaml", BASE), ("production/o.yaml", OVERLAY)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    (tmp_path / "driftcheck.yaml").write_text(
        "targets:\n  production: {paths: [base, production], name_suffix: -production}\n  staging: {paths: [base]}\n"
    )
    return tmp_path


def test_a_target_is_rendered_with_its_overlays_and_its_suffix(folder: Path) -> None:
    result = run_inside("render", "--target", "production", cwd=folder)
    assert result.status == 0, result.output
    assert "  - name: agent-production  # production/o.yaml:2\n" in result.out
    assert "min_scale: 1  # production/o.yaml:5\n" in result.out


def test_every_target_is_rendered_without_a_choice(folder: Path) -> None:
    result = run_inside("render", cwd=folder)
    assert [line for line in result.out.splitlines() if line.startswith("# target")] == [
        "# target: production",
        "# target: staging",
    ]


def test_what_cannot_be_read_is_reported_and_is_status_2(folder: Path) -> None:
    (folder / "production" / "o.yaml").write_text("overlay: [{name: missing}]\n")
    result = run_inside("render", "--target", "production", cwd=folder)
    assert result.status == 2
    assert "production/o.yaml:1:18: error: no earlier path declares a deployment of this name" in result.err
