import json
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from driftcheck.formats import RenderOptions, overall, view, wording
from driftcheck.formats.gitlab import render
from driftcheck.model import Report
from tests.formats.reports import DRIFT, IN_SYNC, INCOMPLETE, INVENTORY, MAX_SCALE, huge, reports

DOCUMENTED = jsonschema_rs.validator_for(
    {
        "$comment": "GitLab documentation, 'Code Quality report format': the fields that the widget needs.",
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "check_name": {"type": "string"},
                "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "minLength": 1, "pattern": "^(?!\\./)"},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {"begin": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
            },
        },
    }
)


INCOMPLETE_DRIFT = replace(INCOMPLETE, deployments=DRIFT.deployments)


def issues(report: Report) -> list[dict[str, Any]]:
    return json.loads(render(report, RenderOptions()))


def test_an_issue_for_each_active_change_and_finding() -> None:
    found = issues(DRIFT)
    assert len(found) == 207
    scale = next(each for each in found if "max_scale" in each["description"])
    assert scale | {"fingerprint": ""} == {
        "description": "claims-agent: source_config.resource_spec.max_scale: declared 6, live 10. "
        "To accept live: `driftcheck adopt --name claims-agent`. "
        "To revert live: `driftcheck plan --name claims-agent`.",
        "check_name": "drift",
        "fingerprint": "",
        "severity": "major",
        "location": {"path": "prod/agents.yaml", "lines": {"begin": 24}},
    }


def test_in_sync_is_an_empty_list() -> None:
    assert issues(IN_SYNC) == []


def test_an_incomplete_report_does_not_look_like_one_without_findings() -> None:
    assert [(each["check_name"], each["severity"]) for each in issues(INCOMPLETE)] == [("incomplete", "blocker")]


def test_what_no_file_declares_is_at_the_folder_of_the_declarations() -> None:
    assert {each["location"]["path"] for each in issues(DRIFT) if each["check_name"] == "unmanaged-deployment"} == {
        "prod"
    }
    assert {each["location"]["path"] for each in issues(INVENTORY)} == {"driftcheck.yaml"}


def test_fingerprints_survive_moved_lines_and_other_values() -> None:
    claims = next(each for each in DRIFT.deployments if each.changes)

    def fingerprint(**parts: Any) -> str:
        moved = replace(DRIFT, deployments=(replace(claims, changes=(replace(MAX_SCALE, **parts),)),), findings=())
        return issues(moved)[0]["fingerprint"]

    place = replace(MAX_SCALE.location, line=99) if MAX_SCALE.location else None
    assert fingerprint() == fingerprint(location=place, live=7) != fingerprint(path=("other",))


@given(reports())
def test_is_as_documented_with_unique_fingerprints(drawn: Report) -> None:
    text = render(drawn, RenderOptions())
    assert text.isascii()
    assert "##[" not in text
    found = json.loads(text)
    DOCUMENTED.validate(found)
    assert len({each["fingerprint"] for each in found}) == len(found)
    results = view.results(drawn)
    assert len(found) == len(results) + len(set(overall.run_defects(drawn)))
    for result, issue in zip(results, found[len(found) - len(results) :], strict=True):
        assert issue["description"].startswith(wording.title(result))


def test_two_workspaces_have_no_fingerprint_in_common() -> None:
    eu, us = ({each["fingerprint"] for each in issues(replace(INCOMPLETE_DRIFT, report_id=name))} for name in "ab")
    assert len(eu) == len(us) > 1
    assert not eu & us


@pytest.mark.slow
def test_ten_thousand_deployments_with_five_thousand_changes() -> None:
    assert len(issues(huge())) == 5_000
