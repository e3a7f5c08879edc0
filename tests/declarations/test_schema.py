"""Validation: one violation for each defect, with a message of our own that holds no value of the data."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck import fields
from driftcheck.declarations.schema import Violation, validate
from driftcheck.rules import RULES
from tests.test_schemas import nodes

ROOT = Path(__file__).parent.parent.parent

DEPLOYMENT: dict[str, Any] = {
    "name": "claims-agent",
    "source": "external_docker",
    "source_config": {
        "custom_url": "https://agents.example.com",
        "listener_id": "5c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11",
        "build_on_push": None,
        "resource_spec": {
            "min_scale": 2,
            "cpu": 1.5,
            "labels": {"team": "claims"},
            "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "2Gi"}}],
            "sidecars": [
                {
                    "name": "otel",
                    "image": "otel:0.104.0",
                    "args": ["--config=/etc/otel"],
                    "env": [{"name": "LEVEL", "value": "warn"}],
                    "resources": {"limits": {"cpu": "500m"}},
                    "volumeMounts": [{"name": "cache", "mountPath": "/cache", "readOnly": True}],
                }
            ],
        },
    },
    "source_revision_config": {"image_uri": "agents/claims:1.14.2"},
    "secrets": [{"name": "OPENAI_API_KEY"}],
}
DOCUMENT: dict[str, Any] = {
    "defaults": {"source": "external_docker"},
    "deployments": [DEPLOYMENT],
    "ignore": [
        {"path": "source_config.**", "reason": "load test", "expires": "2026-12-31", "live": {"between": [1, 2]}}
    ],
    "x-anchors": {"anything": [1, None]},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the document with one value of its deployment set, created where it is absent; lists by position."""
    document = copy.deepcopy(DOCUMENT)
    node: Any = document["deployments"][0]
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for segment in above:
        node = node[segment]
    if isinstance(node, list) and last == len(node):
        node.append(value)
    else:
        node[last] = value
    return document


def only(document: Any, schema_name: str = "declaration") -> Violation:
    (violation,) = validate(document, schema_name)
    return violation


def test_a_valid_document_has_no_violations() -> None:
    assert validate(DOCUMENT) == ()


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("source_config.resource_spec.memroy_mb", "memory_mb"),
        ("source_config.resource_spec.memory_limit", "memory_limit_mb"),
        ("source_config.resource_spec.memoryLimitMb", "memory_limit_mb"),
        ("source_config.resource_spec.volumeMounts", "volume_mounts"),
        ("source_config.resource_spec.sidecars.0.volume_mounts", "volumeMounts"),
        ("source_config.resource_spec.sidecars.0.image_pull_policy", "imagePullPolicy"),
        ("source-revision-config", "source_revision_config"),
        ("Secrets", "secrets"),
        ("source_config.resource_spec.sidecars.0.env.0.val", "value"),
    ],
)
def test_unknown_fields_are_errors_with_a_suggestion(path: str, meant: str) -> None:
    violation = only(changed(path, None))
    assert violation.rule == "unknown-field"
    assert violation.at_key
    assert violation.path[-1] == path.rpartition(".")[2]
    assert violation.hint == f"Did you mean `{meant}`?"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("min_scale", "source_config.resource_spec.min_scale"),
        ("resource_spec", "source_config.resource_spec"),
        ("source_config.image_uri", "source_revision_config.image_uri"),
        ("image_uri", "source_revision_config.image_uri"),
        ("source_config.cpu_limit", "source_config.resource_spec.cpu_limit"),
        ("source_config.memroy_mb", "source_config.resource_spec.memory_mb"),
    ],
)
def test_a_field_that_belongs_elsewhere_is_sent_there(path: str, place: str) -> None:
    violation = only(changed(path, 1))
    assert violation.rule == "unknown-field"
    assert violation.hint is not None
    assert f"`{place}`" in violation.hint


def test_no_field_that_can_not_be_declared_is_suggested() -> None:
    for path in ("statu", "tenantId", "source_revision_config.commit_sha", "secrets.0.values"):
        hint = only(changed(path, 1)).hint
        assert hint is not None
        assert not any(f"`{name}`" in hint for name in ("status", "tenant_id", "repo_commit_sha", "value"))


def test_a_misspelt_required_field_is_one_violation() -> None:
    violation = only({"deployments": [{"nmae": "claims-agent"}]})
    assert (violation.rule, violation.path) == ("unknown-field", ("deployments", 0, "nmae"))


