import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck import fields
from driftcheck.errors import InputError
from driftcheck.formats import RenderOptions
from driftcheck.formats.report_json import read, render
from driftcheck.model import Report
from tests.formats.reports import DRIFT, SAMPLES, THREE_WAY, VALID, huge, reports

RELEASED = Path(__file__).parent.parent / "data" / "report-1.0.schema.json"
VALIDATOR = jsonschema_rs.validator_for(fields.schema("report"))


def written(report: Report) -> str:
    return render(report, RenderOptions())


@given(reports())
def test_reads_back_to_an_equal_report(report: Report) -> None:
    assert read(written(report)) == report


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_read_back_and_are_written_again_byte_for_byte(sample: str) -> None:
    text = written(SAMPLES[sample])
    assert read(text) == SAMPLES[sample]
    assert written(read(text)) == text


@given(reports())
def test_is_valid_against_the_schema(report: Report) -> None:
    as_it_is = json.dumps(json.loads(written(report)), ensure_ascii=False)
    document = json.loads(as_it_is.encode(errors="replace"))  # the validator takes no lone surrogates
    VALIDATOR.validate(document)


@given(reports())
def test_O1_is_ascii_without_controls_and_without_runner_commands(report: Report) -> None:
    text = written(report)
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert "##[" not in text


def test_has_the_keys_of_the_contract() -> None:
    document = json.loads(written(DRIFT))
    assert list(document) == [
        "format_version",
        "driftcheck_version",
        "command",
        "report_id",
        "generated_at",
        "outcome",
        "complete",
        "live",
        "declared",
        "targets",
        "history",
        "summary",
        "deployments",
        "findings",
        "resolved",
    ]
    assert document["format_version"] == "1.1"
    assert document["outcome"] == {"status": 1, "name": "drift"}
    assert list(document["live"]) == [
        "source",
        "workspace",
        "fetched_at",
        "pages",
        "requests",
        "deployments",
        "complete",
        "gaps",
        "inventory",
    ]
    assert list(document["declared"]) == ["files", "deployments", "complete"]
    claims = next(each for each in document["deployments"] if each["name"] == "claims-agent")
    sidecar = next(each for each in claims["changes"] if each["live"] == "otel:0.99.0")
    assert sidecar == {
        "kind": "modified",
        "path": "source_config.resource_spec.sidecars[name=otel].image",
        "segments": ["source_config", "resource_spec", "sidecars", {"name": "otel"}, "image"],
        "declared": "otel:0.104.0",
        "live": "otel:0.99.0",
        "location": {"file": "prod/agents.yaml", "line": 31, "column": 18},
        "impact": "new-revision",
        "class": "drift",
        "severity": "error",
        "redacted": False,
        "suppressed": None,
    }
    assert document["findings"][0]["rule"] == "missing-deployment"


def test_additions_are_shown_only_where_they_say_something() -> None:
    changes = [change for each in json.loads(written(THREE_WAY))["deployments"] for change in each["changes"]]
    assert [change["base"] for change in changes] == [6, "otel:0.98.0", 10, "claims"]
    assert json.loads(written(THREE_WAY))["declared"]["base"] == THREE_WAY.declared.base
    plain = json.loads(written(DRIFT))
    assert not [each for each in plain["findings"] if "related" in each]
    limits = [change for each in plain["deployments"] for change in each["changes"] if "live_effective" in change]
    assert [(change["path"], change["live_effective"]) for change in limits] == [
        ("source_config.resource_spec.cpu_limit", 2)
    ]


def test_unknown_keys_of_a_later_minor_version_are_passed_over() -> None:
    document = json.loads(written(DRIFT))
    document["format_version"] = "1.7"
    document["novelty"] = {"a": 1}
    for part in (document["live"], document["deployments"][0], document["findings"][0], document["summary"]):
        part["novelty"] = [1]
    assert read(json.dumps(document)) == DRIFT


def test_a_report_of_format_1_0_is_read() -> None:
    saved = RELEASED.with_name("report-1.0.json").read_text(encoding="utf-8")
    report = read(saved)
    written_again = json.loads(written(report))
    for key, value in json.loads(saved).items():
        assert key == "format_version" or holds(written_again[key], value), key


