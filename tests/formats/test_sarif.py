import json
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from driftcheck.formats import RenderOptions, view, wording
from driftcheck.formats.sarif import MOST_BYTES, MOST_RESULTS, render
from driftcheck.model import Finding, Location, Outcome, Report, Severity
from driftcheck.rules import RULES
from tests.formats.reports import (
    ALL_IGNORED,
    CLAIMS,
    DRIFT,
    IN_SYNC,
    INCOMPLETE,
    INVALID,
    MAX_SCALE,
    SAMPLES,
    THREE_WAY,
    huge,
    report,
    reports,
)

SCHEMA = json.loads((Path(__file__).parent.parent / "data" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
for part in ("run", "toolComponent"):
    # A pattern with a stray bracket, which strict readers of regular expressions refuse; driftcheck names no language.
    SCHEMA["definitions"][part]["properties"]["language"].pop("pattern")
OFFICIAL = jsonschema_rs.validator_for(SCHEMA)


def run(reported: Report) -> dict[str, Any]:
    log = json.loads(render(reported, RenderOptions()))
    OFFICIAL.validate(log)
    (only,) = log["runs"]
    return only


def at(file: str) -> str:
    finding = Finding("unused-ignore", Severity.WARNING, "x", location=Location(file, 1, 1))
    return run(report(findings=(finding,)))["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_are_valid_against_the_official_schema(sample: str) -> None:
    assert run(SAMPLES[sample])["tool"]["driver"]["name"] == "driftcheck"


def test_a_change_is_at_its_location() -> None:
    results = run(DRIFT)["results"]
    scale = next(each for each in results if "max_scale" in each["message"]["text"])
    assert scale["ruleId"] == "drift"
    assert scale["level"] == "error"
    assert scale["message"]["text"] == (
        "claims-agent: source_config.resource_spec.max_scale: declared 6, live 10\n"
        "To accept live: `driftcheck adopt --name claims-agent`. To revert live: `driftcheck plan --name claims-agent`."
    )
    assert scale["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "prod/agents.yaml"},
        "region": {"startLine": 24, "startColumn": 20},
    }
    assert "baselineState" not in scale


def test_rules_come_with_help() -> None:
    rules = run(DRIFT)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["drift", "missing-deployment", "unmanaged-deployment"]
    assert rules[0]["help"]["text"].startswith(RULES["drift"].explanation)
    assert "driftcheck explain drift" in rules[0]["help"]["text"]
    results = run(DRIFT)["results"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in results)


def test_the_help_of_every_rule_holds_its_whole_text() -> None:
    findings = [Finding(rule, Severity.NOTE, "said") for rule in RULES] + [
        Finding("policy:two", Severity.ERROR, "Two.")
    ]
    rules = {rule["id"]: rule for rule in run(report(findings=tuple(findings)))["tool"]["driver"]["rules"]}
    assert rules.keys() == {finding.rule for finding in findings}
    for name, rule in rules.items():
        assert rule["help"]["markdown"] == rule["help"]["text"]
        assert f"driftcheck explain {name}" in rule["help"]["markdown"]
        assert "docs/" not in rule["help"]["markdown"]
        assert rule["shortDescription"]["text"]
    for name, known in RULES.items():
        assert known.explanation in rules[name]["help"]["markdown"]
        assert (known.hint or "") in rules[name]["help"]["markdown"]


def test_related_locations_are_reported() -> None:
    twice = next(each for each in run(INVALID)["results"] if each["ruleId"] == "duplicate-key")
    assert twice["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 28


def test_neither_what_is_suppressed_nor_what_is_adopted_is_a_result() -> None:
    assert run(ALL_IGNORED)["results"] == []
    assert run(ALL_IGNORED)["tool"]["driver"]["rules"] == []
    classes = [each["properties"]["class"] for each in run(THREE_WAY)["results"] if "properties" in each]
    assert sorted(classes) == ["conflict", "drift", "proposed"]


def test_a_policy_is_a_rule_with_its_own_message() -> None:
    broken = Finding("policy:two-replicas", Severity.ERROR, "Production runs at least two replicas.", deployment="a")
    (rule,) = run(report(findings=(broken,)))["tool"]["driver"]["rules"]
    assert rule["id"] == "policy:two-replicas"
    assert rule["shortDescription"]["text"] == "Production runs at least two replicas"


def test_the_identity_of_the_report_is_its_category() -> None:
    details = [run(replace(DRIFT, report_id=name))["automationDetails"]["id"] for name in ("eu", "u s")]
    assert details == ["driftcheck/eu/check/", "driftcheck/u%20s/check/"]
    eu, us = (
        {each["partialFingerprints"]["driftcheck/v1"] for each in run(replace(DRIFT, report_id=name))["results"]}
        for name in ("eu", "us")
    )
    assert not eu & us


def test_files_are_named_from_the_root_of_the_repository() -> None:
    options = RenderOptions(folder="/repo/infra", repository="/repo")
    results = json.loads(render(DRIFT, options))["runs"][0]["results"]
    uris = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in results}
    assert uris == {"infra/prod/agents.yaml", "infra/prod"}
    loose = next(each for each in results if each["ruleId"] == "unmanaged-deployment")
    assert loose["locations"][0]["logicalLocations"][0]["name"] == "scratch-000"


def test_fingerprints_survive_moved_lines_and_other_values() -> None:
    def identity(**parts: Any) -> dict[str, str]:
        changed = report(replace(CLAIMS, changes=(replace(MAX_SCALE, **parts),)))
        return run(changed)["results"][0]["partialFingerprints"]

    assert identity() == identity(location=Location("prod/agents.yaml", 900, 3), live=7)
    assert identity() != identity(path=("source",))


@pytest.mark.parametrize(
    ("reported", "successful"),
    [
        (IN_SYNC, True),
        (DRIFT, True),
        (INVALID, False),
        (INCOMPLETE, False),
        (replace(INCOMPLETE, outcome=Outcome.IN_SYNC), False),
        (replace(IN_SYNC, outcome=Outcome.DEFECT), False),
    ],
)
def test_O6_the_run_was_successful_only_where_all_was_read(reported: Report, successful: bool) -> None:
    (invocation,) = run(reported)["invocations"]
    assert invocation["executionSuccessful"] is successful
    assert invocation["exitCode"] == reported.outcome.status


def test_gaps_are_notifications() -> None:
    notifications = run(INCOMPLETE)["invocations"][0]["toolExecutionNotifications"]
    assert notifications[0]["level"] == "error"
    assert "offset 198" in notifications[0]["message"]["text"]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("prod/agents.yaml", "prod/agents.yaml"),
        ("./prod//agents.yaml", "prod/agents.yaml"),
        ("a b/ü#?.yaml", "a%20b/%C3%BC%23%3F.yaml"),
        ("c:d.yaml", "c%3Ad.yaml"),
        ("x\n::error::.yaml", "x%0A%3A%3Aerror%3A%3A.yaml"),
        ("bad\udcff.yaml", "bad%FF.yaml"),
        ("odd\ud800.yaml", "odd%5Cud800.yaml"),
        ("/abs/agents.yaml", "file:///abs/agents.yaml"),
        ("//host/agents.yaml", "file:///host/agents.yaml"),
        ("../up.yaml", "../up.yaml"),
    ],
)
def test_O6_R7_files_are_percent_encoded(file: str, uri: str) -> None:
    assert at(file) == uri


@pytest.mark.slow
def test_O6_at_most_five_thousand_results_and_a_notice() -> None:
    many = run(huge(drifted=4_000))
    assert len(many["results"]) == MOST_RESULTS
    notifications = many["invocations"][0]["toolExecutionNotifications"]
    assert notifications[0]["message"]["text"] == "3,000 more results, none of them worse, are left out"
    assert len(run(huge())["results"]) == MOST_RESULTS
    assert len(run(huge())["invocations"][0]["toolExecutionNotifications"]) == 1


def test_O6_less_than_ten_megabytes() -> None:
    long = replace(MAX_SCALE, path=("labels", "k" * 3_000), declared="d" * 3_000, live="l" * 3_000)
    wide = report(*(replace(CLAIMS, name=f"agent-{n}", changes=(long,)) for n in range(5_000)))
    text = render(wide, RenderOptions())
    assert len(text) < 10_000_000
    assert len(text) > MOST_BYTES // 2
    assert "are left out" in text


@given(reports())
def test_is_valid_and_reports_every_change_and_finding(drawn: Report) -> None:
    text = render(drawn, RenderOptions())
    assert text.isascii()
    assert "##[" not in text
    only = run(drawn)
    shown = [each for each in view.results(drawn) if getattr(each.item, "change_class", None) != "adopted"]
    assert len(only["results"]) == len(shown)
    for each, result in zip(shown, only["results"], strict=True):
        assert result["message"]["text"].startswith(wording.title(each).replace("](", r"]\x28")[:400])
        assert "suppressions" not in result
    identities = [each["partialFingerprints"]["driftcheck/v1"] for each in only["results"]]
    assert len(set(identities)) == len(identities)


def test_O12_no_link_of_the_data_is_live() -> None:
    link = replace(MAX_SCALE, live="[press here](https://example.com)")
    assert "](" not in run(report(replace(CLAIMS, changes=(link,))))["results"][0]["message"]["text"]


@pytest.mark.parametrize(
    ("named", "address"),
    [
        (["Homepage, https://code.example.com/driftcheck/"], "https://code.example.com/driftcheck"),
        (["Homepage, https://example.com", "Repository, https://code.example.com/d"], "https://code.example.com/d"),
        ([], None),
    ],
)
def test_a_rule_names_the_page_that_describes_it_where_the_package_has_an_address(
    monkeypatch: pytest.MonkeyPatch, named: list[str], address: str | None
) -> None:
    metadata = Message()
    for each in named:
        metadata["Project-URL"] = each
    monkeypatch.setattr("importlib.metadata.metadata", lambda _: metadata)
    (run,) = json.loads(render(DRIFT, RenderOptions()))["runs"]
    for rule in run["tool"]["driver"]["rules"]:
        assert rule.get("helpUri") == (address and f"{address}/blob/HEAD/docs/rules.md#{rule['id']}")
        assert rule["help"]["text"]