@pytest.mark.parametrize(
    "path",
    ["id", "status", "url", "image_version", "source_config.repo_branch", "source_revision_config.repo_commit_sha"],
)
@pytest.mark.parametrize("value", ["text", 1, None, {}])
def test_read_only_fields_are_errors_with_the_reason(path: str, value: Any) -> None:
    violation = only(changed(path, value))
    field = fields.deployment().at(path.split("."))
    assert (violation.rule, violation.hint, violation.at_key) == ("read-only-field", field.description, True)


@pytest.mark.parametrize(
    "path",
    ["source_revision_config.image_uri", "source_config.resource_spec.labels.team", "secrets.0.name"],
)
@pytest.mark.parametrize("value", [True, 12, 1.5, None])
def test_Y9_a_value_that_should_be_a_string_gets_the_hint_to_quote_it(path: str, value: Any) -> None:
    if value is None and path.endswith("image_uri"):
        return  # a declared null is allowed there
    violation = only(changed(path, value))
    assert violation.rule == "wrong-type"
    assert violation.hint is not None
    assert "quote" in violation.hint


@pytest.mark.parametrize("value", [True, 12, 1.5])
def test_a_value_that_should_be_one_of_some_words_gets_them(value: Any) -> None:
    violation = only(changed("source", value))
    assert violation.rule == "wrong-type"
    assert str(violation.hint).startswith("Write one of github, external_docker, ")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("source_config.build_on_push", "no"),
        ("source_config.build_on_push", "on"),
        ("source_config.resource_spec.min_scale", "1_000"),
        ("source_config.resource_spec.min_scale", "12:30"),
        ("source_config.resource_spec.cpu", "0o17"),
    ],
)
def test_Y9_yaml_1_1_forms_in_typed_fields_get_the_hint_to_quote_them(path: str, value: str) -> None:
    violation = only(changed(path, value))
    assert violation.rule == "wrong-type"
    assert violation.hint is not None
    assert "quote" in violation.hint


@pytest.mark.parametrize("value", [True, 12, 1.5])
def test_Y9_a_value_that_should_be_one_of_a_few_gets_the_hint_what_to_write(value: Any) -> None:
    violation = only(changed("source", value))
    assert violation.rule == "wrong-type"
    assert violation.hint is not None
    assert violation.hint.startswith("Write one of github, external_docker,")


def test_Y11_true_is_not_a_number() -> None:
    assert only(changed("source_config.resource_spec.min_scale", value=True)).rule == "wrong-type"


def test_a_number_without_fraction_is_an_integer() -> None:
    assert validate(changed("source_config.resource_spec.min_scale", 2.0)) == ()


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("source", "gitub", "invalid-value"),
        ("source_config.deployment_type", "production", "invalid-value"),
        ("deployment_tier", "LARGE", "invalid-value"),
        ("source_config.resource_spec.cpu", 0.05, "out-of-range"),
        ("source_config.resource_spec.min_scale", -1, "out-of-range"),
        ("source_config.listener_id", "not-a-uuid", "invalid-uuid"),
        ("source_config.resource_spec.sidecars.0.name", "Otel_1", "invalid-dns-label"),
        ("source_config.resource_spec.sidecars.0.image", "", "invalid-value"),
        ("source_config.resource_spec.sidecars.0.resources.limits.cpu", "500 m", "invalid-quantity"),
        ("source_config.resource_spec.volumes.0.emptyDir.sizeLimit", "2GB", "invalid-quantity"),
        ("secrets.0.value", "hunter2", "literal-secret"),
        ("secrets.0.value", None, "literal-secret"),
        ("name", "", "invalid-name"),
        ("secrets.1", "B", "wrong-type"),
    ],
)
def test_each_defect_has_its_rule_and_location(path: str, value: Any, rule: str) -> None:
    violation = only(changed(path, value))
    place = ("deployments", 0, *(int(part) if part.isdigit() else part for part in path.split(".")))
    assert (violation.rule, violation.path) == (rule, place)


@pytest.mark.parametrize("name", ["a", "agent", "a1", "a-b--c", "0agent", "a" * 63])
def test_names_of_ascii_letters_digits_and_hyphens_are_valid(name: str) -> None:
    assert validate(changed("name", name)) == ()


@pytest.mark.parametrize(
    "name", ["A", "a_b", "a.b", "-a", "a-", "a b", "\u00e4gent", "\u0663", "a" * 64, "a\n", "a\u2028"]
)
def test_S3_other_names_are_invalid_line_breaks_included(name: str) -> None:
    assert only(changed("name", name)).rule == "invalid-name"


