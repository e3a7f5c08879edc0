import json
from typing import Any

import pytest
from hypothesis import given

from driftcheck.formats import RenderOptions
from driftcheck.formats.ndjson import render
from driftcheck.formats.report_json import to_record
from driftcheck.model import Report
from tests.formats.reports import DRIFT, huge, reports


def lines(report: Report) -> list[dict[str, Any]]:
    return [json.loads(line) for line in render(report, RenderOptions()).splitlines()]


def test_a_head_the_deployments_the_findings_and_an_end() -> None:
    kinds = [line["type"] for line in lines(DRIFT)]
    assert kinds == ["report"] + ["deployment"] * 212 + ["finding"] * 201 + ["end"]
    assert lines(DRIFT)[-1]["outcome"] == {"status": 1, "name": "drift"}


@given(reports())
def test_the_lines_put_together_are_the_json_report(drawn: Report) -> None:
    head, *parts, end = lines(drawn)
    together = {
        **head,
        **end,
        "deployments": [without_type(part) for part in parts if part["type"] == "deployment"],
        "findings": [without_type(part) for part in parts if part["type"] == "finding"],
        "resolved": [without_type(part) for part in parts if part["type"] == "resolved"],
    }
    assert without_type(together) == json.loads(json.dumps(to_record(drawn)))


def without_type(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "type"}


@given(reports())
def test_O1_is_ascii_a_whole_object_a_line(drawn: Report) -> None:
    text = render(drawn, RenderOptions())
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert "##[" not in text
    assert len(text.splitlines()) == 2 + len(drawn.deployments) + len(drawn.findings) + len(drawn.resolved)


@pytest.mark.slow
def test_ten_thousand_deployments_with_five_thousand_changes() -> None:
    assert len(lines(huge())) == 10_002