def holds(value: Any, earlier: Any) -> bool:
    """Check whether a value is the earlier one, apart from new keys."""
    if isinstance(earlier, dict):
        return all(holds(value[key], child) for key, child in earlier.items())
    if isinstance(earlier, list):
        return len(value) == len(earlier) and all(map(holds, value, earlier))
    return bool(value == earlier)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "not valid JSON"),
        (written(VALID)[:-40], "not valid JSON"),
        ('{"format_version": NaN}', "NaN and Infinity are not JSON"),
        ('{"format_version": 1e999}', "out of range"),
        ('{"format_version": ' + "9" * 5_000 + "}", "thousands of digits"),
        ('{"format_version": "1.0", "format_version": "1.0"}', "duplicate key"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "the report should be an object"),
        ("{}", "format_version should be a string"),
        ('{"resources": [], "offset": 0}', "format_version"),
        ({"format_version": "2.0"}, "major"),
        ({"outcome": {"name": "fine"}}, "outcome.name"),
        ({"outcome": {"name": True}}, "outcome.name"),
        ({"generated_at": "yesterday"}, "generated_at"),
        ({"deployments": [{"name": "a", "status": "fine"}]}, "deployments[0].status should be one of in_sync"),
        ({"declared": None}, "declared should be an object"),
        ({"findings": [{"rule": 1}]}, "findings[0].rule should be a string"),
        ({"live": {"source": "x", "pages": -1}}, "live.pages"),
    ],
)
def test_an_invalid_report_is_refused_and_not_quoted(source: str | dict[str, Any], says: str) -> None:
    """The source is a text, or parts that replace those of a valid report."""
    text = source if isinstance(source, str) else json.dumps(json.loads(written(VALID)) | source)
    with pytest.raises(InputError) as caught:
        read(text)
    assert says in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("segments", [["a"]], "segments[0]"),
        ("segments", [True], "segments[0]"),
        ("segments", [-1], "segments[0]"),
        ("segments", [{"a": "b", "c": "d"}], "segments[0]"),
        ("location", {"file": "x", "line": 0, "column": 1}, "location"),
        ("redacted", "no", "redacted"),
        ("class", "unheard-of", "class"),
        ("suppressed", {"reason": None}, "suppressed.reason"),
    ],
)
def test_an_invalid_change_is_refused(key: str, value: Any, says: str) -> None:
    document = json.loads(written(DRIFT))
    claims = next(each for each in document["deployments"] if each["changes"])
    claims["changes"][0][key] = value
    with pytest.raises(InputError, match="changes\\[0\\]") as caught:
        read(json.dumps(document))
    assert says in caught.value.message


def test_a_value_nested_too_deep_to_show_is_refused() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    document = json.loads(written(DRIFT))
    next(each for each in document["deployments"] if each["changes"])["changes"][0]["live"] = deep
    with pytest.raises(InputError, match="nested"):
        read(json.dumps(document))


@given(st.data())
def test_a_damaged_report_is_read_or_refused_and_never_crashes(data: st.DataObject) -> None:
    text = written(THREE_WAY)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 200)))
    damaged = text[:start] + data.draw(st.sampled_from(["", "null", "{}", "[]", '"', "1", "true", "-1"])) + text[end:]
    try:
        report = read(damaged)
    except InputError:
        return
    assert read(written(report)) == report


@pytest.mark.slow
def test_ten_thousand_deployments_with_five_thousand_changes() -> None:
    report = huge()
    text = written(report)
    assert text.count('"kind"') == 5_000
    assert read(text) == report


def test_a_redacted_change_shows_no_value() -> None:
    document = json.loads(written(DRIFT))
    hidden = [c for each in document["deployments"] for c in each["changes"] if c["redacted"]]
    assert [(change["declared"], change["live"]) for change in hidden] == [(None, None)]


def additions_only(before: Any, after: Any, where: str = "$") -> list[str]:
    """List the differences of `after` that would break a reader of `before`, apart from new properties."""
    problems = []
    for keyword in ("type", "enum", "pattern", "$ref", "const"):
        if before.get(keyword) != after.get(keyword):
            allowed = keyword == "enum" and set(before["enum"]) <= set(after.get("enum", ()))
            problems += [] if allowed else [f"{where}: {keyword} differs"]
    missing = set(before.get("required", ())) - set(after.get("required", ()))
    problems += [f"{where}: {key} is no longer required" for key in sorted(missing)]
    for keyword in ("properties", "$defs"):
        for key, child in before.get(keyword, {}).items():
            if key not in after.get(keyword, {}):
                problems.append(f"{where}: {key} is gone")
            else:
                problems += additions_only(child, after[keyword][key], f"{where}.{key}")
    if "items" in before:
        problems += additions_only(before["items"], after.get("items", {}), f"{where}[]")
    for index, child in enumerate(before.get("anyOf", ())):
        problems += additions_only(child, after.get("anyOf", [{}] * (index + 1))[index], f"{where}|{index}")
    return problems


def test_the_schema_only_adds_to_the_released_one() -> None:
    released = json.loads(RELEASED.read_text(encoding="utf-8"))
    assert additions_only(released, fields.schema("report")) == ["$.declared: $ref differs"]  # null with targets


def test_the_comparison_of_schemas_sees_what_would_break_a_reader() -> None:
    released = json.loads(RELEASED.read_text(encoding="utf-8"))
    altered = json.loads(RELEASED.read_text(encoding="utf-8"))
    del altered["properties"]["complete"]
    altered["$defs"]["change"]["required"].remove("path")
    altered["$defs"]["finding"]["properties"]["message"]["type"] = ["string", "null"]
    altered["$defs"]["severity"]["enum"] = ["error", "warning"]
    assert len(additions_only(released, altered)) == 4


def test_the_schema_is_strict_and_described() -> None:
    schema = fields.schema("report")
    jsonschema_rs.meta.validate(schema)
    document = json.loads(written(DRIFT))
    for altered in (document | {"novelty": 1}, {k: v for k, v in document.items() if k != "complete"}):
        assert not VALIDATOR.is_valid(altered)
    assert schema["description"]


def test_a_redacted_change_with_a_value_breaks_the_schema() -> None:
    document = json.loads(written(DRIFT))
    hidden = next(c for each in document["deployments"] for c in each["changes"] if c["redacted"])
    hidden["live"] = "leaked"
    assert not VALIDATOR.is_valid(document)


def test_a_number_that_json_lacks_is_an_internal_error_and_not_a_broken_report() -> None:
    claims = next(each for each in DRIFT.deployments if each.changes)
    odd = replace(claims, changes=(replace(claims.changes[0], live=float("nan")),))
    with pytest.raises(ValueError, match="JSON compliant"):
        written(replace(DRIFT, deployments=(odd,)))
