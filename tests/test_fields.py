"""The field tree: what the schema's annotations say of a path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driftcheck import fields
from driftcheck.fields import Effective, Field
from driftcheck.paths import Item, Segment, parse_path

SPEC = "source_config.resource_spec"


def field(path: str) -> Field:
    return fields.deployment().at(parse_path(path))


def test_a_path_leads_through_lists_by_identity_and_by_position() -> None:
    by_position: tuple[Segment, ...] = ("source_config", "resource_spec", "sidecars", 0, "image")
    by_identity: tuple[Segment, ...] = ("source_config", "resource_spec", "sidecars", Item("name", "otel"), "image")
    assert fields.deployment().at(by_position) is fields.deployment().at(by_identity)
    assert field(f"{SPEC}.sidecars[name=otel].image").types == {"string"}


def test_a_path_that_the_schema_does_not_describe_has_an_unknown_field() -> None:
    for path in (("nonsense",), ("name", "x"), ("source_config", 0), ("secrets", "x")):
        assert fields.deployment().at(path) is fields.UNKNOWN


def test_the_root_is_the_deployment_itself() -> None:
    assert fields.deployment().at(()) is fields.deployment()


def test_free_maps_know_their_values() -> None:
    assert field(f"{SPEC}.labels.anything").types == {"string"}
    assert field(f"{SPEC}.sidecars[0].resources.limits.cpu").quantity
    assert field(f"{SPEC}.volumes[0].configMap.items") is fields.UNKNOWN


def test_a_free_map_may_name_some_of_its_keys() -> None:
    assert field(f"{SPEC}.volumes[0].emptyDir.sizeLimit").quantity
    assert field(f"{SPEC}.volumes[0].emptyDir.medium") is fields.UNKNOWN


def test_null_differs_from_every_type() -> None:
    assert field(f"{SPEC}.cpu").types == {"number"}
    assert field(f"{SPEC}.cpu").nullable
    assert not field("name").nullable
    assert None not in field("deployment_tier").enum


@pytest.mark.parametrize(
    ("path", "effective"),
    [
        ("cpu", None),
        ("cpu_limit", Effective("cpu", 2)),
        ("memory_limit_mb", Effective("memory_mb", 2)),
        ("queue_min_scale", Effective("min_scale")),
        ("queue_cpu", Effective("cpu")),
        ("queue_cpu_limit", Effective("queue_cpu", 2)),
        ("queue_memory_limit_mb", Effective("queue_memory_mb", 2)),
        ("redis_memory_limit_mb", Effective("redis_memory_mb")),
        ("core_memory_limit_mb", Effective("core_memory_mb", 2)),
        ("db_cpu_limit", Effective("db_cpu", 2)),
        ("volume_mounts[0].readOnly", Effective(value=False)),
        ("sidecars[0].env[0].value", Effective(value="", unless="valueFrom")),
    ],
)
def test_what_the_service_uses_where_a_field_is_null(path: str, effective: Effective | None) -> None:
    assert field(f"{SPEC}.{path}").effective == effective


@pytest.mark.parametrize(
    ("path", "key", "ordered"),
    [
        ("secrets", "name", False),
        ("secret_references", "name", False),
        (f"{SPEC}.image_pull_secrets", "name", False),
        (f"{SPEC}.volumes", "name", False),
        (f"{SPEC}.volume_mounts", "mountPath", False),
        (f"{SPEC}.sidecars", "name", False),
        (f"{SPEC}.init_containers", "name", True),
        (f"{SPEC}.sidecars[0].env", "name", "references"),
        (f"{SPEC}.sidecars[0].volumeMounts", "mountPath", False),
        (f"{SPEC}.sidecars[0].envFrom", None, False),
        (f"{SPEC}.sidecars[0].args", None, False),
    ],
)
def test_lists_have_an_identity_or_an_order(path: str, key: str | None, ordered: bool | str) -> None:
    assert (field(path).key, field(path).ordered) == (key, ordered)


def test_the_immutable_fields_are_those_that_the_api_names() -> None:
    immutable = {path for path, found in every(fields.deployment()) if found.immutable}
    assert immutable == {
        *("name", "source", "agent", "source_config.integration_id", "source_config.deployment_type"),
        *("source_config.listener_id", "source_config.listener_config.k8s_namespace", "source_config.template_id"),
    }


def test_values_that_the_platform_sets_depend_on_the_source() -> None:
    assert field("source_config.custom_url").platform_sets("github")
    assert not field("source_config.custom_url").platform_sets("external_docker")
    assert field("source_config.deployment_type").platform_sets("external_docker")
    assert not field("source_config.deployment_type").platform_sets("a source of tomorrow")
    assert field("status").platform_sets("external_docker")


def test_what_is_reported_back_depends_on_the_source() -> None:
    assert field("source_config.resource_spec").is_reported("external_docker")
    assert not field("source_config.resource_spec").is_reported("github")
    assert not field("source_config.listener_config.k8s_namespace").is_reported("external_docker")
    assert field("source_config.repo_url").is_reported("github")


def test_an_empty_volume_source_says_something_and_an_empty_list_does_not() -> None:
    assert not field(f"{SPEC}.volumes[0].emptyDir").empty_is_null
    for path in ("secrets", f"{SPEC}.labels", f"{SPEC}.sidecars[0].args", f"{SPEC}.sidecars[0].resources.limits"):
        assert field(path).empty_is_null, path


def test_only_values_of_variables_and_secrets_are_sensitive() -> None:
    sensitive = {path for path, found in every(fields.deployment()) if found.sensitive}
    assert sensitive == {
        *("secrets[].value", f"{SPEC}.sidecars[].env[].value", f"{SPEC}.init_containers[].env[].value"),
    }


def test_every_age_is_known() -> None:
    for path, found in every(fields.deployment()):
        assert found.since in fields.AGES, path


@pytest.mark.parametrize("name", fields.SCHEMAS)
def test_S3_a_schema_is_read_as_it_was_published(name: str) -> None:
    path = fields.schema_path(name)
    if not path.exists():
        pytest.skip(f"{path.name} is not written yet")
    assert fields.schema_text(name) == path.read_text(encoding="utf-8")
    assert fields.schema(name) == json.loads(fields.schema_text(name))


def test_schemas_stand_beside_the_package_in_a_checkout() -> None:
    assert fields.schema_path("declaration").parent.name == "schemas"
    assert fields.schema_path("declaration").parent.parent in Path(fields.__file__).resolve().parents


def every(parent: Field, prefix: str = "") -> list[tuple[str, Field]]:
    found = []
    for name, child in parent.properties.items():
        path = f"{prefix}.{name}" if prefix else name
        found += [(path, child), *every(child, path)]
    return found + (every(parent.items, f"{prefix}[]") if parent.items else [])
