from dataclasses import replace

import pytest
from hypothesis import given
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from driftcheck.formats import RenderOptions
from driftcheck.formats.escaping import visible
from driftcheck.formats.openmetrics import render
from driftcheck.model import HistoryNote, Outcome, Report, Status
from tests.formats.reports import DRIFT, IN_SYNC, INCOMPLETE, TARGETS, VALID, WITH_HISTORY, huge, report, reports

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(reported: Report) -> Samples:
    families = openmetrics_parser.text_string_to_metric_families(render(reported, RenderOptions()))
    return {
        (
            sample.name.removeprefix("driftcheck_"),
            tuple(sorted((key, value) for key, value in sample.labels.items() if key not in ("report_id", "command"))),
        ): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_numbers_of_a_report() -> None:
    exported = samples(DRIFT)
    assert exported["exit_status", ()] == 1
    assert exported["outcome", (("outcome", "drift"),)] == 1
    assert exported["outcome", (("outcome", "in_sync"),)] == 0
    assert exported["complete", ()] == 1
    assert exported["generated_timestamp_seconds", ()] == 1_767_845_134
    assert exported["deployments", (("status", "unmanaged"),)] == 200
    assert exported["changes", (("class", "drift"),)] == 6
    assert exported["findings", (("severity", "note"),)] == 200
    assert exported["rule_findings", (("rule", "missing-deployment"),)] == 1
    assert exported["compared_fields", ()] == 151
    assert exported["unverifiable_fields", ()] == 1
    assert exported["coverage_ratio", ()] == 0.0519
    assert exported["deployment_changes", (("deployment", "claims-agent"), ("status", "drifted"))] == 6
    assert exported["deployment_changes", (("deployment", "billing-agent"), ("status", "missing"))] == 0


def test_what_is_not_known_has_no_number() -> None:
    assert samples(INCOMPLETE)["complete", ()] == 0
    assert ("coverage_ratio", ()) not in samples(INCOMPLETE)
    assert ("live_deployments", ()) not in samples(VALID)
    assert INCOMPLETE.live is not None
    unread = replace(INCOMPLETE, live=replace(INCOMPLETE.live, pages=0, deployments=0))
    assert ("live_deployments", ()) not in samples(unread)


def test_what_asks_for_no_attention_has_no_series_of_its_own() -> None:
    assert not [name for name, _ in samples(IN_SYNC) if name == "deployment_changes"]


@given(reports())
def test_openmetrics_and_the_textfile_collector_read_the_same(drawn: Report) -> None:
    text = render(drawn, RenderOptions())
    assert text.endswith("# EOF\n")
    families = list(text_string_to_metric_families(text))
    assert {family.type for family in families} == {"gauge"}
    assert not [sample for family in families for sample in family.samples if sample.timestamp]
    exported = samples(drawn)
    assert len(exported) == sum(len(family.samples) for family in families)
    summary = drawn.summary
    for status in Status:
        values = [value for key, value in exported.items() if key[0] == "deployments" and ("status", status) in key[1]]
        assert sum(values) == summary.statuses[status]
    assert sum(value for (name, _), value in exported.items() if name == "changes") == summary.changes


@given(reports())
def test_names_every_deployment_with_active_changes(drawn: Report) -> None:
    named = {dict(labels)["deployment"] for name, labels in samples(drawn) if name == "deployment_changes"}
    for comparison in drawn.deployments:
        if any(change.suppressed is None for change in comparison.changes):
            assert visible(comparison.name).replace("##[", r"##\x5b") in named


def test_every_series_has_the_identity_of_the_report() -> None:
    text = render(replace(DRIFT, report_id="staging"), RenderOptions())
    for line in text.splitlines():
        assert line.startswith("#") or '{report_id="staging",command="check"' in line


def test_targets_have_series_of_their_own() -> None:
    exported = samples(TARGETS)
    assert exported["deployments", (("status", "drifted"), ("target", "staging"))] == 1
    assert exported["deployments", (("status", "drifted"), ("target", "production"))] == 0
    assert exported["exit_status", ()] == 1


def test_the_history_has_open_items_and_their_age() -> None:
    exported = samples(WITH_HISTORY)
    assert exported["history_recorded", ()] == 1
    assert exported["last_conclusive_timestamp_seconds", ()] == 1_767_845_134
    assert exported["open_items", ()] == 2
    assert exported["oldest_open_seconds", ()] == 8 * 86_400 + 334
    failed = replace(WITH_HISTORY, outcome=Outcome.INCOMPLETE, history=HistoryNote("run", error="locked"))
    assert samples(failed)["history_recorded", ()] == 0
    assert ("open_items", ()) not in samples(failed)
    assert "history_recorded" not in {name for name, _ in samples(DRIFT)}


def test_two_names_that_are_escaped_alike_stay_different() -> None:
    claims = next(each for each in DRIFT.deployments if each.changes)
    twins = report(replace(claims, name="a\n"), replace(claims, name=r"a\n"))
    assert samples(twins)["changes", (("class", "drift"),)] == 12


@pytest.mark.slow
def test_ten_thousand_deployments_with_five_thousand_changes() -> None:
    assert sum(name == "deployment_changes" for name, _ in samples(huge())) == 2_500