@pytest.mark.parametrize("date", ["2026-12-31", "2028-02-29", "2000-02-29"])
def test_dates_of_the_calendar_are_valid(date: str) -> None:
    assert validate({"deployments": [], "ignore": [{"path": "x", "reason": "r", "expires": date}]}) == ()


@pytest.mark.parametrize(
    "date", ["2026-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "0000-01-01", "2026-1-1", "2026-01-01\n"]
)
def test_S3_other_dates_are_invalid_line_breaks_included(date: str) -> None:
    violation = only({"deployments": [], "ignore": [{"path": "x", "reason": "r", "expires": date}]})
    assert violation.rule == "invalid-date"


@pytest.mark.parametrize("quantity", ["1", "0.5", ".5", "5.", "500m", "1Gi", "1e3", "1E3", "2E", "+1k", "100n"])
def test_kubernetes_quantities_are_valid(quantity: str) -> None:
    assert validate(changed("source_config.resource_spec.sidecars.0.resources.limits.cpu", quantity)) == ()


@pytest.mark.parametrize("quantity", ["", "m", "1GB", "1 Gi", "1Gi\n", "1e", "\u0661", "0x10", "1,5"])
def test_S3_other_quantities_are_invalid_line_breaks_included(quantity: str) -> None:
    violation = only(changed("source_config.resource_spec.sidecars.0.resources.limits.cpu", quantity))
    assert violation.rule == "invalid-quantity"


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"path": "x"}, ("ignore", 0)),
        ({"reason": "r"}, ("ignore", 0)),
        ({"reason": "r", "missing": True}, ("ignore", 0)),
        ({"reason": " \n", "path": "x"}, ("ignore", 0, "reason")),
        ({"reason": "r", "path": "x", "live": {}}, ("ignore", 0, "live")),
        ({"reason": "r", "path": "x", "live": {"equals": 1, "matches": "a"}}, ("ignore", 0, "live")),
        ({"reason": "r", "path": "x", "live": {"between": [1]}}, ("ignore", 0, "live", "between")),
        ({"reason": "r", "path": "x", "live": {"in": []}}, ("ignore", 0, "live", "in")),
        ({"reason": "r", "path": "x", "when": "now"}, ("ignore", 0, "when")),
    ],
)
def test_ignore_rules_must_be_whole(rule: dict[str, Any], path: tuple[str | int, ...]) -> None:
    assert only({"deployments": [], "ignore": [rule]}).path == path


def test_all_violations_are_reported_at_once_the_worst_first() -> None:
    document = {
        "deployments": [
            {"name": "Bad", "source": "gitub", "status": "READY", "soruce": "github"},
            {"secrets": [{"name": "A", "value": "hunter2"}]},
        ]
    }
    rules = [violation.rule for violation in validate(document)]
    assert rules == [
        *("literal-secret", "unknown-field", "read-only-field", "missing-field", "invalid-value", "invalid-name"),
    ]


@pytest.mark.parametrize("document", [None, [], "text", 1, True, {}, {"deployments": None}, {"deployments": {}}])
def test_a_document_of_another_shape_is_one_violation(document: Any) -> None:
    assert only(document).rule in {"wrong-type", "missing-field"}


def test_S2_no_value_of_the_data_is_in_any_text() -> None:
    canary = "lsv2_sk_0123456789abcdef"
    places = [
        *("name", "source", "source_config", "source_config.listener_id", "secrets", "secrets.0", "secrets.0.name"),
        *("secrets.0.value", "source_config.resource_spec.cpu", "source_config.resource_spec.labels"),
        *("source_config.resource_spec.sidecars.0.env", "source_config.resource_spec.sidecars.0.args"),
    ]
    for place in places:
        for value in (canary, [canary], {canary: 1}, {"name": canary, "value": canary}, [{canary: {canary: 1}}]):
            for violation in validate(changed(place, value)):
                assert canary not in repr(violation), place


def test_S2_a_key_of_the_data_is_shown_escaped_and_cut() -> None:
    violation = only(changed("a\x1b]0;\u202e`\n" + "x" * 500, 1))
    assert violation.message.isprintable()
    assert len(violation.message) < 200


