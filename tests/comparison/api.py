"""The shapes of the endpoint's answers, read from tests/data/openapi.json, and facts of docs/API.md about them.

Written from the documents alone: nothing here comes from driftcheck's own schema.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

AGES = ("seed", "A", "B", "B2", "C", "TF")
SOURCES = ("github", "external_docker", "internal_docker", "internal_source", "internal_template")

LIMITS = {
    "cpu_limit": ("cpu", 2),
    "memory_limit_mb": ("memory_mb", 2),
    "queue_min_scale": ("min_scale", 1),
    "queue_max_scale": ("max_scale", 1),
    "queue_cpu": ("cpu", 1),
    "queue_memory_mb": ("memory_mb", 1),
    "queue_cpu_limit": ("queue_cpu", 2),
    "queue_memory_limit_mb": ("queue_memory_mb", 2),
    "redis_cpu_limit": ("redis_cpu", 2),
    "redis_memory_limit_mb": ("redis_memory_mb", 1),
    "core_cpu_limit": ("core_cpu", 2),
    "core_memory_limit_mb": ("core_memory_mb", 2),
    "db_cpu_limit": ("db_cpu", 2),
    "db_memory_limit_mb": ("db_memory_mb", 2),
}
"""docs/API.md 3.1.3: what a null field derives its value from; each base comes before the fields that need it."""

ROUNDED = ("cpu", "cpu_limit", "queue_cpu", "queue_cpu_limit", "redis_cpu", "redis_cpu_limit")
"""docs/API.md 2.4: rounded to one decimal by the service."""

PLATFORM_SET = {
    "custom_url": ("github", "internal_docker", "internal_source", "internal_template"),
    "deployment_type": ("external_docker",),
    **dict.fromkeys(
        ("build_on_push", "repo_ref"), ("external_docker", "internal_docker", "internal_source", "internal_template")
    ),
    "route_through_gateway": ("external_docker",),
    "image_uri": ("github", "internal_source", "internal_template"),
    "langgraph_config_path": ("external_docker", "internal_docker", "internal_template"),
    "source_tarball_path": ("github", "external_docker", "internal_docker", "internal_template"),
}
"""docs/API.md 3.1.7, 3.1.8 and 3.1.2: fields whose value the platform chooses, by source."""

NOT_REPORTED = ("k8s_namespace", "install_command", "build_command")
"""docs/API.md 3.1.10: a live null is not evidence."""

IMMUTABLE = (
    *("name", "source", "integration_id", "deployment_type", "listener_id", "k8s_namespace"),
    "template_id",
)
"""docs/API.md 2.2."""

REVISIONS = (
    *("source_revision_config", "secrets", "secret_references", "resource_spec", "install_command", "build_command"),
    *("deployment_tier", "compute_tier", "database_tier"),
)
"""docs/API.md 2.2, 2.3 and 3.2.9: a change creates a new revision."""

READ_ONLY = (
    *("id", "tenant_id", "created_at", "updated_at", "status", "latest_revision_id", "active_revision_id"),
    *("tracer_session_id", "url", "is_preview", "image_version", "is_managed_deep_agent", "repo_branch"),
    *("repo_commit_sha", "tracked_packages", "deepagents_version"),
)
"""docs/API.md 2."""

EMPTY_MEANS_SOMETHING = (
    *("configMap", "secret", "emptyDir", "persistentVolumeClaim", "nfs", "projected", "downwardAPI", "csi"),
    *("securityContext", "valueFrom"),
)
"""Kubernetes: `emptyDir: {}` is a volume; an absent source is not."""

CONSTANTS = {("EnvVar", "value"): "", ("VolumeMount", "readOnly"): False}
"""docs/API.md 2.5: what an unset field means."""

QUANTITIES = (
    ("500m", "0.5", ".5", "0.50", "5e-1", "500e-3", "+500m"),
    ("1", "1000m", "1.0", "1e0", "1."),
    ("100m", "0.1"),
    ("250m", "0.25", "250000u"),
    ("2", "2000m"),
    ("1Gi", "1024Mi", "1048576Ki", "1073741824", "1.0Gi"),
    ("512Mi", "0.5Gi", "536870912"),
    ("129M", "129e6", "129000000", "0.129G"),
    ("123Mi", "128974848", "128974848000m", "128974848e0"),
    ("1k", "1000", "1e3", "1000000m"),
    ("1Ki", "1024"),
    ("0", "0m", "0Gi", "-0"),
    ("1Ei", "1152921504606846976"),
    ("1E", "1000P", "1e18", "1000000000000000000"),
)
"""Kubernetes quantities: those of a line are one, those of two lines are not, however near."""


@dataclass(frozen=True)
class Shape:
    """What a field holds: an `object` of a named schema, a `list`, a `map`, something `free`, or a `scalar`."""

    kind: str
    type: str = ""
    name: str = ""
    items: Shape | None = None
    key: str | None = None
    sources: tuple[str, ...] = ()

    def known(self, age: str) -> bool:
        """Return whether a server of an age has the field; fields that only TF knows came after C."""
        return age in self.sources or (age == "TF" and "C" in self.sources)


@cache
def shapes(name: str) -> dict[str, Shape]:
    """Return the fields of a schema by name."""
    definition = _schemas()["ResourceSpec-Output" if name == "ResourceSpec" else name]
    return {key: _shape(node) for key, node in definition["properties"].items()}


@cache
def _schemas() -> dict[str, Any]:
    path = Path(__file__).parent.parent / "data" / "openapi.json"
    return json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"]


def _shape(node: dict[str, Any]) -> Shape:
    options = [option for option in node.get("anyOf", node.get("allOf", [node])) if option.get("type") != "null"]
    inner = options[0]
    sources = tuple(node.get("x-source", ()))
    if "$ref" in inner:
        name = inner["$ref"].rpartition("/")[2].removesuffix("-Output")
        if "properties" not in _schemas().get(name, _schemas().get(f"{name}-Output", {})):
            return Shape("scalar", type="string", sources=sources)
        return Shape("object", name=name, sources=sources)
    if inner.get("type") == "array":
        return Shape("list", items=_shape(inner["items"]), key=node.get("x-list-key"), sources=sources)
    if inner.get("type") == "object":
        values = inner.get("additionalProperties")
        return Shape("map" if isinstance(values, dict) else "free", sources=sources)
    return Shape("scalar", type=inner.get("type", "string"), sources=sources)


def impact(path: tuple[Any, ...]) -> str:
    """Return the impact of reverting the value at a path (docs/API.md 2.2)."""
    keys = [segment for segment in path if isinstance(segment, str)]
    top = keys[:2] if keys[0] == "source_config" else keys[:1]
    if (len(keys) == 1 and keys[0] in IMMUTABLE) or (keys[0] == "source_config" and keys[-1] in IMMUTABLE[2:]):
        return "recreate"
    return "new-revision" if any(key in REVISIONS for key in top) else "in-place"
