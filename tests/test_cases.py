"""Each folder of `tests/cases`: what is declared and live, and what every format reports, byte for byte.

`case.yaml` holds what the case shows, the command line and the exit status. After a wanted change of a text,
`DRIFTCHECK_REWRITE_CASES=1 pytest tests/test_cases.py` writes the reports anew; read the difference before
committing it.
"""

from __future__ import annotations

import json
import os
import shutil
from html import unescape
from pathlib import Path

import pytest
import yaml

from driftcheck import __version__
from driftcheck.formats import FORMATS
from tests.cli.inside import run_inside

CASES = sorted(path.parent for path in Path(__file__).parent.glob("cases/*/case.yaml"))
REPORTS = {
    "text": "report.txt",
    "json": "report.json",
    "ndjson": "report.ndjson",
    "markdown": "report.md",
    "sarif": "report.sarif",
    "junit": "report.junit.xml",
    "github": "report.github.txt",
    "gitlab": "report.gitlab.json",
    "openmetrics": "report.prom",
}
"""The file of each format; the HTML page is compared by its texts alone."""
REWRITES = "DRIFTCHECK_REWRITE_CASES" in os.environ


def test_every_format_is_in_every_case() -> None:
    assert {*REPORTS, "html"} == set(FORMATS)
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    described = yaml.safe_load((case / "case.yaml").read_text())
    given, written = tmp_path / "given", tmp_path / "written"
    shutil.copytree(case, given, ignore=shutil.ignore_patterns("report.*", "stderr.txt", "case.yaml"))
    written.mkdir()
    outputs = [f"{name}={written / file}" for name, file in {**REPORTS, "html": "page.html"}.items()]
    arguments = [part for output in outputs for part in ("-o", output)]

    result = run_inside(*described["command"].split(), *arguments, cwd=given)

    for file in REPORTS.values():
        report = (written / file).read_text(encoding="utf-8").replace(__version__, "0.1.0")
        (written / file).write_text(report, encoding="utf-8")
    if result.err:
        (written / "stderr.txt").write_text(result.err, encoding="utf-8")
    if REWRITES:
        _rewrite(case, written)
    assert result.status == described["status"], result.err
    assert result.out == ""
    for file in sorted({*REPORTS.values(), "stderr.txt"}):
        there, made = case / file, written / file
        assert made.exists() == there.exists(), file
        if there.exists():
            assert made.read_text(encoding="utf-8") == there.read_text(encoding="utf-8"), file
    _check_page((written / "page.html").read_text(encoding="utf-8"), json.loads((written / "report.json").read_text()))


def _rewrite(case: Path, written: Path) -> None:
    for old in (*case.glob("report.*"), *case.glob("stderr.txt")):
        old.unlink()
    for path in written.iterdir():
        if path.name != "page.html":
            shutil.copy(path, case)


def _check_page(page: str, report: dict[str, object]) -> None:
    """The HTML page shows the verdict's word, and every deployment by its name."""
    shown = unescape(page)
    assert "<!doctype html>" in page[:20].lower()
    deployments = report["deployments"]
    assert isinstance(deployments, list)
    for deployment in deployments:
        if deployment["name"].isprintable():
            assert deployment["name"] in shown
