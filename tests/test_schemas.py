"""The published schemas: they are valid, and the declaration schema agrees with what is known of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from driftcheck import fields

ROOT = Path(__file__).resolve().parent.parent
OPENAPI = ROOT / "tests" / "data" / "openapi.json"
WRITTEN = ("declaration", "config")
DEFINITIONS = {
    "Deployment": "Deployment",
    "SourceConfig": "SourceConfig",
    "SourceRevisionConfig": "SourceRevisionConfig",
    "ResourceSpec-Output": "ResourceSpec",
    "ListenerConfig": "ListenerConfig",
    "Secret": "Secret",
    "SecretReference": "SecretReference",
    "LocalObjectReference": "LocalObjectReference",
    "Volume": "Volume",
    "VolumeMount": "VolumeMount",
    "Container": "Container",
    "EnvVar": "EnvVar",
    "ResourceRequirements": "ResourceRequirements",
}
"""Schemas of the API and the definitions for them."""

REQUIRED_BY_KUBERNETES = {"Volume": {"name"}, "VolumeMount": {"name", "mountPath"}}
"""Fields that the API does not require, but Kubernetes does (docs/API.md 2.5)."""

ALIASES = {"serverless", "dedicated"}
"""Deployment types that the guides name and the API may accept (docs/API.md 5, question 7)."""


@pytest.mark.parametrize("name", WRITTEN)
def test_schema_is_a_valid_json_schema(name: str) -> None:
    schema = fields.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:driftcheck:schema:{name}"


@pytest.mark.parametrize("name", fields.SCHEMAS)
def test_every_schema_has_a_stable_id(name: str) -> None:
    assert fields.schema(name)["$id"] == f"urn:driftcheck:schema:{name}"


@pytest.mark.parametrize("name", WRITTEN)
def test_S1_schema_refers_to_nothing_outside_itself(name: str) -> None:
    schema = fields.schema(name)
    references = [node["$ref"] for node in nodes(schema) if "$ref" in node]
    assert references
    for reference in references:
        assert reference.removeprefix("#/$defs/") in schema["$defs"]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_field_is_described(name: str) -> None:
    schema = fields.schema(name)
    for path, node in described(schema):
        target = schema["$defs"][node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else node
        description = node.get("description", target.get("description", ""))
        assert len(description) >= 8, path
        assert description.endswith("."), path


@pytest.mark.parametrize("name", WRITTEN)
def test_no_object_of_the_schema_takes_unknown_fields_by_oversight(name: str) -> None:
    for node in nodes(fields.schema(name)):
        if "object" in node.get("type", ()):
            assert "additionalProperties" in node or "items" not in node
            assert "properties" not in node or "additionalProperties" in node


def test_both_schemas_know_the_same_ignore_rules() -> None:
    for definition in ("IgnoreRule", "Guard"):
        assert fields.schema("declaration")["$defs"][definition] == fields.schema("config")["$defs"][definition]


def test_configuration_can_not_say_where_to_connect_or_write() -> None:
    assert set(fields.schema("config")["properties"]) == {
        *("paths", "workspace", "region", "ignore", "severities", "fail-on", "strict", "targets", "policies"),
    }


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    schemas: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    return schemas


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    definitions: dict[str, Any] = fields.schema("declaration")["$defs"]
    return definitions


class TestAgainstTheApi:
    @pytest.mark.parametrize(("theirs", "name"), DEFINITIONS.items())
    def test_fields_are_the_same(self, api: dict[str, Any], ours: dict[str, Any], theirs: str, name: str) -> None:
        newer = ["agent"] if name == "Deployment" else []
        assert list(ours[name]["properties"]) == [*api[theirs]["properties"], *newer]

    @pytest.mark.parametrize(("theirs", "name"), DEFINITIONS.items())
    def test_fields_say_the_same(self, api: dict[str, Any], ours: dict[str, Any], theirs: str, name: str) -> None:
        for field, upstream in api[theirs]["properties"].items():
            node = ours[name]["properties"][field]
            target = ours[node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else node
            merged = target | node | {"x-driftcheck": target.get("x-driftcheck", {}) | node.get("x-driftcheck", {})}
            where = f"{name}.{field}"
            if where != "Secret.value":
                assert declared_types(merged) == upstream_types(api, upstream), where
            assert_notes(where, merged, upstream)
            assert_range(where, merged, alternatives(api, upstream))

    @pytest.mark.parametrize(("theirs", "name"), DEFINITIONS.items())
    def test_required_fields(self, api: dict[str, Any], ours: dict[str, Any], theirs: str, name: str) -> None:
        if name in {"Deployment", "Secret"}:  # declarations may be partial, and hold no secret values
            return
        required = set(api[theirs].get("required", ())) | REQUIRED_BY_KUBERNETES.get(name, set())
        if name in {"Container", "SecretReference"}:  # an overlay holds a part; the whole is left to the rules
            required &= {"name"}
        assert set(ours[name].get("required", ())) == required


def assert_notes(where: str, node: dict[str, Any], upstream: dict[str, Any]) -> None:
    notes, mutability = node["x-driftcheck"], upstream.get("x-mutability", "")
    read_only = mutability.startswith(("read-only", "not settable"))
    assert node.get("readOnly", False) == read_only, where
    assert notes.get("immutable", False) == (mutability == "immutable" and where != "SourceConfig.repo_url"), where
    assert notes.get("key") == upstream.get("x-list-key"), where
    assert notes.get("sensitive", False) == upstream.get("x-sensitive", False), where
    assert bool(notes.get("deprecated")) == upstream.get("x-deprecated-upstream", False), where
    if "x-applies-to" in upstream:
        assert notes["applies_to"] == upstream["x-applies-to"], where
    if mutability == "patch creates a revision":
        assert notes["revision"] is True, where
    first = upstream["x-source"][0]
    assert notes.get("since", "seed") == ("seed" if first == "A" else first), where
    assert ("decimals" in notes) == ("x-rounding" in upstream), where
    if "x-server-default" in upstream:
        effective = notes["effective"]
        assert effective["of"] in upstream["x-server-default"], where
        assert (effective.get("times", 1) == 2) == ("2 x" in upstream["x-server-default"]), where
    if "default" in upstream:
        assert notes["service_default"] == upstream["default"], where


def assert_range(where: str, node: dict[str, Any], upstream: list[dict[str, Any]]) -> None:
    for alternative in upstream:
        if "minimum" in alternative:
            assert node["minimum"] == alternative["minimum"], where
        if "maximum" in alternative:  # holds on Cloud only, so it is a note for the linter
            assert node["x-driftcheck"]["cloud_maximum"] == alternative["maximum"], where
        if "enum" in alternative and not node.get("readOnly"):
            assert set(node["enum"]) - {None} - ALIASES == set(alternative["enum"]), where
        if alternative.get("format") == "uuid":
            assert node["x-driftcheck"]["equivalence"] == "uuid", where


def declared_types(node: dict[str, Any]) -> set[str]:
    return set([node["type"]] if isinstance(node["type"], str) else node["type"])


def upstream_types(api: dict[str, Any], node: dict[str, Any]) -> set[str]:
    return {alternative["type"] for alternative in alternatives(api, node)}


def alternatives(api: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    choices = node.get("anyOf", node.get("allOf", [node]))
    return [api[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice for choice in choices]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Return every object inside a schema."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from nodes(child)


def described(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every field of a schema, with its path."""
    if not isinstance(value, dict):
        return
    for keyword, child in value.items():
        if keyword == "properties" and path.rpartition("/")[2] not in {"if", "then", "else"}:
            yield from ((f"{path}/{name}", field) for name, field in child.items())
        if keyword != "properties":
            yield from described(child, f"{path}/{keyword}")
        else:
            for name, field in child.items():
                yield from described(field, f"{path}/{name}")
