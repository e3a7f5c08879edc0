import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import junitparser
import pytest
from hypothesis import given

from driftcheck.formats import RenderOptions, view, wording
from driftcheck.formats.junit import render
from driftcheck.model import ExitStatus, Outcome, Report, Severity, Status
from tests.formats.reports import (
    ALL_IGNORED,
    CLAIMS,
    DRIFT,
    IN_SYNC,
    INCOMPLETE,
    INVALID,
    LIVE,
    TARGETS,
    THREE_WAY,
    UNMANAGED,
    huge,
    report,
    reports,
    unmanaged_findings,
)


def suites(reported: Report) -> junitparser.JUnitXml:
    return junitparser.JUnitXml.fromstring(render(reported, RenderOptions()).encode())


def cases(reported: Report) -> dict[str, junitparser.TestCase]:
    return {case.name: case for suite in suites(reported) for case in suite}


def results(reported: Report) -> dict[str, tuple[str, str]]:
    return {
        name: (type(result).__name__, str(result.type))
        for name, case in cases(reported).items()
        for result in case.result
    }


def test_a_case_for_each_deployment_and_one_for_the_run() -> None:
    read = suites(DRIFT)
    assert (read.tests, read.failures, read.errors, read.skipped) == (213, 2, 0, 200)
    claims = cases(DRIFT)["claims-agent"]
    assert claims.classname == f"driftcheck.{LIVE.workspace}/check"
    assert claims.result[0].message == "6 fields differ"
    assert "prod/agents.yaml:24: source_config.resource_spec.max_scale: declared 6, live 10" in claims.result[0].text
    assert results(DRIFT)["billing-agent"] == ("Failure", "missing-deployment")
    assert results(DRIFT)["scratch-000"] == ("Skipped", "unmanaged")
    assert "search-1" not in results(DRIFT)


def test_a_case_has_the_location_of_its_declaration() -> None:
    root = ElementTree.fromstring(render(DRIFT, RenderOptions()))
    case = root.find(".//testcase[@name='claims-agent']")
    assert case is not None
    assert (case.get("file"), case.get("line")) == ("prod/agents.yaml", "12")


def test_O5_an_incomplete_run_is_an_error() -> None:
    assert suites(INCOMPLETE).errors == 2
    assert results(INCOMPLETE) == {
        "billing-agent": ("Error", "unknown"),
        "everything was read and checked": ("Error", "incomplete"),
    }


@pytest.mark.parametrize("status", [ExitStatus.INVALID, ExitStatus.INCOMPLETE, ExitStatus.DEFECT])
def test_O5_no_answer_is_never_all_green(status: ExitStatus) -> None:
    assert suites(replace(IN_SYNC, outcome=Outcome[status.name])).errors == 1


def test_findings_about_no_deployment_are_cases() -> None:
    failed = results(INVALID)
    assert failed["duplicate-key at prod/agents.yaml:33:7"] == ("Failure", "duplicate-key")
    assert "1st: name-leading-digit at prod/agents.yaml:50:5" in cases(INVALID)


def test_what_is_suppressed_or_unverifiable_is_skipped() -> None:
    assert results(ALL_IGNORED) == {"claims-agent": ("Skipped", "suppressed")}
    unseen = report(replace(CLAIMS, status=Status.IN_SYNC, changes=(), compared=0), status=ExitStatus.IN_SYNC)
    assert results(unseen) == {"claims-agent": ("Skipped", "unverifiable")}
    partly = report(replace(CLAIMS, status=Status.IN_SYNC, changes=()), status=ExitStatus.IN_SYNC)
    assert results(partly) == {}


def test_a_case_of_one_report_is_not_that_of_another() -> None:
    first, second = (
        {(case.classname, case.name) for suite in suites(replace(DRIFT, report_id=name)) for case in suite}
        for name in ("eu", "us")
    )
    assert not first & second
    targets = [(case.classname, case.name) for suite in suites(TARGETS) for case in suite]
    assert ("driftcheck.staging/check", "claims-agent") in targets
    assert ("driftcheck.production/check", "claims-agent") in targets
    assert len(set(targets)) == len(targets)


def test_what_the_change_proposes_passes() -> None:
    assert results(THREE_WAY) == {"claims-agent": ("Failure", "drift")}
    assert "proposed by this change" in str(cases(THREE_WAY)["orders-agent"].system_out)


def test_every_failure_of_the_run_fails_a_case() -> None:
    strict = report(*UNMANAGED[:2], findings=unmanaged_findings(Severity.WARNING)[:2])
    assert suites(strict).failures == 2


@given(reports())
def test_O5_two_readers_read_it_and_agree_with_the_counts(drawn: Report) -> None:
    text = render(drawn, RenderOptions())
    root = ElementTree.fromstring(text.encode())
    read = junitparser.JUnitXml.fromstring(text.encode())
    for tag in ("failure", "error"):
        assert int(root.get(f"{tag}s", "-1")) == len(root.findall(f".//{tag}")) == getattr(read, f"{tag}s")
    assert int(root.get("skipped", "-1")) == len(root.findall(".//skipped")) == read.skipped
    assert int(root.get("tests", "-1")) == len(root.findall(".//testcase")) == read.tests
    assert {each.tag for each in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
        "system-out",
    }
    assert "##[" not in text


@given(reports())
def test_reports_every_change_and_finding(drawn: Report) -> None:
    root = ElementTree.fromstring(render(drawn, RenderOptions()).encode())
    everything = "".join("".join(case.itertext()) for case in root.iter("testcase"))
    for part in view.parts(drawn):
        for change in (change for comparison in part.deployments for change in comparison.changes):
            assert wording.path_text(change.path) in everything
        for finding in part.findings:
            assert finding.rule in everything or wording.rule_title(finding.rule, [finding]) in everything


@pytest.mark.slow
def test_ten_thousand_deployments_with_five_thousand_changes() -> None:
    read = suites(huge())
    assert (read.tests, read.failures) == (10_001, 2_500)