def test_configuration_is_checked_as_well() -> None:
    config = {
        "paths": ["prod/"],
        "region": "eu",
        "severities": {"drift": "warning"},
        "fail-on": "never",
        "strict": True,
    }
    assert validate(config, "config") == ()
    assert only(config | {"endpoint": "https://evil.example"}, "config").rule == "unknown-field"
    assert only(config | {"fail_on": "error"}, "config").hint == "Did you mean `fail-on`?"
    assert only(config | {"region": "mars"}, "config").rule == "invalid-value"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(place for key, child in entries for place in places(child, (*above, key)))]


TEXTS = st.sampled_from(
    ["a\n", "a", "0", "1Gi\n", "2026-01-01", "2028-02-29", "\u0661", "-", "github", "", " ", "\x1c"]
)


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    """Draw the document with one value replaced, removed or joined by another."""
    document = copy.deepcopy(DOCUMENT)
    *above, last = draw(st.sampled_from(places(DOCUMENT)[1:]))
    node: Any = document
    for segment in above:
        node = node[segment]
    match draw(st.sampled_from(["replace", "remove", "join"])):
        case "replace":
            node[last] = draw(TEXTS | JSON_VALUES)
        case "remove":
            del node[last]
        case _ if isinstance(node, dict):
            node[draw(st.text(max_size=8) | st.sampled_from(["id", "value", "x-a", "path", "cpu"]))] = draw(JSON_VALUES)
        case _:
            node.append(draw(JSON_VALUES))
    return document


def agree(document: Any) -> None:
    schema = fields.schema("declaration")
    quick = jsonschema_rs.Draft202012Validator(schema).is_valid(document)
    assert quick == jsonschema.Draft202012Validator(schema).is_valid(document)
    assert quick == (validate(document) == ())


@given(mutations() | JSON_VALUES)
def test_both_validators_agree_on_what_is_almost_valid(document: Any) -> None:
    agree(document)


PATTERNS = sorted(
    {node["pattern"] for node in nodes(fields.schema("declaration")) if isinstance(node.get("pattern"), str)}
)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text("09af-gi.+mKE \n\t\x1c\u2028\u0661:AZ", max_size=12) | TEXTS)
def test_S3_patterns_mean_the_same_to_both_validators(pattern: str, text: str) -> None:
    schema = {"pattern": pattern}
    quick = jsonschema_rs.Draft202012Validator(schema).is_valid(text)
    assert quick == jsonschema.Draft202012Validator(schema).is_valid(text)


@given(mutations())
def test_every_violation_names_a_rule_and_a_path_in_the_data(document: Any) -> None:
    for violation in validate(document):
        assert violation.rule in RULES
        node = document
        for segment in violation.path:
            node = node[segment]


@given(mutations())
def test_no_path_is_reported_twice(document: Any) -> None:
    blamed = [(violation.path, violation.message) for violation in validate(document)]
    assert len(blamed) == len(set(blamed))


def test_Y20_time_is_linear_in_the_number_of_defects() -> None:
    def seconds(count: int) -> float:
        document = {"deployments": [{"name": "a", f"unknown{n}": n, "source": "x"} for n in range(count)]}
        start = time.process_time()
        assert len(validate(document)) == 2 * count
        return time.process_time() - start

    assert seconds(400) < 6 * seconds(200) + 0.05


@pytest.mark.parametrize(
    ("field", "written", "meant"),
    [("db_storage_gi", "10Gi", "10"), ("db_storage_gi", "2048Mi", "2"), ("db_storage_gi", "1Ti", "1024")],
)
def test_a_size_in_gibibytes_with_a_unit_has_a_certain_fix(field: str, written: str, meant: str) -> None:
    spec = {"resource_spec": {field: written}}
    document = {"deployments": [{"name": "a", "source": "external_docker", "source_config": spec}]}
    (violation,) = [each for each in validate(document) if each.rule == "wrong-type"]
    assert violation.hint == f"Write `{meant}` (Gi)."


@pytest.mark.parametrize(
    ("field", "written", "hint"),
    [
        ("memory_mb", "2Gi", "Write `2048` (MB)."),
        ("memory_mb", "2048", "Write `2048`, without quotes."),
        ("cpu", "500m", "Write `0.5`."),
    ],
)
def test_quotes_are_mentioned_only_where_they_are_the_mistake(field: str, written: str, hint: str) -> None:
    spec = {"resource_spec": {field: written}}
    document = {"deployments": [{"name": "a", "source": "external_docker", "source_config": spec}]}
    (violation,) = [each for each in validate(document) if each.rule == "wrong-type"]
    assert violation.hint == hint
