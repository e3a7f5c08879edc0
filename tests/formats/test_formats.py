"""Laws of every format, over generated reports full of hostile texts."""

import json
import subprocess
import sys
from collections import Counter
from html import unescape

import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from driftcheck.formats import FORMATS, RenderOptions, overall, render
from driftcheck.formats.report_json import read
from driftcheck.model import Comparison, Finding, Report, Severity, Status
from tests.formats.reports import SAMPLES, report, reports
from tests.loops import case

BUILT = [name for name in FORMATS if name != "html"]
"""The formats of text; html is made by a template and has its own laws."""
options = st.builds(RenderOptions, color=st.booleans(), verbose=st.integers(0, 2), quiet=st.booleans())


@given(report=reports(), how=options)
def test_O10_rendering_twice_yields_the_same_bytes(report: Report, how: RenderOptions) -> None:
    for name in BUILT:
        with case(name):
            first = render(name, report, how)
            assert first == render(name, report, how)
            assert first.endswith("\n")
            first.encode()


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "openmetrics"])
@pytest.mark.parametrize("severity", [Severity.ERROR, Severity.NOTE])
def test_a_finding_of_a_target_that_the_report_lacks_is_shown(name: str, severity: Severity) -> None:
    finding = Finding("missing-deployment", severity, "it is gone", deployment="claims-agent", target="staging")
    text = render(name, report(Comparison("claims-agent", Status.IN_SYNC), findings=(finding,)), RenderOptions())
    assert "it is gone" in text


@given(reports())
def test_counts_agree_in_every_format(report: Report) -> None:
    counts, summary = overall.numbers(report), report.summary
    together = ", ".join(counts)
    plain = " ".join(render("text", report, RenderOptions()).split())
    assert together in plain
    assert together.lower() in render("markdown", report, RenderOptions(max_bytes=10**7)).lower()
    assert " · ".join(counts) in unescape(render("html", report, RenderOptions()))
    assert together in render("github", report, RenderOptions())
    record = json.loads(render("json", report, RenderOptions()))["summary"]
    series = _series(render("openmetrics", report, RenderOptions()))
    for status in Status:
        assert record[status.value] == summary.statuses[status] == series["deployments", status.value]
    assert record["changes"] == summary.changes == series["changes", ""]
    assert record["suppressed"] == summary.suppressed
    assert record["unverifiable"] == summary.unverifiable == series["unverifiable_fields", ""]
    assert record["by_name_only"] == summary.by_name_only == series["by_name_only_values", ""]
    junit = junitparser.JUnitXml.fromstring(render("junit", report, RenderOptions()).encode())
    assert sum(each.name.endswith(": deployments") and each.tests for each in junit) == len(report.deployments)


def _series(text: str) -> Counter[tuple[str, str]]:
    """Sum the samples of each family, by status where it has one, over targets."""
    sums: Counter[tuple[str, str]] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name.removeprefix("driftcheck_"), sample.labels.get("status", "")] += int(sample.value)
    return sums


@pytest.mark.parametrize("name", BUILT)
def test_every_sample_renders_in_every_format(name: str) -> None:
    for sample in SAMPLES:
        with case(sample):
            assert render(name, SAMPLES[sample], RenderOptions()).strip()


@given(report=reports())
def test_O1_no_format_holds_a_runner_command_of_the_data(report: Report) -> None:
    for name in FORMATS:
        with case(name):
            text = render(name, report, RenderOptions())
            assert "##[" not in text
            commands = [line for line in text.splitlines() if line.lstrip().startswith("::")]
            assert name == "github" or not commands


@given(report=reports())
def test_a_report_read_back_renders_byte_for_byte(report: Report) -> None:
    again = read(render("json", report, RenderOptions()))
    for name in BUILT:
        with case(name):
            assert render(name, again, RenderOptions()) == render(name, report, RenderOptions())


def test_a_format_is_loaded_when_it_is_asked_for() -> None:
    loaded = "import sys, driftcheck.formats; print(*(name for name in sys.modules if name.startswith('driftcheck.')))"
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "driftcheck.formats" in ran.stdout.split()
    assert not [name for name in ran.stdout.split() if name.startswith("driftcheck.formats.")]
